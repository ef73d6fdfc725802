"""An agent in a talk asks for help: the phones of all supervisors who may hear it ring; who answers first is with it.

It lasts until one is there, or until none of their phones rings any more, or the talk is over. Meanwhile the agent's
row on the page says so.
"""

from agents.spoken import Spoken
from centralino import events as ev
from centralino.agents_ear import AgentsEar
from centralino.book import Book
from centralino.listening import Listening
from centralino.settings import Configuration
from centralino.state import CallNow, ListeningNow

ANOTHER_CAME, NOBODY_CAME, NOBODY_THERE = (
    "another supervisor came",
    "no supervisor answered",
    "no supervisor who may hear the talk could be rung",
)


class Help:
    def __init__(self, book: Book, listening: Listening, ear: AgentsEar) -> None:
        self._book, self._listening, self._ear = book, listening, ear
        self.configuration: Configuration

    def ask(self, call: CallNow) -> None:
        """The agent who talks pressed the keys for it; pressed again, it is said again."""
        if call.id in self._book.house.asking_for_help:
            self._ear.tell(call, Spoken.HELP_IS_CALLED)
            return
        if any(one.call == call.id and one.answered_s for one in self._book.house.listenings.values()):
            self._ear.tell(call, Spoken.HELP_IS_HERE)
            return
        self._book.write(ev.HelpAsked(call=call.id, agent=call.agent, leg=call.leg))
        rung = [
            one for one in self.configuration.roster.supervisors.values() if self._listening.ring_for_help(call, one)
        ]
        if rung:
            self._ear.tell(call, Spoken.HELP_IS_CALLED)
        else:
            self._over(call, NOBODY_THERE)

    def look(self) -> None:
        """Whoever asked has a supervisor by now, or there is nobody left to wait for."""
        for call_id in list(self._book.house.asking_for_help):
            call = self._book.house.calls[call_id]
            theirs = [one for one in self._book.house.listenings.values() if one.call == call_id]
            came = next((one for one in theirs if one.answered_s), None)
            if came:
                self._came(call, came, theirs)
            elif not any(one.by_help for one in theirs):
                self._over(call, NOBODY_CAME)

    # --- within

    def _came(self, call: CallNow, came: ListeningNow, theirs: list[ListeningNow]) -> None:
        self._book.write(ev.HelpOver(call=call.id, agent=call.agent, why=f"{came.supervisor} came"))
        for other in theirs:
            if other.by_help and not other.answered_s:
                self._listening.end(other, ANOTHER_CAME)

    def _over(self, call: CallNow, why: str) -> None:
        self._book.write(ev.HelpOver(call=call.id, agent=call.agent, why=why))
        self._ear.tell(call, Spoken.NO_HELP)

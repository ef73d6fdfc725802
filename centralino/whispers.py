"""Before an agent is joined with a caller they hear who that is, where their queue says so; the caller waits on.

Nothing of it is kept but the call's state: whoever comes back to it, a new engine too, joins the two at once. A sound
that is not there is left out, and its making never waited for.
"""

from collections.abc import Callable

from acd.floor import Floor
from agents import spoken
from agents.who_calls import WhoCalls
from asterisk.port import CallerId
from centralino import events as ev
from centralino.attendant import Desk, Voice
from centralino.call_states import CallState
from centralino.people import People
from centralino.settings import Configuration
from centralino.state import CallNow
from ivr.prompts import Prompt

ALARM = "whisper"
GONE_TOLD_WITHIN_S = 0.5
LONGEST_S = 8.0  # one whose end is not told: the longest words take less


class Whispers:
    """`talk` belongs to the dispatcher: it joins the two."""

    def __init__(self, desk: Desk, voice: Voice, people: People, floor: Floor) -> None:
        self._book, self._telephony, self._clock, self._alarms = desk.book, desk.telephony, desk.clock, desk.alarms
        self._voice, self._people, self._floor = voice, people, floor
        self.configuration: Configuration
        self.talk: Callable[[CallNow, str], None]

    def shown(self, call: CallNow) -> CallerId:
        """What the agent's phone shows, also where nothing is whispered."""
        who, where = self._people.who(call.person), call.office or call.queue
        to_call_back = "call-back, " if call.is_to_be_called else ""
        calls = self._who_calls(call, f"{to_call_back}{where}", self._clock.now_s())
        if call.withheld:
            return CallerId("anonymous", calls.shown("", ""))
        return CallerId(who.number, calls.shown(who.name, who.number))

    def prepare(self, call: CallNow, agent: str) -> None:
        """While the phone rings: have ready what its agent may hear when they answer, within the next minute."""
        now_s = self._clock.now_s()
        prompts = [*self._prompts(call, agent, now_s), *self._prompts(call, agent, now_s + 60)]
        if missing := [prompt for prompt in dict.fromkeys(prompts) if self._voice.sound_of(prompt) is None]:
            self._voice.make(missing, lambda: None)

    def begin(self, call: CallNow, leg: str) -> bool:
        """Let the agent who answered as `leg` hear who calls. False: there is nothing to be heard."""
        agent = call.rings[leg]
        prompts = self._prompts(call, agent, self._clock.now_s())
        heard = {prompt: sound for prompt in prompts if (sound := self._voice.sound_of(prompt))}
        if not heard:
            return False
        words = " ".join(prompt.text for prompt in heard)
        self._book.write(ev.WhisperStarted(call=call.id, agent=agent, leg=leg, words=words))
        self._telephony.play(leg, _playback(leg), list(heard.values()), prompts[0].language)
        self._alarms.set(ALARM, call.id, self._clock.now_s() + LONGEST_S)
        return True

    def call_at(self, leg: str) -> CallNow | None:
        """The call of whose caller an agent hears as `leg`."""
        call = self._book.call(leg.rpartition("-leg")[0])
        return call if call and call.state is CallState.WHISPERING and call.leg == leg else None

    def playback_ended(self, leg: str, playback: str, *, whole: bool) -> None:
        """It was heard to its end; or it could not be played, or the agent is gone, which is told in a moment."""
        call = self.call_at(leg)
        if call is None or playback != _playback(leg):
            return
        if whole:
            self.forget(call)
            self.talk(call, leg)
        else:
            self._alarms.set(ALARM, call.id, self._clock.now_s() + GONE_TOLD_WITHIN_S)

    def cut_short(self, call: CallNow) -> None:
        """The agent has heard enough, or we were away."""
        self.forget(call)
        self._telephony.stop_playing(call.leg, _playback(call.leg))
        self.talk(call, call.leg)

    def alarm(self, call_id: str) -> None:
        """Its end was never told."""
        call = self._book.call(call_id)
        if call and call.state is CallState.WHISPERING:
            self.cut_short(call)

    def forget(self, call: CallNow) -> None:
        self._alarms.cancel(ALARM, call.id)

    # --- within

    def _prompts(self, call: CallNow, agent: str, at_s: float) -> list[Prompt]:
        """What the agent would hear at `at_s`; nothing of a queue that does not say so, or of who is called back."""
        rules, listed = self._floor.rules.get(call.queue), self.configuration.roster.agents.get(agent)
        if rules is None or not rules.whisper or listed is None or call.is_to_be_called:
            return []
        office = self.configuration.entities.offices().get(call.office)
        place = office.name if office else call.queue if self._has_several_queues(agent) else ""
        return self._who_calls(call, place, at_s).whispered(spoken.language_of(listed.languages), self._minutes)

    def _who_calls(self, call: CallNow, place: str, at_s: float) -> WhoCalls:
        """What is as usual is left out: the number's one entity and first language, a short wait, a first call."""
        entities, plan = self.configuration.entities, self.configuration.dialplans.get(call.service)
        entity = entities.entities.get(call.entity) if len(entities.served_by(call.service)) > 1 else None
        calls = 0 if call.withheld else self._book.house.callers_today.get(call.person, 0)
        return WhoCalls(
            place=place,
            entity=entity.name if entity else "",
            language=call.language if plan and call.language != plan.languages[0] else "",
            minutes=int(at_s - call.waits_since_s) // 60,
            nth_call=calls if calls > 1 else 0,
        )

    def _has_several_queues(self, agent: str) -> bool:
        """Whoever serves one queue knows which it is."""
        on_floor = self._floor.agents.get(agent)
        return on_floor is None or sum(self._floor.suits(on_floor.profile, queue) for queue in self._floor.rules) > 1

    def _minutes(self, count: int, language: str) -> str:
        return self._voice.sentences.tables[language].counted_minutes(count)


def _playback(leg: str) -> str:
    return f"{leg}.whisper"

"""What came of a call, as whoever answered it says: kind, topic, solved or handed on. The last word counts.

It may be said while the call goes on or long after; each word is on record.
"""

from agents.disposition import Kind, Level
from centralino import events as ev
from centralino.book import Book
from centralino.clock import Clock
from centralino.located import did_you_mean, shown
from centralino.people import cleaned
from centralino.settings import Configuration
from centralino.signing import Refused

BY_KEYS_WITHIN_S = 1800.0  # after the talk's end: later than that, nobody is sure which call was the last
TOPIC_LENGTH_MAX = 64


class Dispositions:
    """Refused is raised with a text for the person who asked, and nothing has changed then."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self._book, self._clock = book, clock
        self.configuration: Configuration

    def dispose(self, said: ev.CallDisposed) -> None:
        """Put on record what is said of a call that is known. Raises Refused."""
        if said.kind not in list(Kind):
            raise Refused(f"{shown(said.kind)} is no kind of call; {did_you_mean(said.kind, list(Kind))}")
        if said.level not in list(Level):
            raise Refused(f"a call is `{Level.SOLVED}`, `{Level.HANDED_ON}`, or neither is said")
        if said.agent and said.agent not in self.configuration.roster.agents:
            raise Refused(f"there is no agent {shown(said.agent)} in agents.yaml")
        topics = self.configuration.entities.topics
        if said.topic and topics and said.topic not in topics:
            raise Refused(f"there is no topic {shown(said.topic)} in entities.yaml; {did_you_mean(said.topic, topics)}")
        self._book.write(said)

    def last_call_of(self, agent_id: str) -> str:
        """The call that the agent wraps up, or talked in last, not long ago; empty: none."""
        agent = self._book.house.agent(agent_id)
        is_recent = self._clock.now_s() - agent.last_call_ended_s <= BY_KEYS_WITHIN_S
        return agent.wrap_up_call or (agent.last_call if is_recent else "")


def topic_of(text: str) -> str:
    """A topic as it is kept: one line, no longer than a table shows."""
    return cleaned(" ".join(text.split()), TOPIC_LENGTH_MAX)

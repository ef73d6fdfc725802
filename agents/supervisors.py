"""Supervisors: whose talks they may listen to, and how they are with a talk. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from agents.spoken import Spoken


class How(StrEnum):
    """How a supervisor is with a talk. They hear both who talk; who hears them?"""

    LISTEN = "listen"  # nobody
    WHISPER = "whisper"  # the agent
    BARGE = "barge"  # both
    TAKE_OVER = "take-over"  # the caller: the agent has left


KEYS = {"4": How.LISTEN, "5": How.WHISPER, "6": How.BARGE}  # while they listen; as in Asterisk's ChanSpy


@dataclass(frozen=True, slots=True)
class Supervisor:
    """`phone`: the fixed phone, where no PIN is asked for, or None. `number` is keyed in elsewhere, with the PIN of
    which `pin` is the argon2 hash; empty: none. `sites` and `queues`: whose agents, and which talks; none: all.
    """

    id: str
    name: str
    phone: str | None = None
    number: str = ""
    pin: str = ""
    sites: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()

    def why_not(self, site: str, queue: str) -> Spoken | None:
        """Why they may not listen to a talk of `queue` with an agent of `site`; None: they may."""
        if self.sites and site not in self.sites:
            return Spoken.NOT_YOUR_SITE
        if self.queues and queue not in self.queues:
            return Spoken.NOT_YOUR_QUEUE
        return None

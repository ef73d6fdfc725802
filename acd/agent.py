"""An agent as the floor sees them: what they can do, and what calls cause at them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from acd.state import Doing

FREE = Doing.FREE  # named once: it is asked for often


@dataclass(frozen=True, slots=True)
class AgentProfile:
    """What the floor knows of an agent who may be offered calls at `phone`; `rank`: the place in agents.yaml."""

    id: str
    phone: str
    site: str
    skills: Mapping[str, int]
    languages: frozenset[str]
    rank: int = 0

    def has(self, needs: Mapping[str, int]) -> bool:
        """Whether they have every skill of `needs`, at its lowest level or above."""
        skills = self.skills
        return all(skills.get(skill, 0) >= level for skill, level in needs.items())


@dataclass(slots=True)
class AgentOnFloor:
    """An agent and what calls cause at them. `available`: ready, and the phone within reach."""

    profile: AgentProfile
    available: bool
    idle_since_s: float
    doing: Doing = Doing.FREE
    since_s: float = 0.0
    call: str = ""
    queue: str = ""
    leg: str = ""
    until_s: float = 0.0
    talk_since_s: float = 0.0
    lent_by: str = ""  # the site that counts their call; they may move to another meanwhile
    own_call: bool = False  # their phone is in a call that is not the floor's
    busy_s: float = 0.0  # in talks and wrap-ups that are over, today
    unanswered: int = 0  # offers in a row
    turn: int = 0  # grows whenever they begin, or end, to be free: an entry of a pool with another number is stale
    last_call_s: dict[str, float] = field(default_factory=dict)  # by queue: when one was last offered

    @property
    def can_take_a_call(self) -> bool:
        return self.available and self.doing is FREE and not self.own_call

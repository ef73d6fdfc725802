"""What agents.yaml says: sites, phones and the people who answer."""

from collections.abc import Mapping
from dataclasses import dataclass

from ivr.hours import Hours


@dataclass(frozen=True, slots=True)
class Site:
    """A hall. `name_shown` is for people; `node` is the Asterisk its phones register at; `seats` over 0.

    `phone` (E.164): the number that those see whom its phones call in an emergency; empty: the phone's own id.
    """

    name: str
    name_shown: str
    node: str
    seats: int
    phone: str = ""


@dataclass(frozen=True, slots=True)
class PhoneSeat:
    """A SIP phone: its id is its SIP user. A phone is not an agent."""

    id: str
    site: str


@dataclass(frozen=True, slots=True)
class Agent:
    """Who answers. `phone`: the fixed phone, or None: chosen at sign-in. Levels of skills and languages: 1 to 5.

    `shift`: when they are meant to be here; None: whenever they like. `rank`: the place in agents.yaml, from 0.
    """

    id: str
    name: str
    site: str
    phone: str | None
    skills: Mapping[str, int]
    languages: Mapping[str, int]
    shift: Hours | None = None
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Roster:
    """All sites, phones and agents, by id, in the order of the file.

    Who pauses for `longest_pause_s` is signed out; None: pauses last until somebody ends them.
    """

    sites: Mapping[str, Site]
    phones: Mapping[str, PhoneSeat]
    agents: Mapping[str, Agent]
    longest_pause_s: float | None = None

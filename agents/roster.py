"""What agents.yaml says: sites, phones, the people who answer, and those who look after them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from agents.supervisors import Supervisor
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


class Make(StrEnum):
    """Who made a phone, and so how it wants to be told what it is."""

    YEALINK = "yealink"
    SNOM = "snom"
    GRANDSTREAM = "grandstream"
    LINPHONE = "linphone"


@dataclass(frozen=True, slots=True)
class PhoneSeat:
    """A SIP phone: its id is its SIP user. A phone is not an agent. `mac`: twelve hex digits in small, or empty."""

    id: str
    site: str
    mac: str = ""
    make: Make | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """Who answers. `phone`: the fixed phone, or None: chosen at sign-in. Levels of skills and languages: 1 to 5.

    `shift`: when they are meant to be here; None: whenever they like. `rank`: the place in agents.yaml, from 0.
    `number` is dialled to reach them, and keyed in to sign in; empty: none. `pin`: its argon2 hash; empty: none.
    """

    id: str
    name: str
    site: str
    phone: str | None
    skills: Mapping[str, int]
    languages: Mapping[str, int]
    shift: Hours | None = None
    rank: int = 0
    number: str = ""
    pin: str = ""


@dataclass(frozen=True, slots=True)
class PauseReason:
    """Why agents pause, as `name` says in each language. Who pauses longer than `longest_s` is signed out; None: as
    for any pause.
    """

    name: Mapping[str, str]
    longest_s: float | None = None

    def named(self, language: str) -> str:
        """Its name in `language`, or in the first that it has."""
        return self.name.get(language) or next(iter(self.name.values()))


@dataclass(frozen=True, slots=True)
class Roster:
    """All sites, phones, agents and supervisors, by id, in the order of the file.

    Who pauses for `longest_pause_s` is signed out; None: pauses last until somebody ends them. `pauses`: reasons, by
    the digits that are keyed in for them. `moves`: whoever signs in at a second phone is signed out at the first.
    """

    sites: Mapping[str, Site]
    phones: Mapping[str, PhoneSeat]
    agents: Mapping[str, Agent]
    longest_pause_s: float | None = None
    pauses: Mapping[str, PauseReason] = field(default_factory=dict)
    moves: bool = False
    supervisors: Mapping[str, Supervisor] = field(default_factory=dict)

    def agent_numbered(self, number: str) -> Agent | None:
        """Whose number it is."""
        return next((agent for agent in self.agents.values() if number and agent.number == number), None)

    def supervisor_numbered(self, number: str) -> Supervisor | None:
        """Whose number it is."""
        return next((one for one in self.supervisors.values() if number and one.number == number), None)

    def supervisor_at(self, phone: str) -> Supervisor | None:
        """Whose fixed phone it is."""
        return next((one for one in self.supervisors.values() if one.phone == phone), None)

    def node_of(self, phone: str) -> str:
        """Where the phone, which is in agents.yaml, is registered. Raises KeyError for any other."""
        return self.sites[self.phones[phone].site].node

    def phone_numbered(self, number: str) -> PhoneSeat | None:
        """The phone that is dialled so: by the digits of its id."""
        return next((phone for phone in self.phones.values() if number and digits_of(phone.id) == number), None)


def digits_of(name: str) -> str:
    """The digits of an id, as they are dialled: 101 for `p101`."""
    return "".join(sign for sign in name if sign.isdecimal())

"""What is true in the house now: its calls, agents, and all else that must survive the engine.

The engine changes it only by journaling an event whose effect (centralino/effects.py) is then made here; so what is
read back from the journal after a crash is what was true before it.
"""

import msgspec

from acd.sites import Held
from agents.state import Chosen
from centralino.call_states import CallState


class Promise(msgspec.Struct):
    """That `person` is called back by the people of `queue`."""

    queue: str
    person: str
    since_s: float


class Consult(msgspec.Struct):
    """Whom an agent asks, or lets talk too (`all_talk`), in the middle of a talk. Events say the rest."""

    to: str
    leg: str
    to_phone: str
    answered: bool = False
    all_talk: bool = False


class CallNow(msgspec.Struct):
    """A call that has not ended. Instants are seconds since 1970, 0 while they have not come."""

    id: str
    node: str
    service: str
    person: str
    withheld: bool
    language: str
    arrived_s: float
    state: CallState = CallState.ARRIVED
    since_s: float = 0.0
    step: str = ""
    entry: int = 0  # number of the journal's entry that playbacks are named by: the step's, or a later one
    queue: str = ""
    first_entered_s: float = 0.0
    head_start_s: float = 0.0
    waits: bool = False  # in `queue`, also while a phone rings for it, and while the agent hears who calls
    told_position: int = 0  # while waiting; 0: nothing yet
    told_until_s: float = 0.0
    told_refuse_key: str = ""  # the key by which talks are not recorded, once the caller has heard all of it
    recording_refused: bool = False
    offers: int = 0
    rings: dict[str, str] = {}  # leg → agent, of the phones that ring for it
    agent: str = ""  # who talks, as `leg`
    leg: str = ""
    talks: int = 0
    busy_since_s: float = 0.0  # since when the agent is busy with it; they may be there before the talk
    talk_started_s: float = 0.0
    talk_recording: str = ""  # of the talk that goes on
    in_time: bool = False
    given: bool = False  # the talk, by a colleague
    entity: str = ""
    open_case: bool = False  # the caller had one when they called
    release: int = 0
    office: str = ""  # that is rung or talks as `leg`; or whose agents the queue is
    office_answered: bool = False
    call_back: Promise | None = None  # that was given in this call
    call_back_of: str = ""  # the call in which was promised what this one, a call-back, is to keep
    back_at_s: float = 0.0  # when it has waited long enough in `queue` for an office, and goes on from `back_to_step`
    back_to_step: str = ""
    place: str = ""  # where it is parked
    set_aside: bool = False  # hears music while the agent, who has it, does something else
    held_since_s: float = 0.0  # by the key of the agent's phone; the caller hears music
    consult: Consult | None = None
    consults: int = 0  # so far; numbers their legs
    to_phone: str = ""  # one of ours, where it was transferred to
    handed_to: str = ""  # by an agent: an office, a queue, `@AGENT`, or `tel:PERSON`
    handed_on_s: float = 0.0
    back_to: str = ""  # the agent's queue
    back_head_start_s: float = 0.0  # that it had there
    taken_over_by: str = ""  # a supervisor, who talks, or talked, as `leg`
    supervisors_rung: int = 0
    box: str = ""  # whose voicemail
    recording: str = ""
    kept_message: bool = False
    gave_up_on_message: bool = False
    why: str = ""

    @property
    def is_to_be_called(self) -> bool:
        """A call-back that is not kept yet: nobody is on the line."""
        return bool(self.call_back_of) and not self.talks

    @property
    def is_in_line(self) -> bool:
        """Whether it waits for an agent, also while a phone rings for it."""
        return self.state in (CallState.QUEUED, CallState.OFFERED)

    @property
    def waits_since_s(self) -> float:
        """From when its wait counts, for rules and figures: after a talk, not from the first entry."""
        return self.handed_on_s or self.first_entered_s


class CallBackNow(msgspec.Struct):
    """A call-back that is to be placed; `call` is the one in which it was promised, or a name of its own."""

    call: str
    node: str
    service: str
    person: str
    language: str
    entity: str
    release: int
    queue: str
    first_entered_s: float
    head_start_s: float
    due_s: float
    attempts: int = 0
    attempt: str = ""  # the call that is to keep the promise now


class TalkRecording(msgspec.Struct):
    """A recording whose end was not told yet. `leg` is the agent's; `ended_s`: the talk's end, 0 while it
    goes on, and where nobody saw its end.
    """

    call: str
    node: str
    leg: str
    began_s: float
    ended_s: float = 0.0
    paused: bool = False  # by the agent
    paused_until_s: float = 0.0


class AgentNow(msgspec.Struct):
    """An agent who is, or was, signed in."""

    id: str
    phone: str = ""
    chosen: Chosen = Chosen.SIGNED_OUT
    reason: str = ""
    pause_until_s: float = 0.0  # when it ends by itself; 0: when they end it
    paused_by: str = ""
    since_s: float = 0.0
    idle_since_s: float = 0.0
    wrap_up_call: str = ""
    wrap_up_since_s: float = 0.0
    wrap_up_until_s: float = 0.0
    wrap_up_queue: str = ""
    busy_s: float = 0.0  # in talks and wrap-ups that are over, today
    wrong_pins: int = 0  # in a row
    pin_locked_until_s: float = 0.0
    last_call: str = ""  # in which they talked to a caller, and that talk is over
    last_call_ended_s: float = 0.0
    call_phone: str = ""  # where their latest call rang; they may sign out of it meanwhile


class PinTries(msgspec.Struct):
    """Wrong PINs in a row, for a supervisor's number."""

    wrong_pins: int = 0
    pin_locked_until_s: float = 0.0


class ListeningNow(msgspec.Struct):
    """A supervisor with a talk, as `ListeningBegun` says, by their leg. `answered_s`: 0 while their phone rings."""

    leg: str
    node: str
    call: str
    supervisor: str
    phone: str
    agent: str
    agent_leg: str
    how: str
    answered_s: float = 0.0
    by_help: bool = False  # their phone was rung because the agent asked for help


class OwnCall(msgspec.Struct):
    """A call that one of our phones began; as `OwnCallBegun` says. `answered_s`: 0 while it rings. `is_taken_up`: they
    are there, because they dialled, or because they answered their own phone.
    """

    id: str
    node: str
    phone: str
    agent: str
    to: str
    to_phone: str
    person: str
    began_s: float
    answered_s: float = 0.0
    entity: str = ""
    is_taken_up: bool = True

    @property
    def other_leg(self) -> str:
        return f"{self.id}-leg1"


class SiteState(msgspec.Struct):
    """A further site of a queue. `held`: an `acd.sites.Held`, and `by` whom."""

    is_open: bool = False
    since_s: float = 0.0
    why: str = ""
    held: str = Held.BY_RULE
    by: str = ""


class QueueCount(msgspec.Struct):
    """What a queue did, since the installation began (`totals`) or since midnight (`today`)."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    in_time: int = 0
    wait_sum_s: float = 0.0
    talked: int = 0
    talk_sum_s: float = 0.0


class EmergencyNow(msgspec.Struct):
    """A notice before the menu of a number; as `EmergencyStarted` says."""

    say: dict[str, str]
    file: str
    opens: bool
    until_s: float
    since_s: float
    by: str


class House(msgspec.Struct):
    """Everything that must survive the engine."""

    calls: dict[str, CallNow] = {}
    agents: dict[str, AgentNow] = {}
    reachable: dict[str, bool] = {}
    totals: dict[str, QueueCount] = {}
    today: dict[str, QueueCount] = {}
    day: str = ""
    outcomes: dict[str, int] = {}
    own_calls: dict[str, OwnCall] = {}
    listenings: dict[str, ListeningNow] = {}  # by the supervisor's leg
    asking_for_help: dict[str, float] = {}  # since when, by call
    supervisor_pins: dict[str, PinTries] = {}  # of those who keyed in a wrong one
    emergencies: dict[str, EmergencyNow] = {}  # by service number
    sites: dict[str, SiteState] = {}  # by `QUEUE/SITE`; those that were ever opened or held
    recordings: dict[str, TalkRecording] = {}  # by name
    discarded: dict[str, str] = {}  # recordings that are to be deleted, and of which call
    callers_today: dict[str, int] = {}  # calls by person
    call_backs: dict[str, CallBackNow] = {}  # that are to be placed, by the call in which they were promised
    # The latest calls that ended, and own calls that became another's: their legs, where they live on, are hung up.
    ended: list[str] = []

    def agent(self, agent_id: str) -> AgentNow:
        return self.agents.setdefault(agent_id, AgentNow(id=agent_id))

    def agent_at(self, phone: str) -> AgentNow | None:
        """Who is signed in there."""
        return next((agent for agent in self.agents.values() if phone and agent.phone == phone), None)

    def call_with(self, leg: str) -> CallNow | None:
        """The call that talks, or rings, by `leg`; whomever an agent rang by themselves has a leg of another name."""
        named = self.calls.get(leg.rpartition("-leg")[0])
        return named or next((call for call in self.calls.values() if leg and call.leg == leg), None)

    def has_other_call(self, phone: str) -> bool:
        """Whether a call is there that no queue brought: one made there or to there, one that a colleague gave,
        or somebody listens there.
        """
        if not phone:
            return False
        own = any(phone in (call.phone, call.to_phone) for call in self.own_calls.values())
        own = own or any(one.phone == phone for one in self.listenings.values())
        return own or any(
            phone == call.to_phone or (call.consult is not None and phone == call.consult.to_phone)
            for call in self.calls.values()
        )

    def site(self, queue: str, site: str) -> SiteState:
        return self.sites.setdefault(f"{queue}/{site}", SiteState())

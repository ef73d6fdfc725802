"""What can happen in the house, in our own words: the lines of the journal.

Every event is a fact in the past tense. Persons stand here by a key only (`person`), never by number or name, so that
a person can be erased without touching the history. Instants are seconds since 1970 UTC; durations are seconds.
"""

from enum import StrEnum

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """A fact. The journal adds its number and its instant (`Entry`)."""


ENDED_UNSEEN = "gone, and nobody saw it go"  # why a call ended whose end nobody told us


class Outcome(StrEnum):
    """What came of a call, decided when it ends."""

    ANSWERED = "answered"  # an agent talked with the caller
    ABANDONED = "abandoned"  # the caller gave up in a queue
    SENT_AWAY = "sent away"  # a queue was full, or waiting too long, and its rule ended the call
    ENDED_IN_MENU = "ended in menu"  # the caller, or the menu, ended it before any queue
    TRANSFERRED = "transferred"  # an office talked with the caller
    CALL_BACK = "call-back"  # the caller will be called back
    VOICEMAIL = "voicemail"  # a message was kept
    NO_MESSAGE = "no message"  # the caller came to the voicemail and left nothing
    UNKNOWN_NUMBER = "unknown number"  # the number dialled is no service of ours
    NOT_REACHED = "not reached"  # of a call-back: nobody answered
    NOT_NEEDED = "not needed"  # of a call-back: the person called themselves meanwhile, or somebody took it back
    FAILED = "failed"  # ours: the call could not be carried on


class CallEvent(Event, frozen=True, kw_only=True):
    call: str


class CallArrived(CallEvent, frozen=True, kw_only=True):
    node: str
    dialled: str  # as the carrier sent it
    service: str  # the service number it leads to; empty: unknown number
    person: str
    withheld: bool = False
    language: str
    entity: str = ""  # whose number it is; empty: several share it, or none is known
    open_case: bool = False  # the person had one for this service when they called, as far as the engine knew
    release: int = 0  # of the configuration whose dialplan the call follows to its end


class StepEntered(CallEvent, frozen=True, kw_only=True):
    step: str
    why: str = ""


class KeyPressed(CallEvent, frozen=True, kw_only=True):
    step: str
    key: str
    why: str  # how the menu took it


class LanguageChosen(CallEvent, frozen=True, kw_only=True):
    language: str


class EntityChosen(CallEvent, frozen=True, kw_only=True):
    entity: str


class AnswerKept(CallEvent, frozen=True, kw_only=True):
    """The caller keyed in digits when asked. `answer` is the key under which the people's file keeps them."""

    step: str
    note: str
    answer: str


class CallBackPromised(CallEvent, frozen=True, kw_only=True):
    """`person` is to be called back by the people of `queue`; it may be another number than the caller's."""

    queue: str
    person: str


class CallBackBegun(CallEvent, frozen=True, kw_only=True):
    """A promise is about to be kept: `call`, an attempt, stands in the line, and nobody's phone rings yet.

    `of`: the call in which it was promised; `attempt`: 1 for the first.
    """

    of: str
    attempt: int
    node: str
    service: str
    person: str
    language: str
    entity: str = ""
    release: int = 0
    queue: str
    first_entered_s: float
    head_start_s: float = 0.0


class CallBackRung(CallEvent, frozen=True, kw_only=True):
    """An agent is there as `leg`, and the person's phone is about to be rung. Written before Asterisk is asked."""

    agent: str
    leg: str


class CallBackUnanswered(CallEvent, frozen=True, kw_only=True):
    """The person was not reached; the agent is let go."""

    agent: str
    leg: str
    why: str


class CaseAsked(CallEvent, frozen=True, kw_only=True):
    """The caller asked how a case stands. Which, is not said here: digits may be anybody's."""

    step: str
    was_told: bool


class OfficeRung(CallEvent, frozen=True, kw_only=True):
    """An office's telephone, or a colleague's phone, is about to be rung. Written before Asterisk is asked."""

    office: str
    leg: str
    to_phone: str = ""  # where it is one of ours


class OfficeAway(CallEvent, frozen=True, kw_only=True):
    office: str
    leg: str
    why: str


class OfficeAnswered(CallEvent, frozen=True, kw_only=True):
    office: str
    leg: str


class OfficeLeft(CallEvent, frozen=True, kw_only=True):
    """The talk with the office is over."""

    office: str
    leg: str
    by: str  # caller, office, or lost


class QueueEntered(CallEvent, frozen=True, kw_only=True):
    """Where `back_at_s` is set, the queue answers for an office, or for whoever handed the call on; nobody answers
    until then: it goes on from `step`.
    """

    queue: str
    first_entered_s: float
    head_start_s: float = 0.0  # it counts as if it had waited so much longer
    office: str = ""
    back_at_s: float = 0.0
    step: str = ""


class CallWaits(CallEvent, frozen=True, kw_only=True):
    """Nobody can be offered the call now; written when the reason changes, not at each look."""

    queue: str
    why: str
    facts: dict[str, str | int | float] = {}


class CallerTold(CallEvent, frozen=True, kw_only=True):
    """A caller who waits hears their place, and between how many seconds the wait will be over; 0: not said."""

    queue: str
    position: int = 0
    from_s: float = 0.0
    to_s: float = 0.0


class RecordingAnnounced(CallEvent, frozen=True, kw_only=True):
    """A caller who waits begins to hear that the talk may be recorded, and which key refuses it."""

    queue: str
    key: str


class RecordingTold(CallEvent, frozen=True, kw_only=True):
    """They have heard it to its end."""

    queue: str
    key: str


class RecordingRefused(CallEvent, frozen=True, kw_only=True):
    """The caller does not want to be recorded: it holds for the whole call, whatever queue it comes to."""

    queue: str
    key: str


class CallOffered(CallEvent, frozen=True, kw_only=True):
    """An agent is reserved and their phone is about to be rung. Written before Asterisk is asked."""

    queue: str
    agent: str
    phone: str
    leg: str
    why: str
    facts: dict[str, str | int | float] = {}


class OfferEnded(CallEvent, frozen=True, kw_only=True):
    """The phone was rung and no talk came of it; no other rings for the call."""

    agent: str
    leg: str
    why: str


class RingEnded(CallEvent, frozen=True, kw_only=True):
    """One of several phones that were rung for the call stops: others ring on, or somebody has answered."""

    agent: str
    leg: str
    why: str


class WhisperStarted(CallEvent, frozen=True, kw_only=True):
    """An agent is there as `leg` and hears `words`, who calls; the caller, who knows nothing of it, waits on."""

    agent: str
    leg: str
    words: str


class WhisperCutOff(CallEvent, frozen=True, kw_only=True):
    """One of the two was gone before they were joined; the agent is let go, and a caller who is there waits again."""

    agent: str
    leg: str
    by: str  # caller, agent, or lost


class TalkStarted(CallEvent, frozen=True, kw_only=True):
    """`in_time`: answered within the queue's target, counted from the first entry."""

    agent: str
    leg: str
    in_time: bool
    phone: str = ""


class ColleagueTalks(CallEvent, frozen=True, kw_only=True):
    """An agent, to whom a colleague of `queue` gave the caller, or who fetched them, talks with them now."""

    agent: str
    leg: str
    queue: str
    phone: str


class TalkEnded(CallEvent, frozen=True, kw_only=True):
    agent: str
    leg: str
    by: str  # caller, agent, or lost


class CallHandedOn(CallEvent, frozen=True, kw_only=True):
    """An agent of `queue` ends their talk, and the caller goes on `to` an office or another queue; nobody answers
    there: back to `queue`. `note` is the key under which the people's file keeps what the agent said of it.
    """

    agent: str
    leg: str
    queue: str
    to: str
    by: str  # who gave the command
    note: str = ""


class CallerParked(CallEvent, frozen=True, kw_only=True):
    """The agent's talk ends, and the caller waits at `place` until somebody fetches them; nobody: back to `queue`."""

    agent: str
    leg: str
    queue: str
    place: str
    by: str


class CallerSetAside(CallEvent, frozen=True, kw_only=True):
    """The agent keys in to whom the caller is to go; the caller hears music."""

    agent: str
    leg: str


class CallTakenBack(CallEvent, frozen=True, kw_only=True):
    """Agent and caller talk again."""

    agent: str
    leg: str
    why: str


class ConsultRung(CallEvent, frozen=True, kw_only=True):
    """The agent asks somebody while the caller hears music: `to` as in `CallHandedOn`, rung as `leg`."""

    agent: str
    to: str
    leg: str
    to_phone: str = ""  # where it is one of ours


class ConsultAnswered(CallEvent, frozen=True, kw_only=True):
    agent: str
    leg: str


class ConsultEnded(CallEvent, frozen=True, kw_only=True):
    """They are not there, or have left; the agent has the caller again."""

    agent: str
    leg: str
    why: str


class ConferenceBegun(CallEvent, frozen=True, kw_only=True):
    """All three talk."""

    agent: str
    leg: str


class CallTransferred(CallEvent, frozen=True, kw_only=True):
    """The agent of `queue` leaves, and the caller stays with whom they asked, as `to_leg`; `answered`: who is there.

    `own_call`: the agent's own call in which they asked, with a second line of the phone; it is over with this.
    """

    agent: str
    leg: str
    queue: str
    to: str
    to_leg: str
    answered: bool
    own_call: str = ""


class CallTakenOver(CallEvent, frozen=True, kw_only=True):
    """A supervisor, there as `by_leg`, talks on with the caller; the agent's talk ends."""

    agent: str
    leg: str
    queue: str
    supervisor: str
    by_leg: str


class SupervisorLeft(CallEvent, frozen=True, kw_only=True):
    """The talk that a supervisor had taken over is over."""

    supervisor: str
    leg: str
    by: str  # caller, supervisor, or lost


class HelpAsked(CallEvent, frozen=True, kw_only=True):
    """The agent asks for a supervisor, of whom all who may hear the talk are about to be rung."""

    agent: str
    leg: str


class HelpOver(CallEvent, frozen=True, kw_only=True):
    """One of them is there, or none is to be waited for any more."""

    agent: str
    why: str


class CallHeld(CallEvent, frozen=True, kw_only=True):
    """The agent has put the caller on hold by the phone's own key: they hear music until `CallResumed`, or the talk's
    end.
    """

    agent: str
    leg: str


class CallResumed(CallEvent, frozen=True, kw_only=True):
    agent: str
    leg: str


class TalkRecordingStarted(CallEvent, frozen=True, kw_only=True):
    """The talk is about to be recorded, as STATE/recordings/`recording`.wav. Written before Asterisk is asked."""

    queue: str
    leg: str
    recording: str


class TalkRecordingPaused(CallEvent, frozen=True, kw_only=True):
    """Silence is to stand in the recording, until `until_s` at the latest (0: for as long as it takes)."""

    agent: str
    leg: str
    recording: str
    until_s: float
    why: str


class TalkRecordingResumed(CallEvent, frozen=True, kw_only=True):
    agent: str
    leg: str
    recording: str
    why: str


class TalkRecordingDiscarded(CallEvent, frozen=True, kw_only=True):
    """The recording ends before its talk, for good, and is deleted; no other talk of this call is recorded."""

    agent: str
    leg: str
    recording: str
    why: str


class TalkRecordingPauseFailed(CallEvent, frozen=True, kw_only=True):
    """It was to pause for a caller who waits, or to go on after it, and did not; that is tried again until it is so."""

    agent: str
    leg: str
    recording: str
    why: str


class TalkNotRecorded(CallEvent, frozen=True, kw_only=True):
    """The queue's talks are recorded; this one is not."""

    queue: str
    why: str


class QueueLeft(CallEvent, frozen=True, kw_only=True):
    """The call left a queue unanswered but goes on (voicemail, say)."""

    queue: str
    why: str


class SiteOpened(Event, frozen=True, kw_only=True):
    """Agents of a further site are offered the queue's calls from now on."""

    queue: str
    site: str
    why: str
    facts: dict[str, str | int | float] = {}


class SiteClosed(Event, frozen=True, kw_only=True):
    queue: str
    site: str
    why: str


class SiteHeld(Event, frozen=True, kw_only=True):
    """Somebody opens or closes a further site of a queue, or leaves it to its rule again."""

    queue: str
    site: str
    held: str  # an `acd.sites.Held`
    by: str


class VoicemailStarted(CallEvent, frozen=True, kw_only=True):
    box: str
    recording: str


class VoicemailEnded(CallEvent, frozen=True, kw_only=True):
    """`box`: whose voicemail; `person`: who left it. Both are empty in journals of before there was a list of these."""

    recording: str
    kept: bool
    duration_s: float
    why: str
    box: str = ""
    person: str = ""


class CallEnded(CallEvent, frozen=True, kw_only=True):
    outcome: Outcome
    why: str


class LeftBehind(CallEvent, frozen=True, kw_only=True):
    """About what a call has left behind: it may be told in any state, and after the call's end."""


class TalkRecordingEnded(LeftBehind, frozen=True, kw_only=True):
    """The recording was closed. `duration_s`: 0 where nothing was kept; `why`: what went wrong, if anything."""

    recording: str
    duration_s: float
    why: str = ""


class RecordingDeleted(LeftBehind, frozen=True, kw_only=True):
    recording: str
    why: str


class CallBackAsked(LeftBehind, frozen=True, kw_only=True):
    """Somebody of ours, `by`, promised that `person` is called back about `case` by the people of `queue`. `call` is a
    name that no call has.
    """

    case: str
    node: str
    queue: str
    service: str
    person: str
    language: str
    entity: str = ""
    by: str


class CallBackPutOff(LeftBehind, frozen=True, kw_only=True):
    """What was promised in `call` is tried, or tried again, at `due_s`."""

    due_s: float
    why: str


class CallBackOver(LeftBehind, frozen=True, kw_only=True):
    """Nobody will be called back any more for what was promised in `call`. `kept`: there is nothing left to do."""

    kept: bool
    why: str
    by: str = ""  # who took it back; empty: nobody did


class CallDisposed(LeftBehind, frozen=True, kw_only=True):
    """What is said of the call, in place of what was said before: an `agents.disposition` Kind and Level.

    `agent`: whose word it is; empty: of nobody in agents.yaml. `by`: how it was given.
    """

    agent: str = ""
    kind: str
    topic: str = ""
    level: str = ""
    by: str


class TransferRefused(LeftBehind, frozen=True, kw_only=True):
    """An agent's phone asked to transfer the caller where they cannot, or may not, go: the talk goes on.

    `person`: the number that it named, where it was one outside.
    """

    agent: str
    phone: str
    person: str = ""
    why: str


class SupervisorRung(LeftBehind, frozen=True, kw_only=True):
    """A supervisor's phone is about to be rung, so that they are with the talk. Written before Asterisk is asked."""

    leg: str
    node: str
    supervisor: str
    phone: str
    agent: str
    agent_leg: str
    how: str  # an `agents.supervisors.How`
    by: str
    is_help: bool = False  # the agent asked for it


class ListeningBegun(LeftBehind, frozen=True, kw_only=True):
    """A supervisor, there as `leg`, is with the talk of `agent`. Written before Asterisk is asked."""

    leg: str
    node: str
    supervisor: str
    phone: str
    agent: str
    agent_leg: str
    how: str


class ListeningChanged(LeftBehind, frozen=True, kw_only=True):
    leg: str
    supervisor: str
    agent: str
    how: str


class ListeningEnded(LeftBehind, frozen=True, kw_only=True):
    leg: str
    supervisor: str
    agent: str
    how: str
    why: str


class ListeningRefused(LeftBehind, frozen=True, kw_only=True):
    """A supervisor may not listen to this talk."""

    supervisor: str
    agent: str
    phone: str
    how: str
    why: str


class AgentEvent(Event, frozen=True, kw_only=True):
    agent: str


class AgentSignedIn(AgentEvent, frozen=True, kw_only=True):
    phone: str
    by: str


class AgentSignedOut(AgentEvent, frozen=True, kw_only=True):
    by: str
    why: str = ""


class AgentReady(AgentEvent, frozen=True, kw_only=True):
    by: str


class AgentPaused(AgentEvent, frozen=True, kw_only=True):
    """`until_s`: when the pause ends by itself; 0: when the agent ends it."""

    reason: str
    by: str
    until_s: float = 0.0


class AgentReset(AgentEvent, frozen=True, kw_only=True):
    """Whatever holds the agent is to end, which `held` says in words; they are `then` ready, or out."""

    by: str
    then: str
    held: list[str] = []


class WrapUpStarted(AgentEvent, frozen=True, kw_only=True):
    call: str
    until_s: float
    queue: str = ""


class WrapUpExtended(AgentEvent, frozen=True, kw_only=True):
    """The agent takes longer for `call`: the wrap-up ends at `until_s` now."""

    call: str
    until_s: float
    by: str


class WrapUpEnded(AgentEvent, frozen=True, kw_only=True):
    call: str
    why: str


class WrongPin(AgentEvent, frozen=True, kw_only=True):
    """Somebody at `phone` keyed in a wrong PIN; none is taken before `locked_until_s` (0: the next is)."""

    phone: str
    locked_until_s: float = 0.0


class SupervisorWrongPin(Event, frozen=True, kw_only=True):
    """As `WrongPin`, for a supervisor's number."""

    supervisor: str
    phone: str
    locked_until_s: float = 0.0


class OwnCallEvent(Event, frozen=True, kw_only=True):
    """Of a call that one of our phones began, by the id of its leg. It is no citizen's call."""

    call: str


class OwnCallBegun(OwnCallEvent, frozen=True, kw_only=True):
    """`agent`, or whoever sits at `phone`, calls `to`: an agent, a phone, or (empty) `person` outside.

    `by`: who asked for it, by a command; their phone is rung first then. Empty: they dialled. `entity`: for whom.
    """

    node: str
    phone: str
    agent: str = ""
    to: str = ""
    to_phone: str = ""
    person: str = ""
    by: str = ""
    entity: str = ""


class OwnCallTakenUp(OwnCallEvent, frozen=True, kw_only=True):
    """Their own phone, which was rung, was answered; now the other one is rung."""


class OwnCallAnswered(OwnCallEvent, frozen=True, kw_only=True): ...


class OwnCallEnded(OwnCallEvent, frozen=True, kw_only=True):
    why: str


class OwnCallRefused(OwnCallEvent, frozen=True, kw_only=True):
    """A phone dialled what may not be called, or whom nobody could ring (`to`, an agent or a phone, or `person`); asked
    for a transfer while it talks with no caller; or somebody asked for it by a command (`by`).
    """

    call: str = ""
    phone: str
    agent: str = ""
    to: str = ""
    person: str = ""
    why: str
    by: str = ""


class EngineStarted(Event, frozen=True, kw_only=True):
    """A new life of the engine: what it knew before was read back from this journal."""

    instance: str
    open_calls: int


class ConfigurationLoaded(Event, frozen=True, kw_only=True):
    """Configuration `release` is in force from now on; calls in progress follow the one they began in."""

    release: int
    by: str
    files: list[str]  # that changed


class RecordingHalted(Event, frozen=True, kw_only=True):
    """The disk is nearly full: no message and no talk is recorded from now on."""

    free_bytes: int


class RecordingPossible(Event, frozen=True, kw_only=True):
    """There is room again."""

    free_bytes: int


class PersonExported(Event, frozen=True, kw_only=True):
    """All that is held about whoever has these keys was handed to `by`."""

    persons: list[str]
    by: str


class PersonErased(Event, frozen=True, kw_only=True):
    """Nobody can tell any more whom these keys stand for."""

    persons: list[str]
    by: str


class EmergencyStarted(Event, frozen=True, kw_only=True):
    """Callers of `service` hear a notice first, until somebody ends it, or until `until_s` (0: no end is set)."""

    service: str
    say: dict[str, str]  # language → text; empty where `file` says it
    file: str = ""  # a recording in STATE/notices, by its name
    opens: bool = False
    until_s: float = 0.0
    by: str


class EmergencyEnded(Event, frozen=True, kw_only=True):
    service: str
    by: str
    why: str


class AsteriskConnected(Event, frozen=True, kw_only=True):
    node: str
    legs: int


class AsteriskLost(Event, frozen=True, kw_only=True):
    node: str
    why: str


class PhoneReachable(Event, frozen=True, kw_only=True):
    phone: str


class PhoneUnreachable(Event, frozen=True, kw_only=True):
    phone: str


class SecurityAlert(Event, frozen=True, kw_only=True):
    """Asterisk refused somebody: a wrong password, an unknown account."""

    kind: str
    account: str
    address: str
    before: int = 0  # as often from there, since the last alert


AnyEvent = (
    CallArrived
    | StepEntered
    | KeyPressed
    | LanguageChosen
    | EntityChosen
    | AnswerKept
    | CallBackAsked
    | CallBackPromised
    | CallBackBegun
    | CallBackRung
    | CallBackUnanswered
    | CallBackPutOff
    | CallBackOver
    | CaseAsked
    | OfficeRung
    | OfficeAway
    | OfficeAnswered
    | OfficeLeft
    | QueueEntered
    | CallWaits
    | CallerTold
    | RecordingAnnounced
    | RecordingTold
    | RecordingRefused
    | CallOffered
    | OfferEnded
    | RingEnded
    | WhisperStarted
    | WhisperCutOff
    | TalkStarted
    | ColleagueTalks
    | TalkEnded
    | CallHandedOn
    | CallTakenOver
    | SupervisorLeft
    | CallerParked
    | CallerSetAside
    | CallTakenBack
    | ConsultRung
    | ConsultAnswered
    | ConsultEnded
    | ConferenceBegun
    | CallTransferred
    | HelpAsked
    | HelpOver
    | CallHeld
    | CallResumed
    | TalkRecordingStarted
    | TalkRecordingPaused
    | TalkRecordingDiscarded
    | TalkRecordingPauseFailed
    | TalkRecordingResumed
    | TalkNotRecorded
    | QueueLeft
    | SiteOpened
    | SiteClosed
    | SiteHeld
    | VoicemailStarted
    | VoicemailEnded
    | CallEnded
    | TalkRecordingEnded
    | RecordingDeleted
    | CallDisposed
    | TransferRefused
    | SupervisorRung
    | ListeningBegun
    | ListeningChanged
    | ListeningEnded
    | ListeningRefused
    | AgentSignedIn
    | AgentSignedOut
    | AgentReady
    | AgentPaused
    | AgentReset
    | WrapUpStarted
    | WrapUpExtended
    | WrapUpEnded
    | WrongPin
    | SupervisorWrongPin
    | OwnCallBegun
    | OwnCallTakenUp
    | OwnCallAnswered
    | OwnCallEnded
    | OwnCallRefused
    | EngineStarted
    | ConfigurationLoaded
    | RecordingHalted
    | RecordingPossible
    | PersonExported
    | PersonErased
    | EmergencyStarted
    | EmergencyEnded
    | AsteriskConnected
    | AsteriskLost
    | PhoneReachable
    | PhoneUnreachable
    | SecurityAlert
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the journal: the `n`-th event of this installation, at `at_s`."""

    n: int
    at_s: float
    event: AnyEvent

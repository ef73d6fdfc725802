"""What we ask of a phone system, and what it tells us, in our own words.

Asking never waits and never fails: a request is handed over at once, in order, and what came of it arrives later as an
event. A reply means "heard"; only an event means "done". A leg is one party's line into the house: the caller's (its id
is the call's id) or an agent's (its id is chosen by us and saved before it is asked for).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from asterisk.carrier import Allowed


class EndCause(StrEnum):
    """Why a leg ended, or never came to be."""

    HUNG_UP = "hung up"
    NO_ANSWER = "no answer"
    BUSY = "busy"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    FAILED = "failed"
    GONE = "gone, and nobody saw it go"


class Overhear(StrEnum):
    """How somebody is with a talk that is not theirs: always hearing both who talk, and heard by whom?"""

    LISTEN = "listen"  # nobody
    WHISPER = "whisper"  # the agent
    BARGE = "barge"  # both


class TransferEnd(StrEnum):
    """What a phone is told of the transfer that it asked for."""

    DONE = "done"
    DECLINED = "declined"  # it may not be, or makes no sense
    UNAVAILABLE = "unavailable"  # it cannot be now


@dataclass(frozen=True, slots=True)
class CallerId:
    """Who a phone shows as calling. Both may be empty; neither is trusted."""

    number: str
    name: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """A caller's leg came in; it is ringing, nobody has answered it. `leg` becomes the call's id."""

    leg: str
    node: str
    dialled: str
    caller: CallerId


@dataclass(frozen=True, slots=True)
class Dialled:
    """One of our phones dialled `number`, a code or somebody; its leg is there, and nobody has answered it."""

    leg: str
    node: str
    phone: str
    number: str


@dataclass(frozen=True, slots=True)
class LegRinging:
    leg: str


@dataclass(frozen=True, slots=True)
class LegAnswered:
    leg: str


@dataclass(frozen=True, slots=True)
class LegEnded:
    """Said once for each leg, also for one that never came to be."""

    leg: str
    cause: EndCause


@dataclass(frozen=True, slots=True)
class Digit:
    leg: str
    digit: str


@dataclass(frozen=True, slots=True)
class HoldBegan:
    """Whoever is at `leg` has put the talk on hold by their own phone: the others in it hear music."""

    leg: str


@dataclass(frozen=True, slots=True)
class HoldEnded:
    """Whoever is at `leg` is back in the talk. Of a leg that ends on hold it is not told."""

    leg: str


@dataclass(frozen=True, slots=True)
class TransferAsked:
    """The phone at `leg` asks that who talks with it goes to `number`; `end_transfer` tells it what came of that."""

    leg: str
    number: str


@dataclass(frozen=True, slots=True)
class JoinAsked:
    """The phone at `leg` asks that who talks with it, there and in its other call, talk with each other.

    `other`: the leg of that other call; empty: it is over, or was never here. For the rest as `TransferAsked`.
    """

    leg: str
    other: str


@dataclass(frozen=True, slots=True)
class PlaybackEnded:
    """A playback ended: heard to the end (`whole`), or stopped, or it could not be played at all."""

    leg: str
    playback: str
    whole: bool


@dataclass(frozen=True, slots=True)
class RecordingEnded:
    """A recording was closed. `duration_s` is 0 where nothing was kept."""

    leg: str
    recording: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class TalkRecorded:
    """A talk's recording was closed. `duration_s` is 0 where nothing was kept; `why` says what went wrong, if anything.

    `leg` is the agent's.
    """

    leg: str
    recording: str
    duration_s: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class RecordingPaused:
    """Nothing that is said at this agent's leg is recorded any more."""

    leg: str


@dataclass(frozen=True, slots=True)
class RecordingResumed:
    """What is said at this agent's leg is recorded again."""

    leg: str


@dataclass(frozen=True, slots=True)
class RecordingPauseFailed:
    """It is recorded, or not, as before."""

    leg: str
    why: str


@dataclass(frozen=True, slots=True)
class JoinFailed:
    """Two legs could not be joined; those of them that live are still there."""

    call: str
    legs: tuple[str, str]


@dataclass(frozen=True, slots=True)
class OverhearFailed:
    """The leg does not hear the talk that it was let overhear: it is in silence until something else is asked."""

    leg: str


@dataclass(frozen=True, slots=True)
class Reachable:
    phone: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    phone: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The phone system turned somebody away (a wrong password, an unknown account).

    `before`: how often it did so, from there, since it was told last.
    """

    kind: str
    account: str
    address: str
    before: int = 0


@dataclass(frozen=True, slots=True)
class LegNow:
    """A leg as it is: `talks_in` names the call whose talk it is joined to, if any."""

    leg: str
    up: bool
    talks_in: str = ""
    holding: bool = False
    arrived: Arrived | None = None  # for a caller's leg: how it came in
    dialled: Dialled | None = None  # for a leg that a phone of ours began


@dataclass(frozen=True, slots=True)
class Connected:
    """The line to the phone system is up, and this is what is true there."""

    node: str
    legs: tuple[LegNow, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """The line to the phone system is down. Calls may go on there; requests are dropped until `Connected`."""

    node: str
    why: str


OwnKey = HoldBegan | HoldEnded | TransferAsked | JoinAsked  # pressed on the phone itself; no digit

PhoneEvent = (
    Arrived
    | Dialled
    | LegRinging
    | LegAnswered
    | LegEnded
    | Digit
    | OwnKey
    | PlaybackEnded
    | RecordingEnded
    | TalkRecorded
    | RecordingPaused
    | RecordingResumed
    | RecordingPauseFailed
    | JoinFailed
    | OverhearFailed
    | Reachable
    | Unreachable
    | Refused
    | Connected
    | Lost
)

OnEvent = Callable[[PhoneEvent], None]


class Telephony(Protocol):
    """One phone system. Every request is idempotent; one about a leg that is gone does nothing."""

    def answer(self, leg: str) -> None:
        """Pick up the caller's leg."""

    def let_hear_ringing(self, leg: str) -> None:
        """Let a leg that nobody has answered hear that it rings elsewhere."""

    def play(self, leg: str, playback: str, sounds: Sequence[str], language: str) -> None:
        """Play `sounds` one after the other, as one playback. `PlaybackEnded` follows, always.

        A sound is a path without its ending, or the name of one of Asterisk's own in `language`.
        """

    def stop_playing(self, leg: str, playback: str) -> None:
        """Cut the playback short. `PlaybackEnded` follows."""

    def hold(self, leg: str) -> None:
        """Let the caller wait with music, until something is played to them, recorded, or they are joined.

        Whoever talks leaves the talk; the other one is left in it alone.
        """

    def ring(self, leg: str, phone: str, call: str, shown: CallerId, timeout_s: float) -> None:
        """Ring `phone` as `leg`, for at most `timeout_s` (1 to 130).

        `LegRinging`, then `LegAnswered` or `LegEnded` follow.
        """

    def ring_outside(self, leg: str, to: Allowed, call: str, shown: CallerId, timeout_s: float) -> None:
        """Ring a number outside as `leg` through the first of its carriers that takes the call; for the rest as `ring`.

        A carrier does not take it if all its channels are in use, it is out of reach, refuses the call or says nothing
        for a while. Once it has rung, or the number itself is busy or unknown, no other is asked.
        """

    def part(self, leg: str) -> None:
        """Take an agent's leg out of its talk: it hears nothing but what is played to it, until it is joined again."""

    def join(self, call: str, caller_leg: str, agent_leg: str) -> None:
        """Let both talk. Whoever waited with music, or overheard a talk, does so no more. `JoinFailed` follows where a
        leg was gone.

        `agent_leg` names the talk: another one joined to it by the same name is a third who talks.
        """

    def end_transfer(self, leg: str, how: TransferEnd) -> None:
        """Tell the phone at `leg` what came of the transfer that it asked for.

        Its legs are hung up only when it has been told, or a moment later, whatever is asked first.
        """

    def overhear(self, leg: str, talker: str, how: Overhear) -> None:
        """Let `leg` hear the talk of `talker`, an agent's leg that is joined, and be heard as `how` says.

        Asked again, `how` changes. `OverhearFailed` follows where it cannot be. Both can end the talk, `leg` cannot:
        it stays, in silence, when the talk is over, and overhears no more when something is played to it or it is
        joined. No recording of the talk holds what is whispered.
        """

    def record(self, leg: str, recording: str, limit_s: float, silence_s: float) -> None:
        """Record the caller until `#`, `silence_s` of silence, `limit_s`, or the end of the leg.

        `RecordingEnded` follows; the file stands in the recordings folder as `recording` with `.wav`.
        """

    def record_talk(self, leg: str, recording: str) -> None:
        """Record the talk of an agent's leg, both sides, for as long as it is joined, until it ends.

        `TalkRecorded` follows then, also where it could not be recorded; the talk goes on in any case. The file stands
        in the recordings folder as `recording` with `.wav`: the agent left, the caller right. Asked again, also by
        another life of ours, a recording that runs goes on, and of one that is over `TalkRecorded` is told (perhaps not
        for the first time).
        """

    def stop_recording(self, leg: str, recording: str) -> None:
        """End the recording of this leg's talk before the talk. `TalkRecorded` follows, also where it had ended."""

    def pause_recording(self, leg: str) -> None:
        """Let silence stand in the recording of this leg's talk, in place of both who talk, until it resumes.

        `RecordingPaused` follows, or `RecordingPauseFailed`; also where it was so already.
        """

    def resume_recording(self, leg: str) -> None:
        """The opposite. `RecordingResumed` follows, or `RecordingPauseFailed`."""

    def say_aside(self, leg: str, sounds: Sequence[str], language: str) -> None:
        """Say `sounds` into the ear of an agent's leg that is joined, while the talk goes on. Nobody else hears it, no
        recording holds it, and nothing follows.
        """

    def light(self, lamp: str) -> None:
        """Light a lamp, at each phone that watches it now or later; it stays so until it is put out.

        `lamp` is one of those that the phone system was configured with.
        """

    def put_out(self, lamp: str) -> None:
        """The opposite of `light`."""

    def call_off(self, leg: str) -> None:
        """Stop ringing, since somebody else answered: a phone that knows the reason shows no missed call.

        For the rest as `hang_up`.
        """

    def look_at(self, leg: str) -> None:
        """Look whether the leg still lives. Only where it does not, `LegEnded` follows, perhaps once more."""

    def look_at_hold(self, caller_leg: str, agent_leg: str) -> None:
        """Look whether the phone at `agent_leg`, which is joined with `caller_leg`, has it on hold.

        `HoldBegan` or `HoldEnded` follows, perhaps not for the first time.
        """

    def hang_up(self, leg: str) -> None:
        """End the leg. `LegEnded` follows, if it still lived."""

"""A phone system in memory, held against the real one by tests/contract so that it cannot drift.

It does at once what it is asked and keeps what is true: legs, talks, what is played and recorded, which phones are
within reach. What came of it is told only when somebody lets it be told (`deliver`), as it is over a wire. People and
mishaps are methods too: a caller dials, an agent picks up, the line is cut.
"""

from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from asterisk.carrier import Allowed
from asterisk.port import (
    Arrived,
    CallerId,
    Connected,
    Dialled,
    Digit,
    EndCause,
    HoldBegan,
    HoldEnded,
    JoinAsked,
    JoinFailed,
    LegAnswered,
    LegEnded,
    LegNow,
    LegRinging,
    Lost,
    OnEvent,
    Overhear,
    OverhearFailed,
    PhoneEvent,
    PlaybackEnded,
    Reachable,
    RecordingEnded,
    RecordingPaused,
    RecordingPauseFailed,
    RecordingResumed,
    TalkRecorded,
    TransferAsked,
    TransferEnd,
    Unreachable,
)

SOUND_S = 2.0
DELIVERIES_MAX = 10_000  # more at one instant: two parts answer each other without end


@dataclass(slots=True)
class FakePlayback:
    name: str
    sounds: tuple[str, ...]
    length_s: float


@dataclass(slots=True)
class FakeRecording:
    name: str
    limit_s: float
    silence_s: float


@dataclass(slots=True)
class FakeLeg:
    """One party's line. What is played and recorded on it goes one after the other; `busy_until_s` is the first's."""

    id: str
    arrived: Arrived | None = None  # a caller's; an agent's leg has none
    dialled: Dialled | None = None  # of a phone that dialled
    phone: str = ""
    call: str = ""
    up: bool = False
    talks_in: str = ""
    talk: str = ""  # its name: of a call's talks, which; who was taken out of it may come back
    overhears: str = ""  # an agent's leg
    how: Overhear = Overhear.LISTEN
    holding: bool = False
    has_on_hold: bool = False  # whom it talks with, by the phone's own key
    hears_ringing: bool = False
    rings_until_s: float = 0.0
    line: deque[FakePlayback | FakeRecording] = field(default_factory=deque)
    busy_since_s: float = 0.0
    busy_until_s: float = 0.0
    talk_recording: str = ""
    talk_since_s: float = 0.0
    records_silence: bool = False


@dataclass(slots=True)
class Truth:
    """What is so in the phone system, whoever listens to it. A copy of it is a phone system of its own."""

    legs: dict[str, FakeLeg] = field(default_factory=dict)
    within_reach: set[str] = field(default_factory=set)
    messages: dict[str, float] = field(default_factory=dict)  # what the recordings folder holds: name → seconds
    talks: dict[str, float] = field(default_factory=dict)  # the same of talks that were recorded
    lamps: dict[str, bool] = field(default_factory=dict)  # whether each is lit


class FakeTelephony:
    """Implements `asterisk.port.Telephony`. `now_s` is the test's clock; `due` must be called at `next_deadline`."""

    def __init__(
        self, now_s: Callable[[], float], on_event: OnEvent, node: str = "main", truth: Truth | None = None
    ) -> None:
        self.node = node
        self.truth = truth or Truth()
        self.is_connected = False
        self.sound_s = SOUND_S  # of each sound
        self.missing_sounds: Collection[str] = ()
        self.phones_in_use: set[str] = set()  # by calls that are not ours
        self.shown: dict[str, CallerId] = {}  # what each phone shows, or showed last
        self.called_off: list[str] = []  # phones that stopped ringing and show no missed call
        self.transfers_told: list[tuple[str, TransferEnd]] = []  # leg, and what its phone was told
        self.carriers_that_refuse: set[str] = set()
        self.recording_pauses_that_fail = 0
        self.said_aside: list[tuple[str, str]] = []
        self.lamps_told: list[tuple[str, bool]] = []
        self.rung_through: list[tuple[str, str]] = []  # the carrier, and the number
        self.joins_that_fail = 0
        self.overhearings_that_fail = 0
        self.talk_recordings_that_fail = 0
        self._now_s, self._on_event = now_s, on_event
        self._untold: deque[PhoneEvent] = deque()

    # --- requests: asterisk.port.Telephony; dropped while the line is cut

    def answer(self, leg: str) -> None:
        if there := self._asked_of(leg):
            there.up = True

    def let_hear_ringing(self, leg: str) -> None:
        if there := self._asked_of(leg):
            there.hears_ringing = not there.up

    def play(self, leg: str, playback: str, sounds: Sequence[str], language: str) -> None:
        there = self._asked_of(leg)
        if there is None:
            self._tell(PlaybackEnded(leg, playback, whole=False))
            return
        self._stop_overhearing(there)
        assert not there.talks_in, f"{leg} talks: what is played gets lost when the talk ends"
        there.holding = False
        heard = [sound for sound in sounds if sound not in self.missing_sounds]
        self._line_up(there, FakePlayback(playback, tuple(heard), self.sound_s * len(heard)))

    def stop_playing(self, leg: str, playback: str) -> None:
        there = self._asked_of(leg)
        first = there.line[0] if there and there.line else None
        if there and isinstance(first, FakePlayback) and first.name == playback:
            self._first_is_over(there, whole=False)

    def hold(self, leg: str) -> None:
        if there := self._asked_of(leg):
            self._stop_overhearing(there)
            others = [other for other in self._talkers(there.talk) if other is not there]
            if len(others) == 1:
                others[0].talks_in = ""
            there.talk = there.talks_in = ""
            there.holding = True

    def ring(self, leg: str, phone: str, call: str, shown: CallerId, timeout_s: float) -> None:
        if not self.is_connected or leg in self.truth.legs:
            return
        if phone not in self.truth.within_reach:
            self._tell(LegEnded(leg, EndCause.UNREACHABLE))
        elif self.leg_at(phone) or phone in self.phones_in_use:
            self._tell(LegEnded(leg, EndCause.BUSY))
        else:
            rings_until_s = self._now_s() + timeout_s
            self.truth.legs[leg] = FakeLeg(leg, phone=phone, call=call, rings_until_s=rings_until_s)
            self.shown[phone] = shown
            self._tell(LegRinging(leg))

    def ring_outside(self, leg: str, to: Allowed, call: str, shown: CallerId, timeout_s: float) -> None:
        carrier = next((carrier for carrier in to.carriers if carrier not in self.carriers_that_refuse), None)
        if carrier is None and self.is_connected and leg not in self.truth.legs:
            self._tell(LegEnded(leg, EndCause.UNREACHABLE))
        elif carrier is not None:
            self.ring(leg, to.number, call, shown, timeout_s)
            self.rung_through.append((carrier, to.number))

    def part(self, leg: str) -> None:
        if there := self._asked_of(leg):
            there.talks_in = ""

    def join(self, call: str, caller_leg: str, agent_leg: str) -> None:
        if not self.is_connected:
            return
        both = [self.truth.legs.get(caller_leg), self.truth.legs.get(agent_leg)]
        if None in both or self.joins_that_fail:
            self.joins_that_fail = max(0, self.joins_that_fail - 1)
            self._tell(JoinFailed(call, (caller_leg, agent_leg)))
            return
        for leg in both:
            assert leg is not None
            self._stop_overhearing(leg)
            leg.talk, leg.talks_in, leg.holding = agent_leg, call, False
            for other in self.truth.legs.values():
                if other.overhears == leg.id and other.how is Overhear.BARGE:
                    other.talk, other.talks_in = agent_leg, call

    def end_transfer(self, leg: str, how: TransferEnd) -> None:
        if self.is_connected:
            self.transfers_told.append((leg, how))

    def overhear(self, leg: str, talker: str, how: Overhear) -> None:
        there, talks = self._asked_of(leg), self._asked_of(talker)
        if there is None:
            return
        if talks is None or not talks.talk or self.overhearings_that_fail:
            self.overhearings_that_fail = max(0, self.overhearings_that_fail - 1)
            self._tell(OverhearFailed(leg))
            return
        there.overhears, there.how = talker, how
        there.talk, there.talks_in = (talks.talk, talks.talks_in) if how is Overhear.BARGE else ("", "")

    def record(self, leg: str, recording: str, limit_s: float, silence_s: float) -> None:
        there = self._asked_of(leg)
        if there is None:
            self._tell(RecordingEnded(leg, recording, 0.0))
        elif not any(one.name == recording for one in there.line):
            there.holding = False
            self._line_up(there, FakeRecording(recording, limit_s, silence_s))

    def record_talk(self, leg: str, recording: str) -> None:
        there = self._asked_of(leg)
        if there is None:
            self._tell(TalkRecorded(leg, recording, self.truth.talks.get(recording, 0.0)))
        elif self.talk_recordings_that_fail:
            self.talk_recordings_that_fail -= 1
            self._tell(TalkRecorded(leg, recording, 0.0, "the test does not let it"))
        elif not there.talk_recording:
            there.talk_recording, there.talk_since_s = recording, self._now_s()

    def stop_recording(self, leg: str, recording: str) -> None:
        there = self._asked_of(leg)
        if there and there.talk_recording:
            self.truth.talks[recording] = self._now_s() - there.talk_since_s
            there.talk_recording = ""
        self._tell(TalkRecorded(leg, recording, self.truth.talks.get(recording, 0.0)))

    def look_at(self, leg: str) -> None:
        if self.is_connected and leg not in self.truth.legs:
            self._tell(LegEnded(leg, EndCause.GONE))

    def look_at_hold(self, caller_leg: str, agent_leg: str) -> None:
        there = self._asked_of(agent_leg)
        if there and caller_leg in self.truth.legs:
            self._tell(HoldBegan(agent_leg) if there.has_on_hold else HoldEnded(agent_leg))

    def pause_recording(self, leg: str) -> None:
        self._pause(leg, RecordingPaused(leg))

    def resume_recording(self, leg: str) -> None:
        self._pause(leg, RecordingResumed(leg))

    def _pause(self, leg: str, is_so: RecordingPaused | RecordingResumed) -> None:
        there = self._asked_of(leg)
        if there is None or not there.talk_recording or self.recording_pauses_that_fail:
            self.recording_pauses_that_fail = max(0, self.recording_pauses_that_fail - 1)
            self._tell(RecordingPauseFailed(leg, "the test does not let it"))
        else:
            there.records_silence = isinstance(is_so, RecordingPaused)
            self._tell(is_so)

    def say_aside(self, leg: str, sounds: Sequence[str], language: str) -> None:
        there = self._asked_of(leg)
        if there and there.talks_in:
            self.said_aside.append((leg, " ".join(sounds)))

    def light(self, lamp: str) -> None:
        self._show(lamp, is_lit=True)

    def put_out(self, lamp: str) -> None:
        self._show(lamp, is_lit=False)

    def _show(self, lamp: str, *, is_lit: bool) -> None:
        if self.is_connected:
            self.truth.lamps[lamp] = is_lit
            self.lamps_told.append((lamp, is_lit))

    def call_off(self, leg: str) -> None:
        if there := self._asked_of(leg):
            if not there.up:
                self.called_off.append(there.phone)
            self._over(there, EndCause.HUNG_UP)

    def hang_up(self, leg: str) -> None:
        if there := self._asked_of(leg):
            self._over(there, EndCause.HUNG_UP)

    # --- what people do

    def dial(self, leg: str, number: str, caller: CallerId) -> None:
        """A caller's leg comes in as `leg`."""
        arrived = Arrived(leg, self.node, number, caller)
        self.truth.legs[leg] = FakeLeg(leg, arrived=arrived)
        self._tell(arrived)

    def dial_from(self, phone: str, leg: str, number: str) -> None:
        """A phone of ours dials `number`; its leg comes in as `leg`."""
        dialled = Dialled(leg, self.node, phone, number)
        self.truth.legs[leg] = FakeLeg(leg, dialled=dialled)
        self._tell(dialled)

    def press(self, leg: str, digit: str) -> None:
        there = self.truth.legs[leg]
        self._tell(Digit(leg, digit))
        if digit == "#" and there.line and isinstance(there.line[0], FakeRecording):
            self._first_is_over(there, whole=True)

    def fall_silent(self, leg: str) -> None:
        """The caller, who is being recorded, says nothing more."""
        there = self.truth.legs[leg]
        first = there.line[0]
        assert isinstance(first, FakeRecording)
        there.busy_until_s = min(there.busy_until_s, self._now_s() + first.silence_s)

    def put_down(self, leg: str) -> None:
        """Whoever is at `leg` hangs up."""
        self._over(self.truth.legs[leg], EndCause.HUNG_UP)

    def put_on_hold(self, leg: str) -> None:
        """Whoever is at `leg` puts the talk on hold, by their own phone."""
        self.truth.legs[leg].has_on_hold = True
        self._tell(HoldBegan(leg))

    def take_off_hold(self, leg: str) -> None:
        self.truth.legs[leg].has_on_hold = False
        self._tell(HoldEnded(leg))

    def transfer(self, leg: str, number: str) -> None:
        """The phone at `leg` asks that whoever talks with it goes to `number`."""
        self._tell(TransferAsked(leg, number))

    def join_calls(self, leg: str, other: str) -> None:
        """The phone at `leg` asks to join that call with its other one."""
        self._tell(JoinAsked(leg, other if other in self.truth.legs else ""))

    def pick_up(self, phone: str) -> None:
        ringing = self._ringing_at(phone)
        ringing.up = True
        self._tell(LegAnswered(ringing.id))

    def turn_away(self, phone: str, cause: EndCause = EndCause.REJECTED) -> None:
        self._over(self._ringing_at(phone), cause)

    def plug_in(self, phone: str) -> None:
        self.truth.within_reach.add(phone)
        self._untold.append(Reachable(phone))

    def unplug(self, phone: str) -> None:
        """The phone is out of reach. Its calls live on for a while: nobody has noticed."""
        self.truth.within_reach.discard(phone)
        self._untold.append(Unreachable(phone))

    # --- the line to the engine

    def connect(self) -> None:
        """The line is up: `Connected` with what is true."""
        self.is_connected = True
        self._tell(Connected(self.node, self.snapshot()))

    def snapshot(self) -> tuple[LegNow, ...]:
        legs = self.truth.legs.values()
        return tuple(LegNow(leg.id, leg.up, leg.talks_in, leg.holding, leg.arrived, leg.dialled) for leg in legs)

    def cut(self, why: str = "cut by the test") -> None:
        """The line is down; what was not told is lost, and calls go on."""
        self.is_connected = False
        self._untold = deque(e for e in self._untold if isinstance(e, Reachable | Unreachable))
        self._untold.append(Lost(self.node, why))

    def restart(self) -> None:
        """The phone system itself dies and comes back: every leg is gone; what was recorded stands in its file."""
        self.cut("the phone system died")
        for leg in list(self.truth.legs.values()):
            self._over(leg, EndCause.GONE)
        self.connect()

    def tell_phones(self) -> None:
        """What AMI tells at each connection: which phones are within reach."""
        self._untold.extend(Reachable(phone) for phone in sorted(self.truth.within_reach))

    def deliver(self, *, times: int = 1) -> None:
        """Tell all that was not told yet, each thing `times` times, and all that comes of it."""
        for _ in range(DELIVERIES_MAX):
            if not self._untold:
                return
            event = self._untold.popleft()
            for _ in range(times):
                self._on_event(event)
        raise AssertionError(f"after {DELIVERIES_MAX} events there is still {self._untold[0]}")

    def lose_what_is_untold(self) -> None:
        """What was not told yet will never be, though the line stays."""
        self._untold.clear()

    def engine_died(self, on_event: OnEvent) -> None:
        """Nobody listens any more; `on_event` is the next one who will."""
        self.is_connected, self._on_event = False, on_event
        self._untold.clear()

    # --- time

    def next_deadline(self) -> float | None:
        """When a phone stops ringing by itself, or what is played or recorded comes to its end."""
        legs = self.truth.legs.values()
        ends = [leg.busy_until_s for leg in legs if leg.line]
        ends += [leg.rings_until_s for leg in legs if leg.phone and not leg.up]
        return min(ends, default=None)

    def due(self) -> None:
        now_s = self._now_s()
        for leg in list(self.truth.legs.values()):
            if leg.phone and not leg.up and leg.rings_until_s <= now_s:
                self._over(leg, EndCause.NO_ANSWER)
            elif leg.line and leg.busy_until_s <= now_s:
                first = leg.line[0]
                self._first_is_over(leg, whole=isinstance(first, FakeRecording) or bool(first.sounds))

    # --- looks

    def leg_at(self, phone: str) -> FakeLeg | None:
        """The leg that rings or talks at `phone`."""
        return next((leg for leg in self.truth.legs.values() if leg.phone == phone), None)

    def heard_by(self, leg: str) -> tuple[str, ...]:
        """The sounds being played to `leg`."""
        there = self.truth.legs.get(leg)
        first = there.line[0] if there and there.line else None
        return first.sounds if isinstance(first, FakePlayback) else ()

    def hearers_of(self, speaker: str) -> set[str]:
        """The legs that hear what is said at `speaker`."""
        legs = self.truth.legs
        said = legs[speaker]
        talk = said.talk if said.talks_in else ""
        heard = {leg.id for leg in legs.values() if talk and leg.talks_in and leg.talk == talk}
        for leg in legs.values():
            talks = legs.get(leg.overhears)
            if talks and (talks is said or (talk and talks.talks_in and talks.talk == talk)):
                heard.add(leg.id)
        if said.overhears and said.how is Overhear.WHISPER:
            heard.add(said.overhears)
        return heard - {speaker}

    def message_length_s(self, recording: str) -> float:
        """How much of `recording` is in its file, also while it is being made."""
        for leg in self.truth.legs.values():
            if leg.line and leg.line[0].name == recording:
                return self._now_s() - leg.busy_since_s
        return self.truth.messages.get(recording, 0.0)

    # --- within

    def _tell(self, event: PhoneEvent) -> None:
        if self.is_connected:
            self._untold.append(event)

    def _asked_of(self, leg: str) -> FakeLeg | None:
        return self.truth.legs.get(leg) if self.is_connected else None

    def _ringing_at(self, phone: str) -> FakeLeg:
        leg = self.leg_at(phone)
        assert leg is not None, f"{phone} does not ring"
        assert not leg.up, f"{phone} does not ring, it talks"
        return leg

    def _line_up(self, leg: FakeLeg, one: FakePlayback | FakeRecording) -> None:
        leg.line.append(one)
        if len(leg.line) == 1:
            self._begin_first(leg)

    def _begin_first(self, leg: FakeLeg) -> None:
        first = leg.line[0]
        leg.busy_since_s = self._now_s()
        leg.busy_until_s = leg.busy_since_s + (first.length_s if isinstance(first, FakePlayback) else first.limit_s)

    def _first_is_over(self, leg: FakeLeg, *, whole: bool) -> None:
        first = leg.line.popleft()
        if isinstance(first, FakePlayback):
            self._tell(PlaybackEnded(leg.id, first.name, whole=whole))
        else:
            length_s = self._now_s() - leg.busy_since_s
            self.truth.messages[first.name] = length_s
            self._tell(RecordingEnded(leg.id, first.name, length_s))
        if leg.line:
            self._begin_first(leg)

    def _stop_overhearing(self, leg: FakeLeg) -> None:
        if leg.overhears:
            leg.overhears = leg.talk = leg.talks_in = ""

    def _talkers(self, talk: str) -> list[FakeLeg]:
        """Who is in the talk, or was taken out and may come back; without those who only overhear it."""
        return [leg for leg in self.truth.legs.values() if talk and leg.talk == talk and not leg.overhears]

    def _leave_talk(self, leg: FakeLeg) -> None:
        """The talk is over for both: its bridge is taken away. Of three, two talk on; who overhears does not count."""
        self._stop_overhearing(leg)
        talk, leg.talk, leg.talks_in = leg.talk, "", ""
        if len(self._talkers(talk)) > 1:
            return
        for other in self.truth.legs.values():
            if talk and other.talk == talk:
                if other.overhears == leg.id:
                    self._stop_overhearing(other)
                other.talk = other.talks_in = ""  # but who barged in goes where the agent goes

    def _over(self, leg: FakeLeg, cause: EndCause) -> None:
        if leg.line:
            self._first_is_over(leg, whole=False)
        while leg.line:
            rest = leg.line.popleft()
            if isinstance(rest, FakePlayback):
                self._tell(PlaybackEnded(leg.id, rest.name, whole=False))
            else:
                self._tell(RecordingEnded(leg.id, rest.name, 0.0))
        self._leave_talk(leg)
        for other in self.truth.legs.values():
            if other.overhears == leg.id:
                self._stop_overhearing(other)
        del self.truth.legs[leg.id]
        self._tell(LegEnded(leg.id, cause))
        if leg.talk_recording:
            length_s = self.truth.talks[leg.talk_recording] = self._now_s() - leg.talk_since_s
            self._tell(TalkRecorded(leg.id, leg.talk_recording, length_s))

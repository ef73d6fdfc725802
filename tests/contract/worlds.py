"""Two worlds that must not be told apart through the port: the phone system in memory, and the real Asterisk.

A test says what people do, asks through `line`, and waits for what is `told`. Nothing is told of sounds, so `hears`
looks; in the real world it listens.
"""

import asyncio
import shutil
import tempfile
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from asterisk import configuration as asterisk_files
from asterisk.ami import AmiLine
from asterisk.carrier import Allowed, Carrier
from asterisk.configuration import Node, PhoneAccount
from asterisk.fake import FakeTelephony
from asterisk.installer import find_or_make
from asterisk.port import (
    Arrived,
    CallerId,
    Connected,
    Dialled,
    LegEnded,
    PhoneEvent,
    PlaybackEnded,
    Reachable,
    Telephony,
    TransferEnd,
    Unreachable,
)
from asterisk.process import AsteriskProcess
from asterisk.talk_recording import TalkRecorder
from asterisk.telephony import AsteriskTelephony
from centralino.clock import SimClock
from demo.calls import Call, IncomingCall
from demo.in_call import Referral
from demo.lamp import Lamp
from demo.phone import Phone
from demo.sounds import RATE_HZ, voice
from tests.ports import MOVED_BY

SIP_PORT, RTP_FIRST, RTP_LAST, HTTP_PORT, AMI_PORT, ENGINE_PORT = (
    port + MOVED_BY for port in (5190, 24_000, 24_200, 8290, 5290, 8292)
)
WITHIN_S = 5.0
HEARD_S = 1.2
HEARD_BYTES = int(HEARD_S * RATE_HZ) * 2
SECRET = "made-for-this-test"
ROSSI = CallerId("+39055123456", "Rossi")
PHONES = ("p101", "p102")
CARRIERS = {"first": 5191 + MOVED_BY, "second": 5192 + MOVED_BY}  # and the ports at which they take calls
OUTSIDE = Allowed("+390552768", tuple(CARRIERS))
LAMPS = ("*451001", "*46p-101_a")
FAR_PHONE = "p103"  # never within reach
REJECTED = 603
HOW_TOLD = {200: TransferEnd.DONE, 603: TransferEnd.DECLINED, 503: TransferEnd.UNAVAILABLE}
Kind = TypeVar("Kind", bound=PhoneEvent)


class Told:
    """What was told and not yet looked at, in order."""

    def __init__(self) -> None:
        self.events: list[PhoneEvent] = []
        self.more = asyncio.Event()

    def add(self, event: PhoneEvent) -> None:
        self.events.append(event)
        self.more.set()

    def take(self, kind: type[Kind], subject: str) -> Kind | None:
        """The first that is of this kind and about `subject`, a leg or a phone; empty: about anybody."""
        for event in self.events:
            about = getattr(event, "leg", "") or getattr(event, "phone", "")
            if isinstance(event, kind) and subject in ("", about):
                self.events.remove(event)
                return event
        return None

    def about_calls(self) -> list[PhoneEvent]:
        """Phones are looked after from time to time, whatever a test does."""
        return [event for event in self.events if not isinstance(event, Reachable | Unreachable)]


class World(Protocol):
    @property
    def line(self) -> Telephony: ...

    short: str
    """A sound of half a second or so."""
    long: str
    missing: str
    """A sound that does not exist."""

    async def dial(self, number: str = "055055", caller: CallerId = ROSSI) -> str:
        """A citizen calls and is answered; the leg that was told."""

    async def press(self, leg: str, keys: str) -> None: ...

    async def put_down(self, leg: str) -> None:
        """The caller hangs up."""

    async def is_up(self, leg: str) -> bool:
        """Whether the caller still has a call at their end."""

    async def shown_at(self, phone: str) -> CallerId:
        """Wait until the phone rings; what it shows."""

    async def pick_up(self, phone: str) -> None: ...

    async def turn_away(self, phone: str) -> None: ...

    async def put_down_at(self, phone: str) -> None:
        """The agent hangs up."""

    async def stops_ringing(self, phone: str) -> None: ...

    async def shows_missed_call(self, phone: str) -> bool:
        """Whether the phone, which has stopped ringing, lets its user believe that they missed something."""

    async def talk(self, leg: str, phone: str) -> None:
        """Wait until caller and agent hear each other."""

    async def hearers_of(self, speaker: str, *others: str) -> set[str]:
        """Who of `others` hears `speaker`; each is a caller's leg, or a phone."""

    async def talk_between(self, phone: str, other: str) -> None:
        """Wait until who sits at these phones hear each other."""

    async def dial_from(self, phone: str, number: str) -> str:
        """Somebody at a phone of ours dials; the leg that was told."""

    async def watch(self, phone: str, lamp: str) -> None:
        """From now on the phone shows the lamp."""

    async def shows(self, phone: str, lamp: str, *, lit: bool) -> None:
        """Wait until the lamp at the phone is lit, or is not."""

    async def second_call(self, phone: str, number: str) -> str:
        """Somebody at a phone of ours that has a call dials on its second line; the leg that was told."""

    async def put_on_hold(self, phone: str) -> None:
        """By the phone's own key."""

    async def take_off_hold(self, phone: str) -> None: ...

    async def transfer(self, phone: str, number: str) -> None:
        """The phone asks that whoever talks with it goes to `number`."""

    async def join_calls(self, phone: str) -> None:
        """The phone asks in its first call to join it with its second one."""

    async def told_of_transfer(self, phone: str) -> TransferEnd:
        """Wait until the phone was told what came of what it asked for."""

    async def unplug(self, phone: str) -> None: ...

    async def plug_in(self, phone: str) -> None: ...

    def let_refuse(self, carrier: str, status: int) -> None:
        """From now on the carrier refuses calls outside with this SIP status, before they ring; 0: no more."""

    async def rings_through(self, carrier: str) -> str:
        """Wait until OUTSIDE rings by way of the carrier; where it can be picked up, as a phone is."""

    async def told(self, kind: type[Kind], subject: str = "", within_s: float = WITHIN_S) -> Kind:
        """The next event of this kind (about a leg or phone). Raises AssertionError where it never comes."""

    async def all_told(self) -> list[PhoneEvent]:
        """What was told of calls and not asked for, once all that was asked has been answered."""

    async def lose_line(self) -> None: ...

    async def find_line(self) -> Connected:
        """What is told when the line is back."""

    async def speak(self, leg: str) -> None:
        """The caller speaks without an end."""

    async def both_speak(self, leg: str, phone: str, seconds: float) -> None:
        """Caller and agent, who are joined, speak for so long."""

    def message_s(self, recording: str) -> float:
        """How many seconds the recording's file holds."""

    def talk_s(self, recording: str) -> float:
        """The same of a talk, whose file has two channels; 0 where there is no file."""

    def holds_voices(self, recording: str) -> bool:
        """Whether anybody is heard in the file of a talk."""

    async def hears_aside(self, *others: str) -> set[str]:
        """Who of `others` (a caller's leg, or a phone) hears something now, while nobody speaks."""


class FakeWorld:
    short, long, missing = "short", "long", "missing"

    def __init__(self) -> None:
        self.heard = Told()
        self.clock = SimClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
        self.line = self.fake = FakeTelephony(self.clock.now_s, self.heard.add)
        self.fake.missing_sounds = ("missing",)
        self.fake.truth.within_reach |= {*PHONES}
        self.calls = 0
        self.with_voices: set[str] = set()  # recordings
        self.second = ""

    async def dial(self, number: str = "055055", caller: CallerId = ROSSI) -> str:
        self.calls += 1
        self.fake.dial(f"main-{self.calls}", number, caller)
        leg = (await self.told(Arrived)).leg
        self.line.answer(leg)
        return leg

    async def press(self, leg: str, keys: str) -> None:
        for key in keys:
            self.fake.press(leg, key)

    async def put_down(self, leg: str) -> None:
        self.fake.put_down(leg)

    async def is_up(self, leg: str) -> bool:
        return leg in self.fake.truth.legs

    async def shown_at(self, phone: str) -> CallerId:
        return self.fake.shown[phone]

    async def pick_up(self, phone: str) -> None:
        self.fake.pick_up(phone)

    async def turn_away(self, phone: str) -> None:
        self.fake.turn_away(phone)

    async def put_down_at(self, phone: str) -> None:
        leg = self.fake.leg_at(phone)
        assert leg is not None
        self.fake.put_down(leg.id)

    async def stops_ringing(self, phone: str) -> None:
        assert self.fake.leg_at(phone) is None

    async def shows_missed_call(self, phone: str) -> bool:
        return phone not in self.fake.called_off

    async def talk(self, leg: str, phone: str) -> None:
        theirs = self.fake.leg_at(phone)
        assert theirs is not None
        assert theirs.talks_in != ""
        assert theirs.talks_in == self.fake.truth.legs[leg].talks_in

    async def hearers_of(self, speaker: str, *others: str) -> set[str]:
        heard = self.fake.hearers_of(self._leg_of(speaker))
        return {other for other in others if self._leg_of(other) in heard}

    def _leg_of(self, who: str) -> str:
        at_phone = self.fake.leg_at(who)
        return at_phone.id if at_phone else who

    async def talk_between(self, phone: str, other: str) -> None:
        ours = self.fake.leg_at(phone)
        assert ours is not None
        await self.talk(ours.id, other)

    async def dial_from(self, phone: str, number: str) -> str:
        self.calls += 1
        self.fake.dial_from(phone, f"main-{self.calls}", number)
        leg = (await self.told(Dialled)).leg
        self.line.answer(leg)
        return leg

    async def watch(self, phone: str, lamp: str) -> None:
        assert phone in self.fake.truth.within_reach

    async def shows(self, phone: str, lamp: str, *, lit: bool) -> None:
        assert self.fake.truth.lamps.get(lamp, False) is lit

    async def second_call(self, phone: str, number: str) -> str:
        self.second = await self.dial_from(phone, number)
        return self.second

    async def put_on_hold(self, phone: str) -> None:
        self.fake.put_on_hold(self._leg_of(phone))

    async def take_off_hold(self, phone: str) -> None:
        self.fake.take_off_hold(self._leg_of(phone))

    async def transfer(self, phone: str, number: str) -> None:
        self.fake.transfer(self._leg_of(phone), number)

    async def join_calls(self, phone: str) -> None:
        self.fake.join_calls(self._leg_of(phone), self.second)

    async def told_of_transfer(self, phone: str) -> TransferEnd:
        return self.fake.transfers_told.pop()[1]

    async def unplug(self, phone: str) -> None:
        self.fake.unplug(phone)

    async def plug_in(self, phone: str) -> None:
        self.fake.plug_in(phone)

    def let_refuse(self, carrier: str, status: int) -> None:
        (self.fake.carriers_that_refuse.add if status else self.fake.carriers_that_refuse.discard)(carrier)
        self.fake.truth.within_reach.add(OUTSIDE.number)

    async def rings_through(self, carrier: str) -> str:
        assert self.fake.rung_through[-1] == (carrier, OUTSIDE.number)
        assert self.fake.leg_at(OUTSIDE.number)
        return OUTSIDE.number

    async def told(self, kind: type[Kind], subject: str = "", within_s: float = WITHIN_S) -> Kind:
        until_s = self.clock.now_s() + within_s
        while True:
            self.fake.deliver()
            event = self.heard.take(kind, subject)
            if event:
                return event
            at_s = self.fake.next_deadline()
            assert at_s is not None, (kind, self.heard.events)
            assert at_s <= until_s, (kind, self.heard.events)
            self.clock.advance(at_s - self.clock.now_s())
            self.fake.due()

    async def all_told(self) -> list[PhoneEvent]:
        self.fake.deliver()
        return self.heard.about_calls()

    async def lose_line(self) -> None:
        self.fake.cut()

    async def find_line(self) -> Connected:
        self.fake.connect()
        return await self.told(Connected)

    async def speak(self, leg: str) -> None:
        assert leg in self.fake.truth.legs, "callers speak until they fall silent"

    async def both_speak(self, leg: str, phone: str, seconds: float) -> None:
        self.clock.advance(seconds)
        legs = self.fake.truth.legs.values()
        self.with_voices |= {one.talk_recording for one in legs if one.talks_in and not one.records_silence}

    def holds_voices(self, recording: str) -> bool:
        return recording in self.with_voices

    async def hears_aside(self, *others: str) -> set[str]:
        said_to = {leg for leg, _ in self.fake.said_aside}
        return {other for other in others if self._leg_of(other) in said_to}

    def message_s(self, recording: str) -> float:
        return self.fake.message_length_s(recording)

    def talk_s(self, recording: str) -> float:
        return self.fake.truth.talks.get(recording, 0.0)


class RealWorld:
    """Citizens share one phone of many lines; each agent has their own."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.heard = Told()
        self.ami = AmiLine(frozenset(PHONES), self.heard.add)
        recorder = TalkRecorder(self.ami, node.recordings, self.heard.add)
        self.line = AsteriskTelephony(node, self.heard.add, recorder)
        self.short, self.long = (str(node.prompts / name) for name in ("short", "long"))
        self.missing = str(node.prompts / "missing")
        self.citizens = Phone(("127.0.0.1", SIP_PORT), "citizen", max_calls=50)
        self.phones: dict[str, Phone] = {}
        self.callers: dict[str, Call] = {}
        self.rings: dict[str, IncomingCall] = {}
        self.lamps: dict[tuple[str, str], Lamp] = {}
        self.seconds: dict[str, Call] = {}  # on the second line of a phone
        self.referrals: dict[str, Referral] = {}
        self.markers = 0

    async def begin(self) -> None:
        """Once: phones register, Asterisk connects."""
        await self.line.line.listen("127.0.0.1", ENGINE_PORT)
        self.ami.connect("127.0.0.1", AMI_PORT, self.node.ami_user, SECRET)
        await self.citizens.open()
        for carrier, port in CARRIERS.items():
            self.phones[carrier] = Phone(("127.0.0.1", SIP_PORT), carrier, local_port=port)
            await self.phones[carrier].open()
        for phone in PHONES:
            await self.told(Unreachable, phone)
            await self.plug_in(phone)
        await self.told(Connected, within_s=20)
        self.heard.events.clear()

    async def end(self) -> None:
        for phone in (self.citizens, *self.phones.values()):
            await phone.close()
        self.ami.close()
        await self.line.line.close()

    async def clear(self) -> None:
        """After each test: nobody is in a call, and nothing is untold."""
        for call in [*self.citizens.live_calls, *(c for phone in self.phones.values() for c in phone.live_calls)]:
            await call.hang_up()
        for ring in self.rings.values():
            ring.reject(486)
        for leg in list(self.line._legs):
            self.line.hang_up(leg)
            await self.told(LegEnded, leg)
        for carrier in CARRIERS:
            self.let_refuse(carrier, 0)
        for phone in self.phones.values():
            phone.max_calls = 1
        self.heard.events.clear()
        self.callers.clear()
        self.rings.clear()

    async def dial(self, number: str = "055055", caller: CallerId = ROSSI) -> str:
        attempt = self.citizens.start_call(number, from_user=caller.number, display_name=caller.name)
        leg = (await self.told(Arrived)).leg
        self.line.answer(leg)
        self.callers[leg] = await attempt.answered(WITHIN_S)
        return leg

    async def press(self, leg: str, keys: str) -> None:
        self.callers[leg].press(keys)

    async def put_down(self, leg: str) -> None:
        await self.callers[leg].hang_up()

    async def is_up(self, leg: str) -> bool:
        return self.callers[leg].is_up

    async def shown_at(self, phone: str) -> CallerId:
        ring = await self._ring(phone)
        return CallerId(ring.from_user, ring.from_name)

    async def pick_up(self, phone: str) -> None:
        await (await self._ring(phone)).answer()

    async def turn_away(self, phone: str) -> None:
        (await self._ring(phone)).reject(REJECTED)

    async def put_down_at(self, phone: str) -> None:
        (call,) = self.phones[phone].live_calls
        await call.hang_up()

    async def stops_ringing(self, phone: str) -> None:
        await asyncio.wait_for(self.rings[phone].ended.wait(), WITHIN_S)

    async def shows_missed_call(self, phone: str) -> bool:
        return not self.rings[phone].is_answered_elsewhere

    async def talk(self, leg: str, phone: str) -> None:
        (theirs,) = self.phones[phone].live_calls
        await self._both_hear(self.callers[leg], theirs)

    async def talk_between(self, phone: str, other: str) -> None:
        (ours,), (theirs,) = self.phones[phone].live_calls, self.phones[other].live_calls
        await self._both_hear(ours, theirs)

    async def dial_from(self, phone: str, number: str) -> str:
        attempt = self.phones[phone].start_call(number)
        leg = (await self.told(Dialled)).leg
        self.line.answer(leg)
        self.callers[leg] = await attempt.answered(WITHIN_S)
        return leg

    async def second_call(self, phone: str, number: str) -> str:
        self.phones[phone].max_calls = 2
        leg = await self.dial_from(phone, number)
        self.seconds[phone] = self.callers[leg]
        return leg

    async def put_on_hold(self, phone: str) -> None:
        await self.phones[phone].live_calls[0].hold()

    async def take_off_hold(self, phone: str) -> None:
        await self.phones[phone].live_calls[0].resume()

    async def transfer(self, phone: str, number: str) -> None:
        self.referrals[phone] = await self.phones[phone].live_calls[0].transfer(number)

    async def join_calls(self, phone: str) -> None:
        self.referrals[phone] = await self.phones[phone].live_calls[0].transfer_to(self.seconds[phone])

    async def told_of_transfer(self, phone: str) -> TransferEnd:
        return HOW_TOLD[await self.referrals[phone].outcome(WITHIN_S)]

    async def _both_hear(self, ours: Call, theirs: Call) -> None:
        for speaker, hearer in ((ours, theirs), (theirs, ours)):
            hearer.forget_heard()
            speaker.play(voice(1, 1.0), loop=True)
            await hearer.media.wait_until(partial(_is_loud, hearer), WITHIN_S)
            speaker.be_silent()

    async def hearers_of(self, speaker: str, *others: str) -> set[str]:
        """By the second second of it: what came before may be from before."""
        calls = {who: self.callers[who] if who in self.callers else self.phones[who].live_calls[0] for who in others}
        ours = self.callers[speaker] if speaker in self.callers else self.phones[speaker].live_calls[0]
        ours.play(voice(3, 4.0), loop=True)
        await asyncio.gather(*(self._hears_on(call) for call in calls.values()))
        heard = {who for who, call in calls.items() if _is_loud(call)}
        ours.be_silent()
        await asyncio.gather(*(self._hears_on(call) for call in calls.values()))
        return heard

    @staticmethod
    async def _hears_on(call: Call) -> None:
        """Until they have heard another second, be it silence; who hears nothing at all is waited for no longer."""
        call.forget_heard()
        with suppress(TimeoutError):
            await call.media.wait_until(lambda: len(call.heard()) >= HEARD_BYTES, 2 * HEARD_S)

    async def watch(self, phone: str, lamp: str) -> None:
        self.lamps[phone, lamp] = await self.phones[phone].watch(lamp)

    async def shows(self, phone: str, lamp: str, *, lit: bool) -> None:
        await self.lamps[phone, lamp].wait_until(lit=lit)

    async def unplug(self, phone: str) -> None:
        await self.phones[phone].close()

    async def plug_in(self, phone: str) -> None:
        self.phones[phone] = Phone(("127.0.0.1", SIP_PORT), phone, SECRET)
        await self.phones[phone].open()
        await self.phones[phone].register()

    def let_refuse(self, carrier: str, status: int) -> None:
        self.phones[carrier].refuses_with = status

    async def rings_through(self, carrier: str) -> str:
        await self._ring(carrier)
        return carrier

    async def told(self, kind: type[Kind], subject: str = "", within_s: float = WITHIN_S) -> Kind:
        try:
            async with asyncio.timeout(within_s):
                while True:
                    event = self.heard.take(kind, subject)
                    if event:
                        return event
                    self.heard.more.clear()
                    await self.heard.more.wait()
        except TimeoutError:
            raise AssertionError(f"no {kind.__name__} about {subject or 'anybody'}: {self.heard.events}") from None

    async def all_told(self) -> list[PhoneEvent]:
        """Asterisk answers in order: once the answer to a question about nobody is here, all before it are."""
        self.markers += 1
        self.line.play("nobody", f"marker-{self.markers}", [self.short], "it")
        await self.told(PlaybackEnded, "nobody")
        return self.heard.about_calls()

    async def lose_line(self) -> None:
        await self.line.line.close()

    async def find_line(self) -> Connected:
        await self.line.line.listen("127.0.0.1", ENGINE_PORT)
        return await self.told(Connected, within_s=10)

    async def speak(self, leg: str) -> None:
        self.callers[leg].play(voice(2, 2.0), loop=True)

    def message_s(self, recording: str) -> float:
        with wave.open(str(self.node.recordings / f"{recording}.wav")) as sound:
            return float(sound.getnframes() / sound.getframerate())

    async def both_speak(self, leg: str, phone: str, seconds: float) -> None:
        """Until the agent has heard the caller for so long."""
        ours, (theirs,) = self.callers[leg], self.phones[phone].live_calls
        for nth, speaker in enumerate((ours, theirs)):
            speaker.play(voice(nth + 1, 2.0), loop=True)
        theirs.forget_heard()
        await theirs.media.wait_until(lambda: len(theirs.heard()) >= seconds * RATE_HZ * 2, seconds + WITHIN_S)

    def talk_s(self, recording: str) -> float:
        file = self.node.recordings / f"{recording}.wav"
        if not file.exists():
            return 0.0
        with wave.open(str(file)) as sound:
            assert (sound.getnchannels(), sound.getframerate()) == (2, RATE_HZ)
            return float(sound.getnframes() / sound.getframerate())

    def holds_voices(self, recording: str) -> bool:
        with wave.open(str(self.node.recordings / f"{recording}.wav")) as sound:
            return _has_a_voice(sound.readframes(sound.getnframes()))

    async def hears_aside(self, *others: str) -> set[str]:
        calls = {who: self.callers[who] if who in self.callers else self.phones[who].live_calls[0] for who in others}
        await asyncio.gather(*(self._hears_on(call) for call in calls.values()))
        return {who for who, call in calls.items() if _is_loud(call)}

    async def _ring(self, phone: str) -> IncomingCall:
        ring = self.rings.get(phone)
        if ring is None or ring.ended.is_set():
            ring = self.rings[phone] = await self.phones[phone].ring(WITHIN_S)
        return ring


@asynccontextmanager
async def real_world() -> AsyncIterator[RealWorld]:
    """An Asterisk of its own, and phones at it."""
    home = _home()
    node = _node(home)
    installation = find_or_make()
    asterisk_files.write(node, installation, home / "asterisk")
    for name, length_s in (("short", 0.5), ("long", 10.0)):
        _write_sound(node.prompts / f"{name}.wav", length_s)
    process = AsteriskProcess(installation, node, home / "asterisk")
    world = RealWorld(node)
    try:
        await process.start()
        await world.begin()
        yield world
    finally:
        await world.end()
        await process.stop()
        shutil.rmtree(home)


def _home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="centralino-contract-"))
    home.chmod(0o755)  # Asterisk runs as a user of its own
    return home


def _node(home: Path) -> Node:
    return Node(
        name="main",
        sip_port=SIP_PORT,
        rtp_first=RTP_FIRST,
        rtp_last=RTP_LAST,
        http_port=HTTP_PORT,
        engine_url=f"ws://127.0.0.1:{ENGINE_PORT}/ari",
        ari_password=SECRET,
        ami_port=AMI_PORT,
        ami_password=SECRET,
        phones=tuple(PhoneAccount(phone, SECRET) for phone in (*PHONES, FAR_PHONE)),
        service_numbers=("055055",),
        lamps=LAMPS,
        carriers=(
            Carrier("first", ("127.0.0.1",), f"127.0.0.1:{CARRIERS['first']}"),
            Carrier("second", send_to=f"127.0.0.1:{CARRIERS['second']}"),
        ),
        state=home,
        prompts=home / "prompts",
        recordings=home / "recordings",
    )


def _write_sound(path: Path, length_s: float) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(voice(1, length_s))


def _is_loud(call: Call) -> bool:
    """Whether a voice was heard in the latest half second."""
    return _has_a_voice(call.heard()[-RATE_HZ:])


def _has_a_voice(sound: bytes) -> bool:
    return any(abs(sample) > 1000 for sample in memoryview(sound).cast("h"))

"""Carriers on the real Asterisk: ours, and a second one of ours at which it registers, and calls by TCP and TLS."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from asterisk import configuration as asterisk_files
from asterisk import outside
from asterisk.ami import AmiLine
from asterisk.carrier import Allowed, Carrier, Registration, Tls
from asterisk.configuration import Node, PhoneAccount
from asterisk.installer import find_or_make
from asterisk.port import Arrived, CallerId, Connected, LegAnswered, LegEnded, LegRinging
from asterisk.process import AsteriskProcess
from asterisk.talk_recording import TalkRecorder
from asterisk.telephony import AsteriskTelephony
from demo.phone import CallRefused, Phone
from demo.sounds import RATE_HZ, voice
from tests.certificates import made_certificate
from tests.contract.worlds import Kind, Told
from tests.ports import MOVED_BY

pytestmark = pytest.mark.asyncio(loop_scope="module")

BASE = 5400 + MOVED_BY  # ports: each of the two has ten from here on
SECRET = "made-for-this-test"
WITHIN_S = 8.0
TRYING = 100
NUMBER = "+390552768"
SHOWN = CallerId("055055", "055055")
SITE_NUMBER = "+390862000"
FIRST, SECOND, LATE = BASE + 30, BASE + 31, BASE + 32  # where the carriers that speak UDP take calls


@dataclass
class Exchange:
    """An Asterisk of ours, with the least of an engine."""

    node: Node
    process: AsteriskProcess
    line: AsteriskTelephony
    heard: Told = field(default_factory=Told)

    async def told(self, kind: type[Kind], subject: str = "") -> Kind:
        """The next event of this kind (about a leg). Raises AssertionError where it never comes."""
        try:
            async with asyncio.timeout(WITHIN_S):
                while (event := self.heard.take(kind, subject)) is None:
                    self.heard.more.clear()
                    await self.heard.more.wait()
        except TimeoutError:
            raise AssertionError(f"no {kind.__name__} about {subject or 'anybody'}: {self.heard.events}") from None
        return event

    async def clear(self) -> None:
        for leg in list(self.line._legs):
            self.line.hang_up(leg)
            await self.told(LegEnded, leg)
        self.heard.events.clear()


def exchange_node(home: Path, name: str, nth: int) -> Node:
    base = BASE + 10 * nth
    return Node(
        name=name,
        sip_port=base,
        rtp_first=24_300 + MOVED_BY + 100 * nth,
        rtp_last=24_398 + MOVED_BY + 100 * nth,
        http_port=base + 1,
        engine_url=f"ws://127.0.0.1:{base + 2}/ari",
        ari_password=SECRET,
        ami_port=base + 3,
        ami_password=SECRET,
        state=home / name,
        prompts=home / name / "prompts",
        recordings=home / name / "recordings",
    )


@asynccontextmanager
async def exchange(node: Node) -> AsyncIterator[Exchange]:
    installation = find_or_make()
    asterisk_files.write(node, installation, node.state / "asterisk")
    process = AsteriskProcess(installation, node, node.state / "asterisk")
    told = Told()
    recorder = TalkRecorder(AmiLine(frozenset(), told.add), node.recordings, told.add)
    line = AsteriskTelephony(node, told.add, recorder)
    opened = Exchange(node, process, line, told)
    await process.start()
    try:
        await line.line.listen("127.0.0.1", int(node.engine_url.split(":")[2].split("/")[0]))
        async with asyncio.timeout(20):
            await opened.told(Connected)
        yield opened
    finally:
        await line.line.close()
        await process.stop()


@dataclass
class Town:
    """Our exchange, the other one, and the two carriers that speak UDP."""

    ours: Exchange
    other: Exchange
    first: Phone
    second: Phone

    @property
    def sip(self) -> tuple[str, int]:
        return "127.0.0.1", self.ours.node.sip_port


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both() -> AsyncIterator[Town]:
    home = Path(tempfile.mkdtemp(prefix="centralino-trunks-"))
    home.chmod(0o755)
    certificate, key = made_certificate(home / "tls")
    ours, other = (exchange_node(home, name, nth) for nth, name in enumerate(("ours", "other")))
    account = Registration(f"127.0.0.1:{other.sip_port}", "account", "ACCOUNT")
    ours = replace(
        ours,
        phones=(PhoneAccount("p101", SECRET, SITE_NUMBER),),
        service_numbers=("055055",),
        tls=Tls(BASE + 4, certificate, certificate, key),
        carrier_secrets={"account": SECRET},
        carriers=(
            Carrier("first", (f"127.0.0.1:{FIRST}",), f"127.0.0.1:{FIRST}", 2, caller_id="from"),
            Carrier("second", ("127.0.0.2",), f"127.0.0.2:{SECOND}", caller_id="rpid", dialled_in="to"),
            Carrier("late", (), f"127.0.0.1:{LATE}"),
            Carrier("account", (), account.server, registration=account),
            Carrier("tcp", (), f"127.0.0.1:{other.sip_port}", transport="tcp"),
            Carrier("tls", (), f"127.0.0.1:{BASE + 14}", transport="tls", codecs=("g722", "alaw")),
        ),
    )
    other = replace(
        other,
        phones=(PhoneAccount("account", SECRET),),
        service_numbers=(NUMBER,),
        tls=Tls(BASE + 14, certificate, certificate, key),
        carriers=(Carrier("them", ("127.0.0.1",), f"127.0.0.1:{BASE + 4}", transport="tls"),),
    )
    try:
        async with (
            exchange(other) as there,
            exchange(ours) as here,
            Phone(("127.0.0.1", ours.sip_port), "first", local_port=FIRST, max_calls=9) as first,
            Phone(("127.0.0.1", ours.sip_port), "second", local_host="127.0.0.2", local_port=SECOND) as second,
        ):
            yield Town(here, there, first, second)
    finally:
        shutil.rmtree(home)


@pytest_asyncio.fixture(loop_scope="module")
async def town(both: Town) -> AsyncIterator[Town]:
    yield both
    both.first.refuses_with = both.second.refuses_with = 0
    for phone in (both.first, both.second):
        for call in phone.live_calls:
            await call.hang_up()
    for one in (both.ours, both.other):
        await one.clear()


async def hear_each_other(*calls: object) -> None:
    for speaker, hearer in (calls, calls[::-1]):
        hearer.forget_heard()
        speaker.play(voice(1, 1.0), loop=True)
        await hearer.media.wait_until(partial(is_loud, hearer), WITHIN_S)
        speaker.be_silent()


def is_loud(call: object) -> bool:
    return any(abs(sample) > 1000 for sample in memoryview(call.heard()[-RATE_HZ:]).cast("h"))


# --- an account at a carrier


async def test_we_register_and_call_and_are_called_through_the_account(town: Town) -> None:
    until_s = asyncio.get_running_loop().time() + WITHIN_S
    while "Registered" not in (shown := await town.ours.process.command("pjsip show registrations")):
        assert asyncio.get_running_loop().time() < until_s, shown
    town.ours.line.ring_outside("out1-leg1", Allowed(NUMBER, ("account",)), "out1", SHOWN, 20)
    there = await town.other.told(Arrived)
    assert there.dialled == NUMBER
    assert "PJSIP/account-" in await town.other.process.command("core show channels concise")
    town.other.line.answer(there.leg)
    await town.ours.told(LegAnswered, "out1-leg1")
    town.other.line.ring("in1-leg1", "account", "in1", CallerId("+39055123456", ""), 20)
    here = await town.ours.told(Arrived)
    assert (here.dialled, here.caller.number) == ("account", "+39055123456")
    assert "PJSIP/carrier-account-" in await town.ours.process.command("core show channels concise")


# --- TCP and TLS


@pytest.mark.parametrize("carrier", ["tcp", "tls"])
async def test_a_call_goes_out_by_tcp_and_by_tls(town: Town, carrier: str) -> None:
    town.ours.line.ring_outside(f"{carrier}-leg1", Allowed(NUMBER, (carrier,)), carrier, SHOWN, 20)
    there = await town.other.told(Arrived)
    assert (there.dialled, there.caller.number) == (NUMBER, "055055")
    town.other.line.answer(there.leg)
    await town.ours.told(LegAnswered, f"{carrier}-leg1")
    town.ours.line.hang_up(f"{carrier}-leg1")
    await town.other.told(LegEnded, there.leg)


# --- more than one carrier


async def test_the_second_carrier_is_asked_where_the_first_takes_the_call_and_says_nothing_more(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside, "SILENT_S", 0.5)
    town.first.refuses_with = TRYING
    town.ours.line.ring_outside("two-leg01", Allowed(NUMBER, ("first", "second")), "two", SHOWN, 20)
    ring = await town.second.ring(WITHIN_S)
    assert ring.get("remote-party-id").startswith('"055055" <sip:055055@')
    await ring.answer()
    await town.ours.told(LegAnswered, "two-leg01")
    assert "PJSIP/carrier-second-" in await town.ours.process.command("core show channels concise")


async def test_a_carrier_that_asterisk_believes_to_be_out_of_reach_is_called_anyhow(town: Town) -> None:
    await town.ours.process.command("pjsip qualify carrier-late")
    until_s = asyncio.get_running_loop().time() + WITHIN_S
    while not re.search(rf"carrier-late/\S+:{LATE} .* Unavail", await town.ours.process.command("pjsip show contacts")):
        assert asyncio.get_running_loop().time() < until_s
    async with Phone(town.sip, "late", local_port=LATE) as late:
        town.ours.line.ring_outside("late-leg01", Allowed(NUMBER, ("late",)), "late", SHOWN, 20)
        await (await late.ring(WITHIN_S)).answer()
        await town.ours.told(LegAnswered, "late-leg01")


async def test_calls_in_both_directions_count_against_the_ceiling(town: Town) -> None:
    async def group() -> int:
        shown = await town.ours.process.command("group show channels")
        return len(re.findall(r"carrier-first\b", shown)) // 2  # in the channel's name, and as its group

    attempt = town.first.start_call("055055")
    await town.ours.told(Arrived)
    town.ours.line.ring_outside("full1-leg01", Allowed(NUMBER, ("first", "second")), "full1", SHOWN, 20)
    await town.first.ring(WITHIN_S)
    await town.ours.told(LegRinging, "full1-leg01")
    assert await group() == 2
    with pytest.raises(CallRefused, match="503"):
        await town.first.call("055055")
    town.ours.line.ring_outside("full2-leg01", Allowed(NUMBER, ("first", "second")), "full2", SHOWN, 20)
    await town.second.ring(WITHIN_S)
    await town.ours.told(LegRinging, "full2-leg01")
    attempt.cancel()


# --- who calls, and whom


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("P-Asserted-Identity", "<sip:+39112@127.0.0.1>"),
        ("Remote-Party-ID", "<sip:+39112@127.0.0.1>;party=calling;screen=yes"),
    ],
)
async def test_a_header_that_is_not_trusted_does_not_say_who_calls(town: Town, header: str, value: str) -> None:
    attempt = town.first.start_call("055055", from_user="+39055123456", extra_headers=[(header, value)])
    assert (await town.ours.told(Arrived)).caller.number == "+39055123456"
    attempt.cancel()


async def test_the_header_that_is_trusted_does_and_no_other(town: Town) -> None:
    trusted = ("Remote-Party-ID", '"a,b)" <sip:+39055999@127.0.0.1>;party=calling;screen=yes')
    untrusted = ("P-Asserted-Identity", "<sip:+39112@127.0.0.1>")
    for headers, number in (
        ([trusted], "+39055999"),
        ([trusted, untrusted], "+39055999"),
        ([untrusted], "+39055123456"),
        ([], "+39055123456"),
    ):
        attempt = town.second.start_call("055055", from_user="+39055123456", extra_headers=headers)
        arrived = await town.ours.told(Arrived)
        assert (arrived.dialled, arrived.caller.number) == ("055055", number)
        await attempt.cancel()
        await town.ours.told(LegEnded, arrived.leg)


# --- emergencies


async def test_112_is_called_above_the_ceiling(town: Town) -> None:
    full = [town.first.start_call("055055") for _ in range(2)]
    for _ in full:
        await town.ours.told(Arrived)
    async with Phone(town.sip, "p101", SECRET) as phone:
        await phone.register()
        attempt = phone.start_call("112")
        await hear_each_other(await (await town.first.ring(WITHIN_S)).answer(), await attempt.answered(WITHIN_S))
    for caller in full:
        await caller.cancel()


async def test_112_reaches_the_second_carrier_where_the_first_fails_and_no_engine_lives(town: Town) -> None:
    town.first.refuses_with = 503
    await town.ours.line.line.close()  # the engine is dead
    async with Phone(town.sip, "p101", SECRET) as phone:
        await phone.register()
        attempt = phone.start_call("112")
        ring = await town.second.ring(WITHIN_S)
        assert ring.get("remote-party-id").startswith(f'"p101" <sip:{SITE_NUMBER}@')
        answered = await ring.answer()
        await hear_each_other(await attempt.answered(WITHIN_S), answered)
        town.first.refuses_with = 0
    await town.ours.line.line.listen("127.0.0.1", BASE + 2)
    await town.ours.told(Connected)

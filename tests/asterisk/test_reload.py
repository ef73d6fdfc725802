"""Another configuration comes into force while people talk, wait and listen, on the real Asterisk."""

import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from centralino.door import CommandRefused
from demo.phone import Phone, RegistrationRefused
from demo.sounds import voice
from tests.house import House, open_house

CALLS, TALKING, RELOADS = 20, 4, 20


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(620) as opened:
        yield opened


def states(house: House) -> Counter[str]:
    return Counter(call["state"] for call in house.now["calls"].values())


def edit(house: House, file: str, old: str, new: str) -> None:
    path = house.config / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


async def test_twenty_reloads_lose_none_of_twenty_calls(house: House) -> None:
    async with AsyncExitStack() as opened:
        seats = [await opened.enter_async_context(house.agent(f"a100{n}", f"p10{n}")) for n in range(1, TALKING + 1)]
        calls, talks = [], []
        for nth in range(CALLS):
            citizen = await opened.enter_async_context(house.citizen(f"+390557000{nth:02d}"))
            call = await citizen.call("055055")
            call.press("1")
            calls.append(call)
            if nth < TALKING:
                talks.append(await (await seats[nth].ring(within_s=5)).answer())
                call.play(voice(nth), loop=True)
        await house.until(lambda now: states(house) == {"talking": TALKING, "queued": CALLS - TALKING})
        edit(house, "agents.yaml", "  p105: {site: laquila}", "  p105: {site: laquila}\n  p106: {site: laquila}")
        for nth in range(RELOADS):
            edit(house, "queues.yaml", "queues:\n", f"# {nth}\nqueues:\n")
            code, said = await house.cli("reload")
            assert code == 0, said
            assert f"+# {nth}" in said
        assert f"Configuration {RELOADS + 1} is in force" in said
        assert states(house) == {"talking": TALKING, "queued": CALLS - TALKING}
        assert all(call.is_up for call in calls)
        async with house.agent("a1006", "p106"):  # the new phone may register, and its agent takes the next call
            await house.until(lambda now: states(house)["offered"] == 1)
        for call in calls:
            await call.hang_up()
        await house.until_ended()
    code, said = await house.cli("audit")
    assert code == 0, said
    outcomes = Counter(row["outcome"] for row in await house.json("calls"))
    assert outcomes == {"answered": TALKING, "abandoned": CALLS - TALKING}


async def test_a_phone_that_is_removed_talks_on_until_its_call_is_over_and_registers_no_more(house: House) -> None:
    secret = house.instance.secrets(frozenset()).phones["p102"]
    async with house.citizen("+39055700201") as citizen, Phone(house.sip, "p102", secret) as seat:
        await seat.register()
        await house.door.command("agents.in", agent="a1002", phone="p102", by="test")
        call = await citizen.call("055055")
        call.press("1")
        talk = await (await seat.ring(within_s=20)).answer()
        call.play(voice(1), loop=True)
        talk.play(voice(2), loop=True)
        await house.until(lambda now: states(house) == {"talking": 1})
        edit(house, "agents.yaml", "  p102: {site: laquila}\n", "")
        edit(house, "agents.yaml", "site: laquila, phone: p102", "site: laquila")
        code, said = await house.cli("reload")
        assert code == 0, said
        assert "Phone p102 is gone and can register no more; the call of a1002 there goes on." in said.splitlines()
        await house.until(lambda now: not now["agents"]["a1002"]["reachable"])
        endpoints = await house.asterisk("pjsip show endpoints")
        assert "p101" in endpoints
        assert "p102-auth" not in endpoints
        for end in (call, talk):  # a second of sound, each way
            await end.wait_packets(50, within_s=5)
        with pytest.raises(RegistrationRefused):
            await seat.register()
        assert states(house) == {"talking": 1}
        await talk.hang_up()  # the phone's own BYE is still heard
        await call.wait_ended(within_s=5)
        await house.until_ended()
        assert house.now["agents"]["a1002"]["chosen"] == "signed out", "there is no phone of theirs any more"
        with pytest.raises(CommandRefused, match="there is no phone p102"):
            await house.door.command("agents.in", agent="a1002", phone="p102", by="test")


async def test_a_call_ends_in_the_menu_it_began_in_also_when_the_engine_is_killed(house: House) -> None:
    async with house.citizen("+39055700101") as first, house.citizen("+39055700102") as second:
        before = await first.call("055055")
        await house.until(lambda now: any(call["step"] == "main" for call in now["calls"].values()), 20)
        edit(house, "dialplans/055055.yaml", '"2": registry', '"2": short')
        code, said = await house.cli("reload")
        assert code == 0, said
        engine = house.now["instance"]
        os.kill(house.pid_of("engine"), signal.SIGKILL)
        await house.until(lambda now: now["instance"] != engine and now["can_answer"])
        after = await second.call("055055")
        before.press("2")
        await house.until(lambda now: any(call["queue"] == "anagrafe" for call in now["calls"].values()))
        after.press("2")
        await house.until(lambda now: any(call["queue"] == "corta" for call in now["calls"].values()))
        await before.hang_up()
        await after.hang_up()
    await house.until_ended()


async def test_what_is_wrong_is_refused_and_what_was_good_can_be_gone_back_to(house: House) -> None:
    good = (house.config / "queues.yaml").read_text()
    edit(house, "queues.yaml", "ring: 5s", "rin: 5s")
    code, said = await house.cli("reload")
    assert code == 1
    assert "unknown key `rin`" in said
    (house.config / "queues.yaml").write_text(good.replace("wrap_up: 1s", "wrap_up: 2s"))
    code, said = await house.cli("reload")
    assert (code, "+    wrap_up: 2s" in said) == (0, True), said
    code, said = await house.cli("reload")
    assert (code, said.strip()) == (0, "Nothing changed.")
    code, said = await house.cli("rollback")
    assert (code, "+    wrap_up: 1s" in said) == (0, True), said
    code, said = await house.cli("rollback", "99")
    assert (code, "there is no configuration 99" in said) == (1, True), said
    edit(house, "centralino.yaml", "channels: 180", "channels: 90")
    house.process.send_signal(signal.SIGHUP)
    await house.until(lambda now: "release=4" in house.output.read_text() or now["at_s"] < 0)

"""Things break: the engine is killed or freezes, Asterisk dies, ports are taken. No call is lost but those that end."""

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import psutil
import pytest
import pytest_asyncio

from centralino.door import EngineAway
from demo.calls import Call
from demo.listening import longest_gap_s
from demo.phone import Phone
from demo.sounds import voice
from tests.house import STOPPED_WITHIN_S, House, again, open_house

BACK_WITHIN_S = 20.0  # what matters is that it comes back by itself; how soon stands in the bench
GAP_S_MAX = 0.5  # a busy test machine may read a packet late; an interrupted talk would be silent for seconds


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(540) as opened:
        yield opened


async def a_talk(house: House, seat: Phone, citizen: Phone) -> tuple[Call, Call]:
    """A citizen and an agent who talk; both hear each other."""
    call = await citizen.call("055055")
    call.press("1")
    talk = await (await seat.ring(within_s=5)).answer()
    call.play(voice(1), loop=True)
    talk.play(voice(2), loop=True)
    await call.wait_packets(25, 5)
    await talk.wait_packets(25, 5)
    return call, talk


def states(now: dict[str, Any]) -> list[str]:
    return sorted(call["state"] for call in now["calls"].values())


async def test_a_killed_engine_is_back_by_itself_and_every_call_goes_on(house: House) -> None:
    async with AsyncExitStack() as opened:
        seats = [await opened.enter_async_context(house.agent(f"a100{n}", f"p10{n}")) for n in (1, 2, 3)]
        citizens = [await opened.enter_async_context(house.citizen(f"+3905530000{n}")) for n in range(8)]
        talks = [await a_talk(house, seat, citizen) for seat, citizen in zip(seats, citizens, strict=False)]
        waiting = []
        for citizen in citizens[3:6]:
            call = await citizen.call("055055")
            call.press("1")
            waiting.append(call)
            await house.until(lambda now: states(now).count("queued") == len(waiting))
        in_menu = [await citizen.call("055055") for citizen in citizens[6:8]]
        await house.until(lambda now: states(now).count("in menu") == 2)
        line = [c["id"] for c in sorted(house.now["calls"].values(), key=lambda c: c["position"] or 0) if c["position"]]
        before = house.now["instance"]
        for leg in (leg for pair in talks for leg in pair):
            leg.forget_heard()

        os.kill(house.pid_of("engine"), signal.SIGKILL)
        await waiting[1].hang_up()
        await house.until(lambda now: now["instance"] != before and now["can_answer"], BACK_WITHIN_S)

        await house.until(lambda now: states(now) == ["in menu"] * 2 + ["queued"] * 2 + ["talking"] * 3)
        assert all(leg.is_up for pair in talks for leg in pair)
        assert all(call.is_up for call in (waiting[0], waiting[2], *in_menu))
        assert [house.now["calls"][c]["position"] for c in (line[0], line[2])] == [1, 2]
        assert max(longest_gap_s(leg) for pair in talks for leg in pair) < GAP_S_MAX
        for call in in_menu:  # the menu listens again
            call.press("1")
        await house.until(lambda now: states(now) == ["queued"] * 4 + ["talking"] * 3)

        caller, agent = talks[0]
        await agent.hang_up()
        await caller.wait_ended(5)
        ring = await seats[0].ring(within_s=5)  # after a wrap-up of a second, the head of the line
        assert ring.from_user == "+39055300003"
        ring.reject()
    await house.until_ended()
    gone = await house.row("calls", lambda c: c["number"] == "+39055300004" and c["state"] == "ended")
    assert gone["outcome"] == "abandoned"
    await house.no_leftovers()
    code, said = await house.cli("audit")
    assert code == 0, said


async def test_a_frozen_engine_is_replaced(house: House) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055300010") as citizen:
        caller, agent = await a_talk(house, seat, citizen)
        before = house.now["instance"]
        os.kill(house.pid_of("engine"), signal.SIGSTOP)
        await house.until(lambda now: now["instance"] != before and now["can_answer"], 2 + BACK_WITHIN_S)
        await house.until(lambda now: states(now) == ["talking"])
        await agent.hang_up()
        await caller.wait_ended(5)
    assert "frozen: no heartbeat for 2 s" in house.output.read_text()


async def test_when_asterisk_dies_its_calls_end_on_record_and_it_comes_back(house: House) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055300011") as citizen:
        await a_talk(house, seat, citizen)
        os.kill(house.asterisk_pid, signal.SIGKILL)
        await house.until(lambda now: not now["can_answer"])
        await house.until(lambda now: now["can_answer"] and not now["calls"], 30)
        row = await house.row("calls", lambda c: c["number"] == "+39055300011" and c["state"] == "ended")
        assert row["outcome"] == "answered"
    async with house.agent("a1002", "p102") as seat, house.citizen("+39055300014") as citizen:
        await a_talk(house, seat, citizen)
    await house.until_ended()
    code, said = await house.cli("audit")
    assert code == 0, said


@pytest.mark.parametrize("dies", ["engine", "asterisk"])
async def test_a_message_that_is_being_left_is_kept_when_something_dies(house: House, dies: str) -> None:
    number = f"+3905530002{len(dies)}"
    async with house.citizen(number) as citizen:
        call = await citizen.call("055999")
        await until_recorded(house, call, 40_000)
        entries = str(house.now["instance"])
        os.kill(house.pid_of("engine") if dies == "engine" else house.asterisk_pid, signal.SIGKILL)
        if dies == "engine":
            await house.until(lambda now: now["instance"] != entries and now["can_answer"], BACK_WITHIN_S)
            assert call.is_up
            await call.hang_up()
        await house.until(lambda now: now["can_answer"] and not now["calls"], 30)
    row = await house.row("calls", lambda c: c["number"] == number and c["state"] == "ended")
    assert row["outcome"] == "voicemail"
    assert row["voicemail_s"] >= 2
    trail = (await house.cli("why", row["id"]))[1]
    assert trail.count("came to the voicemail") == 1, trail


async def until_recorded(house: House, call: Call, size_bytes: int) -> None:
    """Speak until so much stands in the recording."""
    async with asyncio.timeout(30):
        while not any(file.stat().st_size > size_bytes for file in house.recordings_now()):
            call.play(voice(7, duration_s=0.5))
            await call.wait_said(5)


async def test_while_no_engine_comes_back_waiting_callers_are_told_and_talks_go_on(house: House) -> None:
    """What is in force is spoilt, so that no engine can start; then it is put right again."""
    in_force = house.instance.configurations / "current" / "queues.yaml"
    good = in_force.read_text()
    async with AsyncExitStack() as opened:
        seat = await opened.enter_async_context(house.agent("a1001", "p101"))
        citizen = await opened.enter_async_context(house.citizen("+39055300031"))
        waiting = await opened.enter_async_context(house.citizen("+39055300032"))
        caller, agent = await a_talk(house, seat, citizen)
        waits = await waiting.call("055055")
        waits.press("1")
        await house.until(lambda now: states(now) == ["queued", "talking"])
        in_force.write_text("broken: [")
        os.kill(house.pid_of("engine"), signal.SIGKILL)
        await waits.wait_ended(20)  # the announcement, and Asterisk hangs up
        assert caller.is_up
        in_force.write_text(good)
        await house.until(lambda now: now["can_answer"] and states(now) == ["talking"], 40)
        await agent.hang_up()
        await caller.wait_ended(5)
    await house.until_ended()
    assert "callers sent to the fallback: 1" in house.output.read_text()


async def test_what_is_being_edited_does_not_keep_the_engine_from_coming_back(house: House) -> None:
    edited = house.config / "queues.yaml"
    good = edited.read_text()
    edited.write_text(good.replace("ring:", "rin:"))
    before = house.now["instance"]
    os.kill(house.pid_of("engine"), signal.SIGKILL)
    await house.until(lambda now: now["instance"] != before and now["can_answer"], BACK_WITHIN_S)
    assert house.configuration.rules.queues.keys() == house.now["queues"].keys()
    edited.write_text(good)


async def test_sign_ins_and_pauses_survive_the_engine(house: House) -> None:
    async with house.agent("a1001", "p101"), house.agent("a1002", "p102"):
        await house.door.command("agents.pause", agent="a1002", reason="pranzo", by="test")
        before = house.now["instance"]
        os.kill(house.pid_of("engine"), signal.SIGKILL)
        await house.until(lambda now: now["instance"] != before and now["can_answer"], BACK_WITHIN_S)
        agents = house.now["agents"]
        assert (agents["a1001"]["chosen"], agents["a1001"]["phone"]) == ("ready", "p101")
        assert (agents["a1002"]["chosen"], agents["a1002"]["reason"]) == ("paused", "pranzo")


async def test_a_desk_that_dies_comes_back_and_no_call_notices(house: House) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055300012") as citizen:
        caller, agent = await a_talk(house, seat, citizen)
        desk = house.pid_of("desk")
        os.kill(desk, signal.SIGKILL)
        async with asyncio.timeout(40), httpx.AsyncClient() as browser:
            while not await _is_well(browser, house):
                await caller.wait_packets(25, 5)
        assert house.pid_of("desk") != desk
        assert caller.is_up
        await agent.hang_up()
        await caller.wait_ended(5)


async def _is_well(browser: httpx.AsyncClient, house: House) -> bool:
    try:
        return (await browser.get(f"http://127.0.0.1:{8055 + house.offset}/healthz")).status_code == 200
    except httpx.TransportError:
        return False


async def test_a_stop_ends_calls_on_record_and_leaves_nothing(house: House) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055300013") as citizen:
        caller, _ = await a_talk(house, seat, citizen)
        asterisk = house.asterisk_pid
        house.process.send_signal(signal.SIGTERM)
        await caller.wait_ended(10)
        assert await asyncio.wait_for(house.process.wait(), STOPPED_WITHIN_S) == 0
    row = await house.row("calls", lambda c: c["number"] == "+39055300013")
    assert (row["state"], row["outcome"]) == ("ended", "answered")
    logs = house.output.read_text() + "".join(f.read_text() for f in (house.state / "log").iterdir())
    assert "Traceback" not in logs
    assert not psutil.pid_exists(asterisk)
    assert "the engine is not running" in (await house.cli("status"))[1]


async def test_a_second_start_says_which_port_is_taken_and_by_whom(house: House) -> None:
    code, said = await house.cli("run", "--port-offset", str(house.offset))
    assert code == 1
    assert f"centralino runs already with {house.state}" in said
    other = house.state.parent / "other"
    code, said = await house.cli("run", "--state", str(other), "--port-offset", str(house.offset))
    assert code == 1
    assert f"port {8090 + house.offset}/tcp" in said
    assert f"pid {house.pid_of('engine')}" in said


async def test_a_broken_configuration_refuses_to_start(house: House) -> None:
    queues = house.config / "queues.yaml"
    queues.write_text(queues.read_text().replace("ring: 5s", "rin: 5s", 1))
    code, said = await house.cli("run", "--state", str(house.state.parent / "other"))
    assert code == 1
    assert "queues.yaml:4:5: unknown key `rin`" in said
    assert "did you mean `ring`?" in said
    assert "Nothing was loaded" in said


async def test_an_engine_that_cannot_write_its_journal_ends_and_the_next_goes_on(house: House) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055300015") as citizen:
        caller, agent = await a_talk(house, seat, citizen)
        before = house.now["instance"]
        size_bytes = max(file.stat().st_size for file in house.instance.journal.glob("*.jsonl"))
        resource.prlimit(house.pid_of("engine"), resource.RLIMIT_FSIZE, (size_bytes, size_bytes))  # as a full disk
        with pytest.raises(EngineAway):
            await house.door.command("agents.pause", agent="a1001", reason="", by="test")
        await house.until(lambda now: now["instance"] != before and now["can_answer"], BACK_WITHIN_S)
        assert house.now["agents"]["a1001"]["chosen"] == "ready", "what is not on record has not happened"
        assert caller.is_up
        await agent.hang_up()
        await caller.wait_ended(5)
    assert "the journal cannot be written" in (house.state / "log" / "engine.log").read_text()
    await house.row("calls", lambda call: call["state"] == "ended")  # its tables may just be made
    code, said = await house.cli("audit")
    assert code == 0, said


async def test_parts_whose_guardian_is_killed_make_room_and_the_next_one_takes_up_the_calls(house: House) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055300016") as citizen:
        caller, agent = await a_talk(house, seat, citizen)
        parts = [psutil.Process(house.pid_of(part)) for part in ("engine", "desk")]
        house.process.kill()
        await house.process.wait()
        _, alive = await asyncio.to_thread(psutil.wait_procs, parts, 10)
        assert alive == []
        async with again(house) as next_one:
            await next_one.until(lambda now: now["can_answer"] and states(now) == ["talking"], 20)
            assert caller.is_up
            await agent.hang_up()
            await caller.wait_ended(5)
            await next_one.until_ended()
            assert await next_one.stop() == 0

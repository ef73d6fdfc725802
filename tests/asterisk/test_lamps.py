"""Lamps at phones, on the real Asterisk: keys light them and put them out, and they survive engines and reloads."""

import os
import signal

import pytest

from demo.lamp import LampRefused
from demo.phone import Phone
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all visit one house


async def press(phone: Phone, key: str) -> None:
    """Dial what a key with a lamp dials, and hear it out."""
    async with await phone.call(key) as call:
        await call.wait_ended(10)


async def test_keys_light_the_lamps_that_they_are_named_by(house: House) -> None:
    async with house.agent("a1001", "p101") as seat, house.agent("a1002", "p102") as other:
        signed_in, paused = await seat.watch("*45p101"), await seat.watch("*46p101")
        seen_by_other = await other.watch("*461001")
        await signed_in.wait_until(lit=True)
        await paused.wait_until(lit=False)
        await press(seat, "*46p101")
        for lamp in (paused, seen_by_other):
            await lamp.wait_until(lit=True)
        await press(seat, "*461001")
        for lamp in (paused, seen_by_other):
            await lamp.wait_until(lit=False)
        await press(seat, "*45p101")
        await signed_in.wait_until(lit=False)
        await press(seat, "*45p101")
        await signed_in.wait_until(lit=True)


async def test_what_a_page_or_the_command_line_does_lights_them_too(house: House) -> None:
    async with house.agent("a1001", "p101") as seat:
        paused = await seat.watch("*461001")
        await house.cli("agents", "pause", "a1001")
        await paused.wait_until(lit=True)
        await house.cli("agents", "ready", "a1001")
        await paused.wait_until(lit=False)


async def test_a_queues_lamp_is_lit_while_somebody_waits(house: House) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055200091") as citizen:
        await house.door.command("agents.pause", agent="a1001", by="test")
        waiting = await seat.watch("*4781")
        await waiting.wait_until(lit=False)
        call = await citizen.call("055055")
        call.press("1")
        await waiting.wait_until(lit=True)
        await call.hang_up()
        await waiting.wait_until(lit=False)
        await house.until_ended()


async def test_no_phone_watches_what_is_no_lamp(house: House) -> None:
    async with house.agent("a1001", "p101") as seat:
        for name in ("*459999", "p102", "112"):
            with pytest.raises(LampRefused) as refused:
                await seat.watch(name)
            assert refused.value.status == 404


async def test_nobody_without_the_phones_secret_watches_a_lamp(house: House) -> None:
    async with Phone(house.sip, "p101", "not-its-secret") as stranger:
        with pytest.raises(LampRefused):
            await stranger.watch("*451001")


async def test_a_new_engine_tells_what_changed_meanwhile(house: House) -> None:
    async with house.agent("a1001", "p101") as seat:
        signed_in, paused = await seat.watch("*451001"), await seat.watch("*461001")
        await signed_in.wait_until(lit=True)
        instance = house.now["instance"]
        os.kill(house.pid_of("engine"), signal.SIGKILL)
        await house.until(lambda now: now["instance"] != instance and now["can_answer"], 20)
        await house.door.command("agents.pause", agent="a1001", by="test")
        await paused.wait_until(lit=True)
        assert signed_in.is_lit, "nothing was put out"


async def test_a_reload_makes_lamps_for_new_agents_while_calls_and_lamps_go_on(house: House) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055200092") as citizen:
        paused = await seat.watch("*461001")
        call = await citizen.call("055055")
        call.press("1")
        talk = await (await seat.ring(within_s=10)).answer()
        agents = house.config / "agents.yaml"
        before = agents.read_text()
        agents.write_text(before + "  a1099: {name: Nuovo, site: laquila, skills: {tributi: 1}, languages: {it: 5}}\n")
        code, said = await house.cli("reload")
        assert code == 0, said
        new = await seat.watch("*451099")
        await new.wait_until(lit=False)
        assert talk.is_up
        assert call.is_up
        await house.door.command("agents.in", agent="a1099", phone="p104", by="test")
        await new.wait_until(lit=True)
        await house.door.command("agents.pause", agent="a1001", by="test")
        await paused.wait_until(lit=True)
        await house.door.command("agents.out", agent="a1099", by="test")
        await talk.hang_up()
        await call.wait_ended(5)
        agents.write_text(before)
        assert (await house.cli("reload"))[0] == 0

"""A phone that others have made is an agent's: it registers, answers, holds and transfers.

No transfer is refused here: this one then hangs up by itself, where desk phones keep the caller.
"""

import asyncio

import numpy as np
import pytest

from demo.calls import Call
from demo.listening import SILENT_BELOW
from demo.sounds import RATE_HZ
from tests.asterisk.baresip import baresip
from tests.asterisk.test_consulting import hear_each_other
from tests.asterisk.test_phone_transfers import hear_music, ready_again, trail
from tests.asterisk.test_whispers import loudness
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")
CONTROL_PORT = 4444
TONE_HZ = 440


async def hear_tone(call: Call) -> None:
    """Until half a second of it is what is heard."""
    async with asyncio.timeout(10):
        while True:
            call.forget_heard()
            await call.wait_packets(30, 5)
            heard = np.frombuffer(call.heard(), "<i2").astype(np.float64)
            loudest_hz = np.abs(np.fft.rfft(heard)).argmax() * RATE_HZ / len(heard)
            if loudness(call.heard()) > SILENT_BELOW and abs(loudest_hz - TONE_HZ) < 10:
                return


async def test_baresip_answers_holds_and_transfers(house: House) -> None:
    secret = house.instance.secrets(frozenset(house.configuration.roster.phones)).phones["p102"]
    async with (
        baresip(house.sip, "p102", secret, CONTROL_PORT + house.offset) as phone,
        house.agent("a1003", "p103") as second,
        house.citizen("+39055200091") as citizen,
    ):
        await house.door.command("agents.in", agent="a1002", phone="p102", by="test")
        await house.until(lambda now: now["agents"]["a1002"]["reachable"])
        await house.door.command("agents.pause", agent="a1003", by="test")
        call = await citizen.call("055055")
        call.press("2")
        await phone.until("CALL_INCOMING")
        await phone.do("accept")
        await phone.until("CALL_ESTABLISHED")
        await hear_tone(call)
        await phone.do("hold")
        await house.until(lambda now: [c["on_hold"] for c in now["calls"].values()] == [True])
        await hear_music(call)
        await phone.do("resume")
        await house.until(lambda now: [c["on_hold"] for c in now["calls"].values()] == [False])
        await hear_tone(call)
        await phone.do("transfer", f"sip:1003@127.0.0.1:{house.sip[1]}")
        asked = await (await second.ring(within_s=15)).answer()
        await hear_each_other(call, asked, 3)
        await ready_again(house, "a1002")
        await house.door.command("agents.out", agent="a1002", by="test")
        await asked.hang_up()
        await call.wait_ended(5)
    assert "a1002 of anagrafe hands the caller on to a1003" in await trail(house, "+39055200091")
    await house.no_leftovers()

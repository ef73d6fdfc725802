"""A phone, or a carrier, that answers a call with "ask there instead" (SIP's 302) leads nobody anywhere."""

import pytest

from demo.calls import IncomingCall
from tests.asterisk.test_first_call import into_the_queue
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all visit one house


def redirect(ring: IncomingCall, user: str) -> None:
    """The phone's own forwarding: whoever rings it is to ring `user` instead."""
    ring._served.respond(302, [("Contact", f"<sip:{user}@127.0.0.1:5060>")])


@pytest.mark.parametrize(
    "user",
    ["0552345678", "102", "055055", "PJSIP%2F899123456%40carrier-carrier", "Local%2F055055%40from-carrier"],
)
async def test_a_phone_that_forwards_is_one_that_rejects(house: House, user: str) -> None:
    """Asterisk would ring whatever the phone names, past every rule: a premium number through a carrier, too."""
    number = "+390552190001"
    async with (
        house.agent("a1001", "p101") as first,
        house.agent("a1002", "p102") as second,
        house.outside() as outside,
        house.citizen(number) as citizen,
    ):
        await house.door.command("agents.pause", agent="a1002", by="test")
        call = await into_the_queue(house, citizen)
        ring = await first.ring(within_s=5)
        await house.door.command("agents.ready", agent="a1002", by="test")
        redirect(ring, user)
        talk = await (await second.ring(within_s=3)).answer()
        channels = await house.asterisk("core show channels count")
        assert channels.startswith("2 active channels"), await house.asterisk("core show channels concise")
        await house.until(lambda now: now["agents"]["a1002"]["doing"] == "talking")
        await talk.hang_up()
        await call.wait_ended(5)
        with pytest.raises(TimeoutError):
            await outside.ring(within_s=0.5)
    row = await house.row("calls", lambda c: c["number"] == number and c["state"] == "ended")
    assert (row["outcome"], row["agent"]) == ("answered", "a1002")
    await house.no_leftovers()


async def test_a_carrier_that_sends_us_elsewhere_is_one_that_does_not_take_the_call(house: House) -> None:
    """It does not come back in by our own door."""
    async with house.agent("a1001", "p101") as seat, house.outside() as outside:
        attempt = seat.start_call("0552345678")
        redirect(await outside.ring(within_s=5), "055055")
        await house.until(lambda now: not now["calls"])
        channels = await house.asterisk("core show channels count")
        assert channels.startswith("1 active channel"), await house.asterisk("core show channels concise")
        attempt.cancel()
    await house.no_leftovers()

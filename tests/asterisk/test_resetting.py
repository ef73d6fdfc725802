"""An agent who is stuck is let go, on the real Asterisk: the caller waits again, and nothing is left behind."""

import pytest

from tests.asterisk.test_consulting import hear_each_other
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all visit one house


async def test_the_caller_of_an_agent_who_is_reset_waits_and_talks_with_another(house: House) -> None:
    async with house.agent("a1001", "p101") as first, house.citizen("+39055200095") as citizen:
        call = await citizen.call("055055")
        call.press("1")
        talk = await (await first.ring(within_s=10)).answer()
        await hear_each_other(call, talk, 1)
        code, said = await house.cli("agents", "reset", "a1001", "--then", "out")
        assert code == 0, said
        assert "What held a1001: talking in" in said
        await talk.wait_ended(5)
        await house.until(lambda now: [c["state"] for c in now["calls"].values()] == ["queued"])
        async with house.agent("a1002", "p102") as second:
            talk = await (await second.ring(within_s=10)).answer()
            await hear_each_other(call, talk, 3)
            await talk.hang_up()
            await call.wait_ended(5)
        await house.door.command("agents.in", agent="a1001", phone="p101", by="test")
    await house.no_leftovers()
    row = await house.row("calls", lambda c: c["number"] == "+39055200095" and c["state"] == "ended")
    assert row["outcome"] == "answered"

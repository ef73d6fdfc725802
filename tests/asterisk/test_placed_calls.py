"""A call placed for an agent, on the real Asterisk: their phone rings, then the other, and both hear each other."""

import pytest

from tests.asterisk.test_consulting import hear_each_other
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all visit one house


async def test_two_agents_are_brought_together_by_a_command(house: House) -> None:
    async with house.agent("a1001", "p101") as first, house.agent("a1002", "p102") as second:
        placed = await house.json("call", "1002", "--agent", "a1001")
        assert placed["phone"] == "p101"
        ring = await first.ring(within_s=10)
        assert ring.from_user == "1002", "whom they are about to call"
        ours = await ring.answer()
        theirs_rings = await second.ring(within_s=10)
        assert theirs_rings.from_user == "1001"
        theirs = await theirs_rings.answer()
        await hear_each_other(ours, theirs, 1)
        code, said = await house.cli("call", "1002", "--agent", "a1001")
        assert (code, said) == (1, "a1001 has a call\n")
        await theirs.hang_up()
        await ours.wait_ended(5)
        await house.until(lambda now: not now["agents"]["a1001"]["own_call"])
    await house.no_leftovers()
    code, said = await house.cli("call", "1002", "--agent", "a1001")
    assert code == 1
    assert "a1001 is not signed in" in said

"""An agent hands a caller on, on the real Asterisk: words, the second level's phone, the way back, one case."""

from pathlib import Path

import pytest

from centralino.speaking import speak, system_sentences
from demo.listening import hear
from demo.sounds import PCMA, decoded, voice
from ivr.prompts import Prompt
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTE = "La frana di via Rossi"


async def spoken(house: House, prompt: Prompt) -> bytes:
    sound = (await speak([prompt], house.instance.prompts)).sounds[prompt]
    return decoded(sound.path.with_suffix(".alaw").read_bytes(), PCMA)


async def test_a_caller_who_is_handed_on_comes_back_where_nobody_answers_and_stands_against_one_case(
    house: House,
) -> None:
    words = await spoken(house, system_sentences().connecting("Gli esperti", "it"))
    async with (
        house.agent("a1001", "p101") as first,
        house.agent("a1007", "p105") as second,
        house.citizen("+39055800001") as citizen,
    ):
        call = await citizen.call("055055")
        call.press("1")
        talk = await (await first.ring(within_s=10)).answer()
        call.play(voice(1), loop=True)
        assert (await hear(talk, voice(1), 10)).is_same
        [name] = house.now["calls"]
        code, told = await house.cli("transfer", name, "--to", "comune/espert")
        assert code == 1
        assert "did you mean `comune/esperti`?" in told
        assert house.now["calls"][name]["state"] == "talking"
        code, told = await house.cli("transfer", name, "--to", "comune/esperti", "--note", NOTE)
        assert code == 0, told
        await talk.wait_ended(5)
        assert (await hear(call, words, 15)).is_same
        ring = await second.ring(within_s=10)  # which nobody answers
        assert ring.from_name == "comune/esperti: +39055800001"
        back = await first.ring(within_s=20)
        assert back.from_name == "tributi: +39055800001"
        talk = await back.answer()
        talk.play(voice(2), loop=True)
        assert (await hear(call, voice(2), 10)).is_same
        await talk.hang_up()
        await call.wait_ended(5)
        await house.until_ended()
    row = await house.row("calls", lambda c: c["number"] == "+39055800001" and c["state"] == "ended")
    assert (row["outcome"], row["agent"], row["answers"]) == ("answered", "a1001", {"a1001": NOTE})
    case = await house.row("cases", lambda c: c["number"] == "+39055800001")
    assert [contact["kind"] for contact in case["contacts"]] == ["call"]
    _, trail = await house.cli("why", name)
    assert "nobody there answered in time" in " ".join(trail.split())
    assert not any("Rossi" in Path(file).read_text() for file in house.instance.journal.glob("*.jsonl"))
    await house.no_leftovers()


async def test_the_second_level_answers_and_both_hear_each_other(house: House) -> None:
    async with (
        house.agent("a1001", "p101") as first,
        house.agent("a1007", "p105") as second,
        house.citizen("+39055800002") as citizen,
    ):
        call = await citizen.call("055055")
        call.press("1")
        await (await first.ring(within_s=10)).answer()
        [name] = house.now["calls"]
        code, told = await house.cli("transfer", name, "--to", "esperti")
        assert code == 0, told
        talk = await (await second.ring(within_s=15)).answer()
        call.play(voice(1), loop=True)
        talk.play(voice(2), loop=True)
        assert (await hear(talk, voice(1), 10)).is_same
        assert (await hear(call, voice(2), 10)).is_same
        await call.hang_up()
        await house.until_ended()
    row = await house.row("calls", lambda c: c["number"] == "+39055800002" and c["state"] == "ended")
    assert (row["outcome"], row["agent"], row["queue"]) == ("answered", "a1007", "esperti")
    await house.no_leftovers()

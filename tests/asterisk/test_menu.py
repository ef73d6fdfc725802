"""Steps beyond the plain menu on the real Asterisk: what callers hear, key in and come to, by real DTMF and sound."""

import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import numpy as np
import pytest
import pytest_asyncio

from cases.proof import code_of
from centralino.speaking import speak, system_sentences
from demo.listening import hear
from demo.phone import Phone
from demo.sounds import PCMA, decoded, voice
from ivr.prompts import Prompt
from ivr.sentences import Sentence
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")

INTERRUPTIONS = 20
STOPS_WITHIN_S = 0.1


@pytest_asyncio.fixture(loop_scope="session")
async def office(house: House) -> AsyncIterator[Phone]:
    """The carrier's side of calls outside."""
    async with house.outside("office") as phone:
        yield phone


async def spoken(house: House, prompt: Prompt) -> bytes:
    """What a prompt sounds like, once it has been made."""
    sound = (await speak([prompt], house.instance.prompts)).sounds[prompt]
    return decoded(sound.path.with_suffix(".alaw").read_bytes(), PCMA)


async def sentence(house: House, which: Sentence, language: str = "it") -> bytes:
    return await spoken(house, system_sentences().prompt(which, language))


async def at(house: House, step: str) -> None:
    await house.until(lambda now: any(call["step"] == step for call in now["calls"].values()))


async def test_a_caller_is_led_to_an_office_and_both_hear_each_other(house: House, office: Phone) -> None:
    async with house.citizen("+39055600001") as citizen:
        call = await citizen.call("055777")
        call.press("1")
        talk = await (await office.ring(within_s=5)).answer()
        call.play(voice(1), loop=True)
        talk.play(voice(2), loop=True)
        assert (await hear(talk, voice(1), 10)).is_same
        assert (await hear(call, voice(2), 10)).is_same
        await house.until(lambda now: any(c["state"] == "transferred" for c in now["calls"].values()))
        await talk.hang_up()
        await call.wait_ended(5)
        await house.until_ended()
    row = await house.row("calls", lambda c: c["number"] == "+39055600001" and c["state"] == "ended")
    assert (row["outcome"], row["office"], row["entity"]) == ("transferred", "comune/anagrafe", "comune")


@pytest.mark.parametrize("how", ["not answered", "busy", "no carrier"])
async def test_where_the_office_does_not_take_it_the_caller_goes_on(house: House, how: str) -> None:
    async with house.citizen("+39055600002") as citizen, house.outside("office") as office:
        if how == "no carrier":
            await office.close()
        call = await citizen.call("055777")
        call.press("1")
        if how != "no carrier":
            ring = await office.ring(within_s=5)
            if how == "busy":
                ring.reject(486)
        await house.until(lambda now: any(c["state"] == "queued" for c in now["calls"].values()), 45)
        await call.hang_up()
        await house.until_ended()
    rows = [row for row in await house.json("calls") if row["number"] == "+39055600002"]
    assert {(row["office"], row["outcome"]) for row in rows} == {("comune/anagrafe", "abandoned")}
    await house.no_leftovers()


async def test_a_call_back_is_promised_at_the_number_keyed_in_and_the_case_stays_open(house: House) -> None:
    async with house.citizen("+39055600003") as citizen:
        call = await citizen.call("055777")
        call.press("2")
        await at(house, "back")
        assert (await hear(call, await sentence(house, Sentence.CALL_BACK_AT), 15)).is_same
        call.press("2")
        call.press("3331234567#")
        assert (await hear(call, await sentence(house, Sentence.CONFIRM_DIGITS), 20)).is_same
        call.press("1")
        assert (await hear(call, await sentence(house, Sentence.CALL_BACK_PROMISED), 10)).is_same
        await call.wait_ended(10)
    row = await house.row("cases", lambda c: c["number"] == "+39055600003")
    promised = [contact for contact in row["contacts"] if contact["kind"] == "call-back"]
    assert (row["state"], promised[0]["number"], promised[0]["queue"]) == ("open", "+393331234567", "tributi")


async def test_digits_are_read_back_and_kept_with_the_call(house: House) -> None:
    async with house.citizen("+39055600004") as citizen:
        call = await citizen.call("055777")
        call.press("4")
        await at(house, "code")
        call.press("47110815")
        assert (await hear(call, await sentence(house, Sentence.CONFIRM_DIGITS), 15)).is_same
        call.press("1")
        await at(house, "taxes")
        await call.hang_up()
    row = await house.row("calls", lambda c: c["number"] == "+39055600004" and c["state"] == "ended")
    assert row["answers"] == {"codice": "47110815"}
    journal = "".join(file.read_text() for file in house.instance.journal.glob("*.jsonl"))
    assert '"47110815"' not in journal


async def test_a_citizen_is_told_how_the_case_stands_and_nobody_else_is(house: House) -> None:
    row = await house.row("cases", lambda c: c["number"] == "+39055600003")
    secret = house.instance.secrets(frozenset()).case_codes
    today = datetime.now(UTC).astimezone(house.configuration.settings.time_zone).date()
    standing = await spoken(house, system_sentences().case_standing(True, today, None, "it"))
    async with house.citizen("+39055600005") as citizen:
        call = await citizen.call("055777")
        call.press("3")
        await at(house, "case")
        call.press(row["id"] + "#")
        assert (await hear(call, await sentence(house, Sentence.KEY_IN_PROOF), 20)).is_same
        call.press("0000")
        assert (await hear(call, await sentence(house, Sentence.NO_SUCH_CASE), 15)).is_same
        call.press(row["id"] + "#")
        call.press(code_of(row["id"], secret))
        assert (await hear(call, standing, 30)).is_same
        await call.hang_up()
    for promise in await house.json("call-backs"):  # no agent of a later test is to be rung for it
        assert (await house.cli("call-backs", "drop", promise["call"]))[0] == 0
    await house.until_ended()


async def test_an_emergency_is_heard_first_and_ends(house: House) -> None:
    text = "Terremoto nella provincia. Restate calmi e ascoltate la radio."
    code, told = await house.cli("emergency", "on", "055999", "--say", text, "--open")
    assert code == 0, told
    async with house.citizen("+39055600006") as citizen:
        call = await citizen.call("055999")
        assert (await hear(call, await spoken(house, Prompt(text, "it")), 15)).is_same
        await call.hang_up()
        await house.until_ended()
    assert text in (await house.cli("emergency"))[1]
    code, told = await house.cli("emergency", "off", "055999")
    assert code == 0, told
    assert "There is no emergency." in (await house.cli("emergency"))[1]
    assert (await house.cli("emergency", "off", "055999"))[0] == 1


async def test_prompts_are_the_right_ones_in_both_languages(house: House, said: Mapping[str, bytes]) -> None:
    texts = house.configuration.dialplans["055777"].steps["main"].words  # type: ignore[union-attr]
    async with house.citizen("+39055600007") as citizen:
        call = await citizen.call("055777")
        assert (await hear(call, said[texts["it"][0].text], 25)).is_same
        call.press("9")
        assert (await hear(call, said[texts["en"][0].text], 20)).is_same
        await call.hang_up()
        await house.until_ended()


async def test_a_digit_soon_stops_the_prompt(house: House) -> None:
    """From the digit's end to the last packet of the prompt, over some calls: p95 under 100 ms."""
    stops_s = [await _until_silent_s(house, nth) for nth in range(INTERRUPTIONS)]
    p95_s = float(np.percentile(stops_s, 95))
    assert p95_s < STOPS_WITHIN_S


async def _until_silent_s(house: House, nth: int) -> float:
    """Press 5, which ends the call at once: the last packet is the prompt's last."""
    async with house.citizen(f"+390556010{nth:02d}") as citizen:
        call = await citizen.call("055777")
        await call.wait_packets(15, 10)  # the prompt has been heard for 0.3 s
        call.press("5", ms=100)
        digit_ended_at = time.monotonic() + 0.1
        await call.wait_ended(5)
        assert call.last_packet_at is not None
    return call.last_packet_at - digit_ended_at

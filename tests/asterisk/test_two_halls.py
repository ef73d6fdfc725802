"""Two halls and a line of callers on the real Asterisk: who is rung where, what is heard while waiting, ways out."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio

from centralino.speaking import speak, system_sentences
from demo.calls import Call
from demo.listening import hear
from demo.phone import Phone
from demo.sounds import PCMA, decoded, voice
from ivr.prompts import Prompt
from ivr.sentences import Pattern, Sentence
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER = "055888"


@pytest_asyncio.fixture(loop_scope="session")
async def outside(house: House) -> AsyncIterator[Phone]:
    """The carrier's side of calls outside."""
    async with house.outside() as phone:
        yield phone


async def spoken(house: House, prompt: Prompt) -> bytes:
    sound = (await speak([prompt], house.instance.prompts)).sounds[prompt]
    return decoded(sound.path.with_suffix(".alaw").read_bytes(), PCMA)


async def in_line(house: House, citizen: Phone, waiting: int = 1) -> Call:
    call = await citizen.call(NUMBER)
    await house.until(lambda now: now["queues"]["civile"]["waiting"] == waiting)
    return call


def roma(now: Mapping[str, Any]) -> dict[str, Any]:
    [site] = now["queues"]["civile"]["sites"]
    return dict(site)


async def test_a_caller_who_waits_is_led_to_the_second_hall_which_closes_again(house: House) -> None:
    async with house.agent("a2001", "p201") as seat, house.citizen("+39055700001") as citizen:
        call = await in_line(house, citizen)
        assert not roma(house.now)["is_open"]
        talk = await (await seat.ring(within_s=8)).answer()
        call.play(voice(1), loop=True)
        assert (await hear(talk, voice(1), 10)).is_same
        assert roma(house.now)["why"] == "a caller has waited long"
        await talk.hang_up()
        await house.until(lambda now: not roma(now)["is_open"], 10)
    row = await house.row("calls", lambda c: c["number"] == "+39055700001" and c["state"] == "ended")
    assert (row["outcome"], row["agent"]) == ("answered", "a2001")
    _, trail = await house.cli("why", row["id"])
    assert "nobody who is here has the skill" in " ".join(trail.split())


async def test_the_second_hall_is_opened_by_hand_and_takes_the_first_in_line(house: House) -> None:
    async with (
        house.agent("a2001", "p201") as seat,
        house.citizen("+39055700002") as first,
        house.citizen("+39055700003") as second,
    ):
        code, told = await house.cli("sites", "close", "civile", "roma")
        assert code == 0, told
        one = await in_line(house, first)
        two = await in_line(house, second, waiting=2)
        await house.until(lambda now: not roma(now)["is_open"])
        code, told = await house.cli("sites", "open", "civile", "roma")
        assert code == 0, told
        ring = await seat.ring(within_s=5)
        assert ring.from_user == "+39055700002"
        talk = await ring.answer()
        await talk.hang_up()
        await two.hang_up()
        await one.wait_ended(5)
        await house.until_ended()
    code, told = await house.cli("sites", "by-rule", "civile", "roma")
    assert code == 0, told
    assert "by rule" in told or "open" in told
    code, told = await house.cli("sites", "open", "civile", "milano")
    assert code == 1
    assert "roma" in told, "which further sites there are"


async def test_an_emergency_that_opens_the_number_opens_the_second_hall(house: House) -> None:
    code, told = await house.cli("emergency", "on", NUMBER, "--say", "Alluvione.", "--open")
    assert code == 0, told
    assert roma(house.now)["is_open"]
    code, told = await house.cli("emergency", "off", NUMBER)
    assert code == 0, told
    await house.until(lambda now: not roma(now)["is_open"], 10)


async def test_who_waits_hears_their_place_between_the_music_until_an_agent_is_there(house: House) -> None:
    sentences = system_sentences()
    next_in_line = await spoken(house, sentences.place_in_line(1, "it"))
    second = await spoken(house, sentences.place_in_line(2, "it"))
    offer = await spoken(house, sentences.with_key(Pattern.OFFER_VOICEMAIL, "2", "it"))
    async with house.citizen("+39055700004") as first, house.citizen("+39055700005") as other:
        one = await in_line(house, first)
        two = await in_line(house, other, waiting=2)
        assert (await hear(one, next_in_line, 12)).is_same
        assert (await hear(two, second, 15)).is_same
        assert (await hear(two, offer, 15)).is_same
        await house.until(lambda now: all(c["state"] == "queued" for c in now["calls"].values()))
        async with house.agent("a1001", "p101") as seat:
            talk = await (await seat.ring(within_s=8)).answer()
            talk.play(voice(2), loop=True)
            assert (await hear(one, voice(2), 10)).is_same
            await one.hang_up()
            await two.hang_up()
            await house.until_ended()
    await house.no_leftovers()


async def test_an_agents_answer_cuts_the_announcement_short(house: House) -> None:
    text = await spoken(house, system_sentences().with_key(Pattern.OFFER_VOICEMAIL, "2", "it"))
    async with house.citizen("+39055700006") as citizen:
        call = await in_line(house, citizen)
        await house.until(lambda now: now["calls"])
        await hear(call, await spoken(house, system_sentences().place_in_line(1, "it")), 12)
        async with house.agent("a1001", "p101") as seat:
            talk = await (await seat.ring(within_s=5)).answer()
            talk.play(voice(3), loop=True)
            assert (await hear(call, voice(3), 10)).is_same
            await talk.hang_up()
            await call.wait_ended(5)
            await house.until_ended()
    assert not (await hear(call, text, 0)).is_same, "its end was never heard"


async def test_a_key_leads_from_the_line_to_the_voicemail(house: House) -> None:
    greeting = await spoken(house, system_sentences().prompt(Sentence.ALL_BUSY_LEAVE_MESSAGE, "it"))
    async with house.citizen("+39055700007") as citizen:
        call = await in_line(house, citizen)
        call.press("2")
        assert (await hear(call, greeting, 15)).is_same
        await call.hang_up()
        await house.until_ended()


async def test_a_key_leads_from_the_line_to_a_call_back_that_keeps_its_place(house: House, outside: Phone) -> None:
    promised = await spoken(house, system_sentences().prompt(Sentence.CALL_BACK_PROMISED, "it"))
    async with house.citizen("+390557000008") as citizen:
        call = await in_line(house, citizen)
        call.press("1")
        await house.until(lambda now: any(c["step"] == "*call-back" for c in now["calls"].values()))
        call.press("1")
        assert (await hear(call, promised, 15)).is_same
        await call.wait_ended(10)
    row = await house.row("calls", lambda c: c["number"] == "+390557000008" and c["state"] == "ended")
    assert row["outcome"] == "call-back"
    async with house.citizen("+39055700009") as later:
        waits = await in_line(house, later, waiting=2)
        async with house.agent("a1001", "p101") as seat:
            talk = await (await seat.ring(within_s=5)).answer()
            ring = await outside.ring(within_s=5)  # the carrier's side: the citizen, before who called later
            assert ring.from_user == NUMBER
            answered = await ring.answer()
            talk.play(voice(1), loop=True)
            answered.play(voice(2), loop=True)
            assert (await hear(answered, voice(1), 10)).is_same
            assert (await hear(talk, voice(2), 10)).is_same
            await waits.hang_up()
            await talk.hang_up()
            await house.until_ended()
    back = await house.row("calls", lambda c: c["call_back_of"] == row["id"] and c["state"] == "ended")
    assert (back["outcome"], back["case_id"], back["number"]) == ("answered", row["case_id"], "+390557000008")
    assert await house.json("call-backs") == []


async def test_a_citizen_who_does_not_answer_is_called_again_later(house: House, outside: Phone) -> None:
    async with house.citizen("+390557000010") as citizen:
        call = await in_line(house, citizen)
        call.press("1")
        await house.until(lambda now: any(c["step"] == "*call-back" for c in now["calls"].values()))
        call.press("1")
        await call.wait_ended(15)
    async with house.agent("a1001", "p101") as seat:
        await (await seat.ring(within_s=5)).answer()
        (await outside.ring(within_s=5)).reject(486)
        await house.until_ended()
    [promise] = await house.json("call-backs")
    assert (promise["number"], promise["attempts"], promise["attempt"]) == ("+390557000010", 1, "")
    back = await house.row("calls", lambda c: c["call_back_of"] == promise["call"] and c["state"] == "ended")
    assert (back["outcome"], back["why"]) == ("not reached", "busy")
    code, told = await house.cli("call-backs", "drop", promise["call"])
    assert (code, told.strip()) == (0, "Nobody waits to be called back.")
    code, told = await house.cli("call-backs", "drop", promise["call"])
    assert (code, "nothing is promised in" in told) == (1, True)
    await house.no_leftovers()

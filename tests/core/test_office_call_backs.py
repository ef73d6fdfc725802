"""Whom an office promised a call-back, by the API, is called back by its people, and the case says so."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.disposition import Kind, Level
from tests.city import City, opened_city

EXPERTS, QUEUE = "protezione-civile/esperti", "protezione-civile-esperti"
CITIZEN = "+393331234567"


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[City]:
    """A citizen's case is with the experts, none of whom is there."""
    async with opened_city(tmp_path, "sqlite", "2026-11-30 09:00") as opened:
        opened.centre.agent("ana", skills={"protezione-civile": 5})
        opened.call("c1", "800840840", CITIZEN, "1")
        opened.talk("ana")
        await opened.dispose("c1", Kind.REPORT, Level.HANDED_ON)
        await opened.projected()
        yield opened


async def test_the_experts_call_back_whom_they_promised_it(city: City) -> None:
    [case] = (await city.get("cases"))["cases"]
    await city.work(case["id"], "hand-over", to=EXPERTS)
    await city.work(case["id"], "call-back", office=EXPERTS, words="About the dam.")
    city.wait(3600)
    assert city.centre.ringing_now() == {}, "Ana is none of them"
    city.centre.agent("bo", skills={"esperti": 5})
    city.wait(1)
    city.centre.pick_up("bo")
    city.centre.line.pick_up(CITIZEN)
    city.wait(60)
    city.centre.put_down("bo")
    await city.projected()
    told = await city.get(f"cases/{case['id']}")
    assert [contact["kind"] for contact in told["contacts"]] == ["call", "call-back", "call"]
    assert [(event["act"], event["about"]) for event in told["history"]][-1] == ("call back", QUEUE)
    assert told["state"] == "at office", "it is for them to say that it is over"
    assert (await city.get("calls"))["recent"][0]["outcome"] == "answered"


async def test_what_cannot_be_promised_is_refused_and_stands_nowhere(city: City) -> None:
    [case] = (await city.get("cases"))["cases"]
    for asked, why in (
        ({}, "who calls back? Name the queue"),
        ({"to": "experts"}, "there is no queue `experts`"),
        ({"to": QUEUE, "office": EXPERTS}, "is not for the role `office` while case"),
    ):
        answer = await city.web.post(f"/api/v1/cases/{case['id']}/call-back", json=asked)
        assert (answer.status_code, why in answer.json()["error"]) == (409, True), answer.text
    await city.work(case["id"], "call-back", to=QUEUE)
    assert len((await city.get(f"cases/{case['id']}"))["history"]) == 1

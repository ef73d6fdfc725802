"""The desk over real HTTP, before a real door: page, stream, API, tokens, health, metrics, and its end."""

import asyncio
import json
import os
import re
import signal
import stat
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from acd.why import Why
from cases.state import State
from centralino import desk as desk_process
from centralino.desk import Shelves
from centralino.door import CommandRefused, DoorServer, door_path
from supervision.metrics import exposition
from web import view
from web.configuration import ChangeRefused
from web.live import ROWS_BEHIND_MAX, Changed, Live, Whole
from web.texts import Texts, choose_language
from web.tokens import Role, Tokens, make_token, tokens_path
from web.view import queue_row

WITHIN_S = 5.0
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@dataclass(frozen=True)
class KeptCall:
    id: str
    name: str
    arrived_at: datetime


@dataclass(frozen=True)
class KeptEvent:
    n: int
    kind: str


@dataclass(frozen=True)
class KeptOwnCall:
    id: str
    agent: str


@dataclass(frozen=True)
class KeptCase:
    id: str
    state: State


@dataclass(frozen=True)
class KeptSeen:
    case: KeptCase
    clock: None = None
    history: tuple[object, ...] = ()


@dataclass(frozen=True)
class KeptMessage:
    call: str
    box: str = "tributi"


class Kept:
    """Records in memory; `away` makes the database unreachable."""

    def __init__(self) -> None:
        self.away = False
        self.asked: list[object] = []

    async def recent_calls(self, limit: int) -> Sequence[KeptCall]:
        self.asked.append(limit)
        if self.away:
            raise ConnectionError("the database cannot be asked now")
        return [KeptCall("old-1", HOSTILE, datetime(2026, 11, 22, 10, 0, tzinfo=UTC))]

    async def call(self, id: str) -> KeptCall | None:
        return next((call for call in await self.recent_calls(1) if call.id == id), None)

    async def recent_own_calls(self, limit: int) -> Sequence[KeptOwnCall]:
        return [KeptOwnCall("own-1", "a1")]

    async def own_call(self, id: str) -> KeptOwnCall | None:
        return next((call for call in await self.recent_own_calls(1) if call.id == id), None)

    async def events_of(self, id: str) -> Sequence[KeptEvent]:
        return [KeptEvent(1, "CallArrived")]

    async def cases(self, wanted: dict[str, Any]) -> Sequence[KeptSeen]:
        self.asked.append(wanted)
        return [KeptSeen(KeptCase("100016", wanted["state"] or State.OPEN))]

    async def case(self, number: str) -> KeptSeen | None:
        return KeptSeen(KeptCase(number, State.OPEN)) if number == "100016" else None

    async def take_in(self, written: dict[str, Any]) -> KeptSeen:
        self.asked.append(written)
        return KeptSeen(KeptCase("200014", State.OPEN))

    async def take_out(self, number: str, id: int, by: str, agent: str) -> tuple[str, bytes]:
        if id != 7:
            raise ChangeRefused(f"case 1000 16 has no attachment {id}")
        self.asked.append((number, id, by.split(":", maxsplit=1)[0], agent))
        return 'evil\r\nX: ";.html', b"<script>"

    async def work(self, number: str, act: str, asked: dict[str, Any]) -> KeptSeen:
        if not asked["words"]:
            raise ChangeRefused("`note` needs words")
        self.asked.append((number, act, asked))
        return KeptSeen(KeptCase(number, State.OPEN))

    async def to_be_worked_through(self, box: str) -> Sequence[KeptMessage]:
        self.asked.append(("to be worked through", box))
        return [KeptMessage("c1")]

    async def newest_messages(self, box: str) -> Sequence[KeptMessage]:
        return [KeptMessage("c2", box or "tributi"), KeptMessage("c1")]

    async def work_on_message(self, call: str, act: str, asked: dict[str, Any]) -> KeptMessage:
        if call != "c1":
            raise ChangeRefused("no message was left in a call `c7`")
        self.asked.append((call, act, asked))
        return KeptMessage(call)

    async def listen_to(self, call: str, by: str, agent: str) -> bytes:
        self.asked.append((call, "listen", by.split(":", maxsplit=1)[0], agent))
        return b"RIFF"

    async def recordings(self, queue: str, *, due: bool, deleted: bool) -> Sequence[dict[str, Any]]:
        self.asked.append((queue, due, deleted))
        return [{"name": "talks/hall/2026-11-23/c1-talk1", "standing": "kept"}]

    async def listen_to_talk(self, name: str, by: str, agent: str) -> bytes:
        if "c7" in name:
            raise ChangeRefused(f"there is no recording `{name}`")
        self.asked.append((name, by.split(":", maxsplit=1)[0], agent))
        return b"RIFF"

    async def search(self, words: str, entity: str, kind: str, limit: int) -> Sequence[dict[str, Any]]:
        self.asked.append((words, entity, kind, limit))
        if not words.strip():
            raise ChangeRefused("there is no word to look for")
        return [{"id": "tari", "title": "TARI", "snippet": "la **tassa**"}]

    async def sheet(self, id: str) -> dict[str, Any] | None:
        return {"id": id, "body": "La tassa."} if id == "tari" else None

    async def outdated(self) -> Sequence[dict[str, Any]]:
        return [{"id": "old", "owner": "Anagrafe"}]

    def site(self) -> None:
        return None

    def secret(self) -> str:
        return "secret"


def queue(name: str, **other: Any) -> dict[str, Any]:
    counts = {"waiting": 1, "free": 0, "talking": 1, "offered": 10, "answered": 8, "abandoned": 2, "in_time": 6}
    times = {"sites": [], "oldest_s": 990.0, "wait_sum_s": 80.0, "target_answer": 0.8, "target_within_s": 20.0}
    return {"name": name, **counts, **times, **other}


def agent(id: str, **other: Any) -> dict[str, Any]:
    where = {"id": id, "name": f"Operatore {id}", "site": "laquila", "phone": "p101", "reachable": True}
    now = {"chosen": "ready", "reason": "", "doing": "free", "since_s": 900.0, "until_s": None}
    return {**where, **now, "call": None, "queue": None, "asks_for_help": False, **other}


def call(id: str, **other: Any) -> dict[str, Any]:
    who = {"id": id, "service": "055055", "caller": "+39055123", "name": "Rossi", "language": "it", "agent": None}
    where = {"state": "queued", "since_s": 990.0, "arrived_s": 980.0, "step": None, "queue": "tributi", "position": 1}
    return {**who, **where, "rung": [], "why": "all busy", "on_hold": False, **other}


def snapshot() -> dict[str, Any]:
    return {
        "at_s": 1000.0,
        "instance": "e1",
        "configuration_at_s": 500.0,
        "nodes": {"main": {"connected": True, "since_s": 600.0}},
        "can_answer": True,
        "why_not": "",
        "queues": {"tributi": queue("tributi")},
        "agents": {"a1": agent("a1"), "a2": agent("a2", site="roma", chosen="paused", reason="pranzo")},
        "calls": {"c1": call("c1", name=HOSTILE), "c2": call("c2", name="Z" * 5000, position=2)},
        "totals": {
            "queues": {"tributi": {"offered": 100, "answered": 80, "abandoned": 20, "answered_in_time": 60}},
            "calls_by_outcome": {"answered": 80},
            "requests": 7,
            "events": 9,
            "loop_lag_s": 0.01,
        },
    }


class House:
    """A desk with a made-up engine behind a real door."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.now = snapshot()
        self.kept = Kept()
        self.commands: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        self.door = DoorServer(door_path(state), lambda: self.now, lambda name, args: self.commands[name](args))
        self.stop = asyncio.Event()
        self.web: httpx.AsyncClient

    def bearer(self, role: Role = Role.SUPERVISOR) -> dict[str, str]:
        return {"Authorization": f"Bearer {make_token(self.state, role)}"}

    async def until(self, status: int, path: str = "/healthz") -> httpx.Response:
        """Ask until the answer is `status`."""
        async with asyncio.timeout(WITHIN_S):
            while (answer := await self.web.get(path)).status_code != status:
                pass  # each turn is a request of its own
        return answer

    @asynccontextmanager
    async def listening(self, path: str, **headers: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
        """The server-sent events of `path`, as (event, data)."""
        async with asyncio.timeout(WITHIN_S), self.web.stream("GET", path, headers=headers) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield events_in(answer)


async def events_in(answer: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with serving(tmp_path) as house:
        yield house


@asynccontextmanager
async def serving(tmp_path: Path) -> AsyncIterator[House]:
    """A desk whose STATE is `tmp_path`, and whose YAML stands in `tmp_path/deployment`."""
    house = House(tmp_path)
    await house.door.start()
    listener = desk_process.listen_at("127.0.0.1", 0)
    place = desk_process.Place(tmp_path, tmp_path / "deployment")
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    running = asyncio.create_task(
        desk_process.run_desk(place, listener, Shelves(Live(), *6 * [house.kept]), house.stop)
    )
    async with httpx.AsyncClient(base_url=address, timeout=WITHIN_S) as house.web:
        await house.until(200)
        yield house
    house.stop.set()
    await asyncio.wait_for(running, WITHIN_S)
    await house.door.close()


# the page


async def test_the_page_shows_queues_agents_and_calls(house: House) -> None:
    page = (await house.web.get("/?lang=en")).text
    for shown in ("tributi", "Operatore a1", "+39055123", "tributi, place 1", "80 % within 20 s", "paused", "pranzo"):
        assert shown in page


async def test_the_page_shows_how_long_a_wrap_up_will_last(house: House) -> None:
    some_42_min_left = re.compile(r">4[12]:\d\d<")  # it runs down from the page's first word on
    page = (await house.web.get("/?lang=en")).text
    assert "for another" in page
    assert not some_42_min_left.search(page)
    house.now["agents"]["a1"] |= {"doing": "wrapping up", "until_s": house.now["at_s"] + 42 * 60}
    house.door.publish({"agents": {"a1": house.now["agents"]["a1"]}})
    async with asyncio.timeout(WITHIN_S):
        while not some_42_min_left.search((await house.web.get("/?lang=en")).text):
            pass  # each turn is a request of its own


async def test_a_hostile_name_is_shown_as_text_and_cut(house: House) -> None:
    page = (await house.web.get("/")).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "Z" * view.TEXT_LENGTH_MAX not in page
    assert "Z" * (view.TEXT_LENGTH_MAX - 1) + "…" in page


async def test_the_page_allows_no_script_but_its_own(house: House) -> None:
    answer = await house.web.get("/")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert " style=" not in answer.text
    assert "//" not in answer.text.replace("</", "").replace("/>", "")  # no address outside this house


async def test_what_the_page_needs_is_served(house: House) -> None:
    page = (await house.web.get("/")).text
    for name in ("now.js", "configuration.js", "now.css", "mark.svg"):
        address = page[page.index(f"/static/{name}") :].partition('"')[0]
        assert (await house.web.get(address)).status_code == 200


@pytest.mark.parametrize(
    ("query", "accept", "language"),
    [
        ("", "", "it"),
        ("", "en-GB,en;q=0.9,it;q=0.8", "en"),
        ("", "de, en;q=0.3, it;q=0.7", "it"),
        ("", "en;q=0, it;q=x", "it"),
        ("?lang=en", "it", "en"),
        ("?lang=xx", "en", "en"),
    ],
)
async def test_the_page_speaks_the_language_asked_for(house: House, query: str, accept: str, language: str) -> None:
    page = (await house.web.get(f"/{query}", headers={"accept-language": accept})).text
    assert f'<html lang="{language}">' in page


def test_an_endless_accept_language_header_is_not_read_to_the_end() -> None:
    assert choose_language(None, "de," * 100_000 + "en") == "it"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8055", "127.0.0.1.evil.example", "[::2]", ""])
async def test_a_foreign_host_name_is_refused(house: House, host: str) -> None:
    for path in ("/", "/live", "/metrics", "/api/v1/queues"):
        assert (await house.web.get(path, headers={"host": host})).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "localhost:8055", "127.0.0.1:8055", "[::1]:8055", "LOCALHOST"])
async def test_our_own_names_are_let_in(house: House, host: str) -> None:
    assert (await house.web.get("/", headers={"host": host})).status_code == 200


async def test_the_page_is_not_for_other_machines(house: House) -> None:
    passed_on = {"x-forwarded-for": "203.0.113.7"}
    assert (await house.web.get("/", headers=passed_on)).status_code == 403
    assert (await house.web.get("/live", headers=passed_on)).status_code == 403


async def test_the_page_is_told_what_changes(house: House) -> None:
    async with house.listening("/live?lang=en") as events:
        name, said = await anext(events)
        assert (name, [row["id"] for row in said["calls"]]) == ("whole", ["c1", "c2"])
        house.now["calls"].pop("c1")
        house.door.publish({"at_s": 1001.0, "calls": {"c1": None, "c3": call("c3", caller="")}})
        name, said = await anext(events)
        assert (name, said["gone"]["calls"]) == ("changed", ["c1"])
        assert [(row["id"], row["caller"]) for row in said["calls"]] == [("c3", "number withheld")]


async def test_the_page_is_told_when_the_engine_goes_and_comes_back(house: House) -> None:
    async with house.listening("/live") as events:
        await anext(events)
        await house.door.close()
        name, said = await anext(events)
        assert name == "away"
        assert "engine" in said["why"]
        assert "non risponde" in (await house.web.get("/")).text
        house.door = DoorServer(door_path(house.state), lambda: house.now, lambda name, args: {})
        await house.door.start()
        while (await anext(events))[0] != "whole":
            pass


# health and metrics


async def test_health_is_good_only_while_a_call_can_be_answered(house: House) -> None:
    assert (await house.web.get("/healthz")).json() == {"can_answer": True}
    house.now |= {"can_answer": False, "why_not": "Asterisk `main` is not connected"}
    answer = await house.web.get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"can_answer": False, "why": "Asterisk `main` is not connected"}


async def test_without_the_engine_health_is_bad_and_metrics_say_so(house: House) -> None:
    await house.door.close()
    assert "engine" in (await house.until(503)).json()["why"]
    assert "centralino_engine_connected 0.0" in (await house.web.get("/metrics")).text


async def test_a_frozen_engine_does_not_look_healthy(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_process, "ASK_WITHIN_S", 0.05)
    monkeypatch.setattr(DoorServer, "answer", lambda self, line: b"")
    assert "has not answered" in (await house.until(503)).json()["why"]


async def test_metrics_come_from_the_engines_totals(house: House) -> None:
    metrics = (await house.web.get("/metrics")).text
    for line in (
        'centralino_queue_calls_offered_total{queue="tributi"} 100.0',
        'centralino_queue_calls_waiting{queue="tributi"} 1.0',
        'centralino_queue_longest_wait_seconds{queue="tributi"} 10.0',
        'centralino_agents{chosen="paused",doing="free",site="roma"} 1.0',
        'centralino_calls_in_progress{state="queued"} 2.0',
        'centralino_calls_ended_total{outcome="answered"} 80.0',
        'centralino_node_connected{node="main"} 1.0',
        "centralino_can_answer 1.0",
    ):
        assert line in metrics
    assert "process_cpu_seconds_total" in metrics


def test_no_metric_names_a_caller_or_an_agent() -> None:
    page = exposition(snapshot(), "")[0].decode()
    assert "+39055123" not in page
    assert "Operatore" not in page


# the API


async def test_the_api_wants_a_token(house: House) -> None:
    for path in (
        "queues",
        "agents",
        "calls",
        "calls/c1",
        "own-calls",
        "own-calls/own-1",
        "cases",
        "cases/100016",
        "cases/100016/attachments/1",
        "reports/cases",
        "voicemails",
        "voicemails/c1/sound",
        "recordings",
        "recordings/sound?name=talks/hall/2026-11-23/c1-talk1",
        "knowledge?q=x",
        "knowledge/tari",
        "outdated-knowledge",
        "events",
    ):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
            answer = await house.web.get(f"/api/v1/{path}", headers=headers)
            assert answer.status_code == 401
            assert "centralino token" in answer.json()["error"]
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_attachment_is_given_out_to_be_saved_never_to_be_shown(house: House) -> None:
    bearer = house.bearer()
    given = await house.web.get("/api/v1/cases/100016/attachments/7?agent=a1", headers=bearer)
    assert (given.status_code, given.content) == (200, b"<script>")
    said = [given.headers[name] for name in ("content-type", "x-content-type-options", "cache-control")]
    assert said == ["application/octet-stream", "nosniff", "no-store"]
    assert given.headers["content-disposition"] == "attachment; filename*=UTF-8''evil%0D%0AX%3A%20%22%3B.html"
    assert house.kept.asked[-1] == ("100016", 7, "api (127.0.0.1", "a1")
    for id, code in (("8", 409), ("0", 422), ("x", 422), ("99999999999999999999", 422)):
        assert (await house.web.get(f"/api/v1/cases/100016/attachments/{id}", headers=bearer)).status_code == code


async def test_a_wallboard_may_see_queues_but_no_callers(house: House) -> None:
    bearer = house.bearer(Role.WALLBOARD)
    assert (await house.web.get("/api/v1/queues", headers=bearer)).json()["queues"][0]["name"] == "tributi"
    messages = (
        "voicemails",
        "voicemails/c1/sound",
        "cases/100016/attachments/1",
        "recordings",
        "recordings/sound?name=x",
    )
    for path in (
        "calls",
        "calls/c1",
        "own-calls",
        "own-calls/own-1",
        "cases",
        "cases/100016",
        "reports/cases",
        *messages,
        "events",
    ):
        answer = await house.web.get(f"/api/v1/{path}", headers=bearer)
        assert answer.status_code == 403
        assert "wallboard" in answer.json()["error"]


async def test_the_api_gives_what_is_live_and_what_is_kept(house: House) -> None:
    bearer = house.bearer()
    calls = (await house.web.get("/api/v1/calls?limit=7", headers=bearer)).json()
    assert [one["id"] for one in calls["now"]] == ["c1", "c2"]
    assert calls["now"][0]["name"] == HOSTILE  # JSON, whole, as it came
    assert calls["recent"][0]["arrived_at"] == "2026-11-22T10:00:00Z"
    assert house.kept.asked == [7]
    agents = (await house.web.get("/api/v1/agents?site=roma", headers=bearer)).json()["agents"]
    assert [one["id"] for one in agents] == ["a2"]
    cases = (await house.web.get("/api/v1/cases?state=closed", headers=bearer)).json()
    assert cases == {"cases": [{"id": "100016", "state": "closed", "clock": None, "history": []}]}


async def test_one_call_is_found_live_or_kept_or_not_at_all(house: House) -> None:
    bearer = house.bearer()
    live = (await house.web.get("/api/v1/calls/c1", headers=bearer)).json()
    assert (live["now"]["state"], live["call"]) == ("queued", None)
    kept = (await house.web.get("/api/v1/calls/old-1", headers=bearer)).json()
    assert (kept["now"], kept["call"]["id"], kept["events"][0]["kind"]) == (None, "old-1", "CallArrived")
    answer = await house.web.get("/api/v1/calls/none", headers=bearer)
    assert (answer.status_code, answer.json()) == (404, {"error": "there is no call `none`"})


async def test_calls_that_agents_made_are_listed_and_each_has_its_trail(house: House) -> None:
    bearer = house.bearer()
    kept = {"id": "own-1", "agent": "a1"}
    assert (await house.web.get("/api/v1/own-calls", headers=bearer)).json() == {"own_calls": [kept]}
    one = (await house.web.get("/api/v1/own-calls/own-1", headers=bearer)).json()
    assert one == {"call": kept, "events": [{"n": 1, "kind": "CallArrived"}]}
    answer = await house.web.get("/api/v1/own-calls/none", headers=bearer)
    assert (answer.status_code, answer.json()) == (404, {"error": "no agent made a call `none`"})


async def test_a_form_is_taken_in_through_the_api(house: House) -> None:
    bearer, form = (
        house.bearer(Role.SUPERVISOR),
        {"channel": "form", "words": HOSTILE, "entity": "city", "phone": "+39055"},
    )
    taken = await house.web.post("/api/v1/cases", headers=bearer, json=form)
    assert (taken.status_code, taken.json()["id"]) == (201, "200014")
    written = house.kept.asked[-1]
    assert isinstance(written, dict)
    assert (written["channel"], written["words"], written["phone"]) == ("form", HOSTILE, "+39055")
    assert written["by"].startswith("api (")
    for wrong in ({"channel": "pigeon"}, {"words": "x" * 20_001}, {"by": "me"}, {"subject": "x" * 201}):
        assert (await house.web.post("/api/v1/cases", headers=bearer, json=form | wrong)).status_code == 422
    assert (await house.web.post("/api/v1/cases", json=form)).status_code == 401


async def test_people_work_on_cases_through_the_api_and_are_told_why_not(house: House) -> None:
    bearer = house.bearer(Role.SUPERVISOR)
    one = await house.web.get("/api/v1/cases/100016", headers=bearer)
    assert (one.json()["id"], one.json()["history"]) == ("100016", [])
    assert (await house.web.get("/api/v1/cases/7", headers=bearer)).status_code == 404
    done = await house.web.post("/api/v1/cases/100016/hand-over", headers=bearer, json={"words": "x", "to": "a/b"})
    assert (done.status_code, done.json()["state"]) == (200, "open")
    number, act, asked = house.kept.asked[-1]  # type: ignore[misc]
    assert (number, act, asked["to"]) == ("100016", "hand-over", "a/b")
    assert asked["by"].startswith("api (127.0.0.1:")
    split = {"words": "x", "contacts": [2, 3]}
    assert (await house.web.post("/api/v1/cases/100016/split", headers=bearer, json=split)).status_code == 200
    assert house.kept.asked[-1][2]["contacts"] == {2, 3}
    for odd in ({"contacts": [0]}, {"contacts": "2"}, {"region": "Padania"}, {"requester": "king"}):
        answer = await house.web.post("/api/v1/cases/100016/classify", headers=bearer, json=odd)
        assert answer.status_code == 422
    refused = await house.web.post("/api/v1/cases/100016/note", headers=bearer, json={})
    assert (refused.status_code, refused.json()["error"]) == (409, "`note` needs words")
    for act, wrong in (
        ("burn", {}),
        ("note", {"words": "x" * 20_001}),
        ("note", {"by": "me"}),
        ("classify", {"kind": 1}),
    ):
        assert (await house.web.post(f"/api/v1/cases/1/{act}", headers=bearer, json=wrong)).status_code == 422
    for role, code in ((Role.WALLBOARD, 403), (None, 401)):
        told = await house.web.post(
            "/api/v1/cases/1/note", headers=house.bearer(role) if role else {}, json={"words": "x"}
        )
        assert told.status_code == code


async def test_recordings_are_listed_by_the_api_and_talks_listened_to_on_record(house: House) -> None:
    bearer = house.bearer(Role.SUPERVISOR)
    listed = await house.web.get("/api/v1/recordings?queue=hall&deleted=true", headers=bearer)
    assert listed.json()["recordings"][0]["standing"] == "kept"
    assert house.kept.asked[-1] == ("hall", False, True)
    name = "talks/hall/2026-11-23/c1-talk1"
    sound = await house.web.get(f"/api/v1/recordings/sound?name={name}&agent=a1", headers=bearer)
    assert (sound.content, sound.headers["cache-control"]) == (b"RIFF", "no-store")
    assert house.kept.asked[-1] == (name, "api (127.0.0.1", "a1")
    refused = await house.web.get("/api/v1/recordings/sound?name=c7", headers=bearer)
    assert (refused.status_code, refused.json()["error"]) == (409, "there is no recording `c7`")


async def test_people_work_through_messages_by_the_api_and_listen_on_record(house: House) -> None:
    bearer = house.bearer(Role.SUPERVISOR)
    listed = (await house.web.get("/api/v1/voicemails?box=tributi", headers=bearer)).json()
    assert listed == {"voicemails": [{"call": "c1", "box": "tributi"}]}
    assert house.kept.asked[-1] == ("to be worked through", "tributi")
    newest = (await house.web.get("/api/v1/voicemails?all=true", headers=bearer)).json()["voicemails"]
    assert [one["call"] for one in newest] == ["c2", "c1"]
    done = await house.web.post(
        "/api/v1/voicemails/c1/done", headers=bearer, json={"how": "called-back", "agent": "a1"}
    )
    assert (done.status_code, done.json()["call"]) == (200, "c1")
    call, act, asked = house.kept.asked[-1]  # type: ignore[misc]
    assert (call, act, asked["how"], asked["agent"]) == ("c1", "done", "called-back", "a1")
    refused = await house.web.post("/api/v1/voicemails/c7/claim", headers=bearer, json={})
    assert (refused.status_code, refused.json()["error"]) == (409, "no message was left in a call `c7`")
    for act, wrong in (("burn", {}), ("listen", {}), ("done", {"how": "burnt"}), ("claim", {"by": "me"})):
        assert (await house.web.post(f"/api/v1/voicemails/c1/{act}", headers=bearer, json=wrong)).status_code == 422
    sound = await house.web.get("/api/v1/voicemails/c1/sound?agent=a1", headers=bearer)
    assert (sound.content, sound.headers["content-type"], sound.headers["cache-control"]) == (
        b"RIFF",
        "audio/wav",
        "no-store",
    )
    assert house.kept.asked[-1] == ("c1", "listen", "api (127.0.0.1", "a1")
    for role, code in ((Role.WALLBOARD, 403), (None, 401)):
        told = await house.web.post("/api/v1/voicemails/c1/claim", headers=house.bearer(role) if role else {}, json={})
        assert told.status_code == code


async def test_the_api_searches_the_knowledge_base_and_gives_a_sheet(house: House) -> None:
    bearer = house.bearer()

    async def got(path: str) -> tuple[int, Any]:
        answer = await house.web.get(f"/api/v1/{path}", headers=bearer)
        return answer.status_code, answer.json()

    found = await got("knowledge?q=tasse+rifiuti&entity=city&kind=faq&limit=3")
    assert found == (200, {"sheets": [{"id": "tari", "title": "TARI", "snippet": "la **tassa**"}]})
    assert house.kept.asked[-1] == ("tasse rifiuti", "city", "faq", 3)
    assert await got("knowledge/tari") == (200, {"id": "tari", "body": "La tassa."})
    assert await got("knowledge/nobody") == (404, {"error": "there is no sheet `nobody`"})
    assert await got("outdated-knowledge") == (200, {"sheets": [{"id": "old", "owner": "Anagrafe"}]})
    assert await got("knowledge?q=%20") == (409, {"error": "there is no word to look for"})
    for wrong in ("knowledge", "knowledge?q=x&kind=novel", "knowledge?q=x&limit=0", f"knowledge?q={'x' * 201}"):
        assert (await got(wrong))[0] == 422


@pytest.mark.parametrize(
    "path", ["calls?limit=0", "calls?limit=501", "calls?limit=x", "cases?limit=-1", "cases?state=lost"]
)
async def test_parameters_out_of_bounds_are_refused(house: House, path: str) -> None:
    answer = await house.web.get(f"/api/v1/{path}", headers=house.bearer())
    assert answer.status_code == 422
    assert path.partition("?")[2].partition("=")[0] in answer.json()["error"]


async def test_without_the_engine_the_api_says_so_and_still_gives_what_is_kept(house: House) -> None:
    bearer = house.bearer()
    await house.door.close()
    await house.until(503, "/healthz")
    answer = await house.web.get("/api/v1/queues", headers=bearer)
    assert answer.status_code == 503
    assert "the engine is away" in answer.json()["error"]
    assert (await house.web.get("/api/v1/calls", headers=bearer)).json()["now"] == []


async def test_without_the_database_the_api_says_so(house: House) -> None:
    house.kept.away = True
    answer = await house.web.get("/api/v1/calls", headers=house.bearer())
    assert (answer.status_code, answer.json()) == (503, {"error": "the database cannot be asked now"})


async def test_the_api_streams_changes(house: House) -> None:
    async with house.listening("/api/v1/events", **house.bearer()) as events:
        assert (await anext(events))[0] == "snapshot"
        house.door.publish({"at_s": 1002.0, "queues": {"tributi": queue("tributi", waiting=9)}})
        name, said = await anext(events)
        assert (name, said["queues"]["tributi"]["waiting"]) == ("changes", 9)


async def test_the_api_describes_itself_without_a_token(house: House) -> None:
    answer = await house.web.get("/api/openapi.json")
    assert answer.status_code == 200
    assert "/api/v1/calls/{id}" in answer.json()["paths"]
    assert (await house.web.get("/nothing")).json() == {"error": "Not Found"}


# tokens


def test_a_token_is_kept_as_a_fingerprint_for_its_owner_only(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    assert tokens.check("") is None
    token = make_token(tmp_path, Role.ADMIN)
    assert tokens.check(token) is Role.ADMIN
    assert token not in tokens_path(tmp_path).read_text()
    assert stat.S_IMODE(tokens_path(tmp_path).stat().st_mode) == 0o600


def test_a_new_token_is_valid_at_once_and_a_removed_one_no_more(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    first, second = make_token(tmp_path, Role.ADMIN), make_token(tmp_path, Role.WALLBOARD)
    assert (tokens.check(first), tokens.check(second)) == (Role.ADMIN, Role.WALLBOARD)
    os.unlink(tokens_path(tmp_path))
    assert (tokens.check(first), tokens.check(second)) == (None, None)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"tokens": [{}]}', '{"tokens": [{"sha256": "", "role": "king"}]}'])
def test_a_broken_file_lets_nobody_in(tmp_path: Path, text: str) -> None:
    tokens_path(tmp_path).write_text(text)
    assert Tokens(tmp_path).check("") is None


# the live state and the rows


async def test_a_watcher_far_behind_begins_anew() -> None:
    live = Live()
    live.arrived(snapshot())
    news = live.watch()
    assert isinstance(await anext(news), Whole)
    live.changed({"calls": {"c1": None}})
    live.changed({"calls": {"c2": None}})
    assert await anext(news) == Changed({"calls": {"c1": None, "c2": None}})
    for n in range(ROWS_BEHIND_MAX + 2):
        live.changed({"calls": {f"c{n}": None}})
    assert isinstance(await anext(news), Whole)


def test_marks_that_turn_the_writing_round_are_not_shown() -> None:
    assert view.shown("a\u202eb\x00c\r\nd") == "a b c d"


@pytest.mark.parametrize(
    ("chosen", "doing", "shown"),
    [
        ("ready", "free", "free"),
        ("paused", "free", "paused"),
        ("paused", "talking", "talking"),
        ("ready", "new", "new"),
    ],
)
def test_what_calls_cause_is_shown_before_what_the_agent_chose(chosen: str, doing: str, shown: str) -> None:
    assert view.agent_row(agent("a1", chosen=chosen, doing=doing), Texts("en"))["state"] == shown


def test_a_caller_who_hears_music_while_the_agent_has_them_is_shown_so() -> None:
    row = call("c1", state="talking", on_hold=True)
    assert [view.call_row(row, {}, Texts(language))["state"] for language in ("en", "it")] == [
        "on hold",
        "in attesa dell'operatore",
    ]


@pytest.mark.parametrize(("rung", "shown"), [([], ""), (["a1", "a2"], "2 phones ring")])
def test_where_several_phones_ring_for_a_call_their_number_is_shown(rung: list[str], shown: str) -> None:
    assert view.call_row(call("c1", rung=rung), {}, Texts("en"))["agent"] == shown


@pytest.mark.parametrize(("seconds", "shown"), [(-3, "0:00"), (75.9, "1:15"), (3675, "1:01:15")])
def test_durations_read_as_on_a_clock(seconds: float, shown: str) -> None:
    assert view.clock(seconds) == shown


# the process

PROGRAM = """
import sys
from pathlib import Path
from centralino import desk
listener = desk.listen_at("127.0.0.1", 0)
listener.listen()  # from here on a visitor can wait for the rest
print("http://127.0.0.1:%d" % listener.getsockname()[1], flush=True)
desk.listen_at = lambda host, port: listener
place = desk.Place(Path(sys.argv[1]), Path(sys.argv[1]) / "deployment")
sys.exit(desk.serve(place, f"sqlite+aiosqlite:///{sys.argv[1]}/centralino.db"))
"""


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
async def test_told_to_stop_the_desk_ends_cleanly_also_with_a_page_open(tmp_path: Path, told: signal.Signals) -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(tmp_path), stdout=PIPE, stderr=PIPE
    )
    try:
        assert program.stdout is not None
        line = await asyncio.wait_for(program.stdout.readline(), 4 * WITHIN_S)
        async with (
            httpx.AsyncClient(timeout=4 * WITHIN_S) as web,
            web.stream("GET", f"{line.decode().strip()}/live") as answer,
        ):
            events = events_in(answer)  # held: the stream would close with it
            assert (await anext(events))[0] == "away"
            started_s = asyncio.get_running_loop().time()
            program.send_signal(told)
            _, said = await asyncio.wait_for(program.communicate(), WITHIN_S)
        assert asyncio.get_running_loop().time() - started_s < 2.5
        assert b"Traceback" not in said
        assert b"exceeded" not in said  # the page's stream ended by itself; the web server did not have to cut it
        assert program.returncode == 0
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()


def test_a_taken_port_is_named() -> None:
    with desk_process.listen_at("127.0.0.1", 0) as listener:
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(desk_process.PortTaken, match=str(port)):
            desk_process.listen_at("127.0.0.1", port)


def test_every_reason_of_the_floor_has_italian_words() -> None:
    italian, english = Texts("it"), Texts("en")
    for why in Why:
        assert italian.why(why) != why
        assert english.why(why) == why


def test_a_queue_says_which_further_site_is_open_and_why() -> None:
    site = {"site": "roma", "is_open": True, "since_s": 1.0, "why": Why.MANY_WAIT, "held": "by rule", "by": ""}
    row = queue("civile", sites=[site, site | {"site": "milano", "is_open": False}])
    assert queue_row(row, Texts("it"))["sites"] == "aperta anche roma: molte persone sono in attesa"
    assert queue_row(row, Texts("en"))["sites"] == "roma is open too: many callers wait"


# commands


@pytest.mark.parametrize(
    ("where", "asked", "command", "args"),
    [
        ("agents/a1/in", {"phone": "p9"}, "agents.in", {"agent": "a1", "phone": "p9", "reason": ""}),
        ("agents/a1/ready", None, "agents.ready", {"agent": "a1", "phone": "", "reason": ""}),
        ("agents/a1/pause", {"reason": "1"}, "agents.pause", {"agent": "a1", "phone": "", "reason": "1"}),
        ("agents/a1/wrap-up", {"longer_s": 90}, "agents.extend", {"agent": "a1", "longer_s": 90.0}),
        ("calls/c1/transfer", {"to": "x"}, "calls.transfer", {"call": "c1", "to": "x", "note": ""}),
        (
            "calls/c1/listen",
            {"supervisor": "s1", "how": "barge"},
            "calls.listen",
            {"call": "c1", "as": "s1", "how": "barge", "phone": ""},
        ),
    ],
)
async def test_a_command_is_handed_to_the_engine_with_who_asked(
    house: House, where: str, asked: dict[str, Any] | None, command: str, args: dict[str, Any]
) -> None:
    told: list[dict[str, Any]] = []
    answer = {**agent("a1"), "call": "c1", "to": "x", "supervisor": "s1", "how": "barge", "phone": "p9"}

    def carry_out(given: dict[str, Any]) -> dict[str, Any]:
        told.append(given)
        return answer

    house.commands[command] = carry_out
    reply = await house.web.post(f"/api/v1/{where}", json=asked, headers=house.bearer(Role.SUPERVISOR))
    assert reply.status_code == 200, reply.text
    assert told[0].pop("by").startswith("api (127.0.0.1:")
    assert told == [args]
    assert reply.json().items() <= answer.items()
    for headers, status in ((house.bearer(Role.WALLBOARD), 403), ({}, 401)):
        reply = await house.web.post(f"/api/v1/{where}", json=asked, headers=headers)
        assert (reply.status_code, "error" in reply.json()) == (status, True)
    assert len(told) == 1, "nobody else's was carried out"


@pytest.mark.parametrize(
    ("where", "asked", "status"),
    [
        ("agents/a1/in", {}, 409),
        ("agents/a1/dance", {}, 422),
        ("agents/a1/pause", {"reason": "r" * 101}, 422),
        ("agents/a1/pause", {"until": "noon"}, 422),
        ("agents/a1/wrap-up", {"longer_s": 0}, 422),
        ("agents/a1/wrap-up", {"longer_s": "NaN"}, 422),
        ("calls/c1/transfer", {}, 422),
        ("calls/c1/listen", {"supervisor": "s1", "how": "shout"}, 422),
    ],
)
async def test_a_command_that_cannot_be_is_refused_in_a_sentence(
    house: House, where: str, asked: dict[str, Any], status: int
) -> None:
    def refuse(args: dict[str, Any]) -> dict[str, Any]:
        raise CommandRefused("a1 is ready already")

    house.commands["agents.in"] = refuse
    reply = await house.web.post(f"/api/v1/{where}", json=asked, headers=house.bearer())
    assert (reply.status_code, "error" in reply.json()) == (status, True), reply.text


# what is said of a call


async def test_what_is_said_of_a_call_is_handed_to_the_engine_and_its_answer_given(house: House) -> None:
    asked: list[dict[str, Any]] = []

    def dispose(args: dict[str, Any]) -> dict[str, Any]:
        asked.append(args)
        return {key: args[key] for key in ("call", "kind", "topic", "level", "agent")}

    house.commands["calls.dispose"] = dispose
    said = {"kind": "complaint", "topic": "tari", "level": "solved", "agent": "a1"}
    reply = await house.web.post("/api/v1/calls/c1/disposition", json=said, headers=house.bearer())
    assert (reply.status_code, reply.json()) == (200, {"call": "c1", **said})
    assert asked[0].pop("by").startswith("api (127.0.0.1:")
    assert asked == [{"call": "c1", **said}]


@pytest.mark.parametrize(
    ("said", "role", "status"),
    [
        ({"kind": "complaint"}, Role.WALLBOARD, 403),
        ({"kind": "complaint"}, None, 401),
        ({"kind": "anger"}, Role.ADMIN, 422),
        ({}, Role.ADMIN, 422),
        ({"kind": "complaint", "by": "me"}, Role.ADMIN, 422),
        ({"kind": "complaint", "topic": "t" * 65}, Role.ADMIN, 422),
        ({"kind": "complaint"}, Role.ADMIN, 409),
    ],
)
async def test_what_may_not_be_said_of_a_call_is_refused(
    house: House, said: dict[str, str], role: Role | None, status: int
) -> None:
    def refuse(args: dict[str, Any]) -> dict[str, Any]:
        raise CommandRefused("there is no call c1")

    house.commands["calls.dispose"] = refuse
    headers = house.bearer(role) if role else {}
    reply = await house.web.post("/api/v1/calls/c1/disposition", json=said, headers=headers)
    assert (reply.status_code, "error" in reply.json()) == (status, True)


# what is done about an agent


async def test_an_agent_is_reset_by_the_engine_for_whoever_asks(house: House) -> None:
    asked: list[dict[str, Any]] = []

    def reset(args: dict[str, Any]) -> dict[str, Any]:
        asked.append(args)
        return {"id": "a1", "held": ["talking in c1"], "chosen": "signed out", "doing": "free", "name": "Ada"}

    house.commands["agents.reset"] = reset
    reply = await house.web.post("/api/v1/agents/a1/reset", json={"then": "out"}, headers=house.bearer())
    left = {"id": "a1", "held": ["talking in c1"], "chosen": "signed out", "doing": "free"}
    assert (reply.status_code, reply.json()) == (200, left)
    assert asked[0].pop("by").startswith("api (127.0.0.1:")
    assert asked == [{"agent": "a1", "then": "out"}]


@pytest.mark.parametrize(
    ("said", "role", "status"),
    [
        ({}, Role.WALLBOARD, 403),
        ({}, None, 401),
        ({"then": "paused"}, Role.ADMIN, 422),
        ({}, Role.ADMIN, 409),
    ],
)
async def test_an_agent_who_may_not_be_reset_is_not(
    house: House, said: dict[str, str], role: Role | None, status: int
) -> None:
    def refuse(args: dict[str, Any]) -> dict[str, Any]:
        raise CommandRefused("there is no agent a1")

    house.commands["agents.reset"] = refuse
    headers = house.bearer(role) if role else {}
    reply = await house.web.post("/api/v1/agents/a1/reset", json=said, headers=headers)
    assert (reply.status_code, "error" in reply.json()) == (status, True)


async def test_a_call_is_placed_by_the_engine_for_an_agent(house: House) -> None:
    asked: list[dict[str, Any]] = []

    def call(args: dict[str, Any]) -> dict[str, Any]:
        asked.append(args)
        return {"call": "main-a1-1-click1", "agent": "a1", "phone": "p101", "number": args["number"]}

    house.commands["agents.call"] = call
    reply = await house.web.post("/api/v1/agents/a1/call", json={"number": "0552345678"}, headers=house.bearer())
    rings = {"call": "main-a1-1-click1", "agent": "a1", "phone": "p101", "number": "0552345678"}
    assert (reply.status_code, reply.json()) == (200, rings)
    assert asked[0].pop("by").startswith("api (127.0.0.1:")
    assert asked == [{"agent": "a1", "number": "0552345678", "entity": ""}]


@pytest.mark.parametrize(
    ("said", "role", "status"),
    [
        ({"number": "1002"}, Role.WALLBOARD, 403),
        ({"number": ""}, Role.ADMIN, 422),
        ({"number": "1" * 41}, Role.ADMIN, 422),
        ({}, Role.ADMIN, 422),
        ({"number": "1002"}, Role.ADMIN, 409),
    ],
)
async def test_a_call_that_cannot_be_placed_is_refused(
    house: House, said: dict[str, str], role: Role, status: int
) -> None:
    def refuse(args: dict[str, Any]) -> dict[str, Any]:
        raise CommandRefused("a1 has a call")

    house.commands["agents.call"] = refuse
    reply = await house.web.post("/api/v1/agents/a1/call", json=said, headers=house.bearer(role))
    assert (reply.status_code, "error" in reply.json()) == (status, True)

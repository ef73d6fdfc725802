"""The door: what visitors hear, what they may ask, and what they can not do to the engine."""

import asyncio
import json
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from centralino import door
from centralino.door import CommandRefused, DoorClient, DoorServer, DoorTaken, EngineAway

WITHIN_S = 5.0


class Engine:
    """What stands behind a door in these tests."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {
            "at_s": 1.0,
            "can_answer": True,
            "queues": {},
            "agents": {},
            "calls": {},
            "nodes": {},
        }
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def snapshot(self) -> dict[str, Any]:
        return self.state

    def command(self, name: str, args: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((name, args))
        if name == "agents.ready":
            return {"agent": args["agent"]}
        raise CommandRefused(f"there is no command `{name}`")


class Told:
    """A follower that keeps what it was told, and lets a test wait for it."""

    def __init__(self) -> None:
        self.batches: list[dict[str, Any]] = []
        self.arrivals = 0
        self.why_away = ""
        self._news = asyncio.Event()

    def arrived(self, snapshot: dict[str, Any]) -> None:
        self.arrivals += 1
        self._news.set()

    def changed(self, changes: dict[str, Any]) -> None:
        self.batches.append(changes)
        self._news.set()

    def away(self, why: str) -> None:
        self.why_away = why
        self._news.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not is_so():
                self._news.clear()
                await self._news.wait()


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return door.door_path(tmp_path)


@pytest_asyncio.fixture
async def server(engine: Engine, path: Path) -> AsyncIterator[DoorServer]:
    server = DoorServer(path, engine.snapshot, engine.command)
    await server.start()
    yield server
    await server.close()


async def say(path: Path, line: bytes) -> dict[str, Any]:
    """Send one raw line and give the answer to it."""
    async with asyncio.timeout(WITHIN_S):
        reader, writer = await asyncio.open_unix_connection(path, limit=door.LINE_BYTES_MAX)
        await reader.readline()
        writer.write(line)
        answer: dict[str, Any] = json.loads(await reader.readline())
        writer.close()
    return answer


def mode_of(path: Path) -> int | None:
    """The mode of what stands at `path`; None: nothing does."""
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else None


async def test_a_visitor_is_told_what_is_true_and_then_what_changes(server: DoorServer, path: Path) -> None:
    told = Told()
    client = DoorClient(path, told)
    await client.connect()
    assert client.snapshot["can_answer"] is True
    server.publish({"at_s": 2.0, "calls": {"c1": {"id": "c1", "state": "queued"}}})
    await told.until(lambda: bool(told.batches))
    assert client.snapshot["calls"] == {"c1": {"id": "c1", "state": "queued"}}
    server.publish({"calls": {"c1": None}})
    await told.until(lambda: len(told.batches) == 2)
    assert client.snapshot["calls"] == {}
    await client.close()


async def test_many_changes_at_once_leave_as_one_batch_in_which_the_last_row_wins(
    server: DoorServer, path: Path
) -> None:
    told = Told()
    client = DoorClient(path, told)
    await client.connect()
    for n in range(100):
        server.publish({"queues": {"tributi": {"waiting": n}}, "at_s": float(n)})
    await told.until(lambda: bool(told.batches))
    assert told.batches == [{"queues": {"tributi": {"waiting": 99}}, "at_s": 99.0}]
    await client.close()


async def test_batches_keep_their_distance(server: DoorServer, path: Path) -> None:
    told = Told()
    client = DoorClient(path, told)
    await client.connect()
    started_s = asyncio.get_running_loop().time()
    for n in range(1, 5):
        server.publish({"at_s": float(n)})
        await told.until(lambda n=n: len(told.batches) == n)  # type: ignore[misc]
    assert asyncio.get_running_loop().time() - started_s >= 3 * door.BATCH_EVERY_S * 0.95
    await client.close()


async def test_a_command_is_answered_with_its_result(server: DoorServer, engine: Engine, path: Path) -> None:
    client = DoorClient(path)
    await client.connect()
    assert await client.command("agents.ready", agent="a1001", by="cli") == {"agent": "a1001"}
    assert engine.asked == [("agents.ready", {"agent": "a1001", "by": "cli"})]
    await client.close()


async def test_a_refused_command_says_why(server: DoorServer, path: Path) -> None:
    client = DoorClient(path)
    await client.connect()
    with pytest.raises(CommandRefused, match="there is no command `dance`"):
        await client.command("dance")
    await client.close()


async def test_a_command_that_fails_by_our_fault_is_answered_and_logged(
    server: DoorServer, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = DoorClient(path)
    await client.connect()
    with pytest.raises(CommandRefused, match="the engine failed at"):
        await client.command("agents.ready")  # no agent: a KeyError in the engine
    assert "KeyError" in caplog.text
    assert await client.command("agents.ready", agent="a1") == {"agent": "a1"}
    await client.close()


@pytest.mark.parametrize(
    "line",
    [b"\n", b"hello\n", b"[]\n", b"\xff\xfe\n", b'{"id":1}\n', b'{"id":"1","command":[]}\n', b"[" * 100_000 + b"\n"],
    ids=["empty", "no JSON", "a list", "no UTF-8", "no command", "a list for a command", "deeply nested"],
)
async def test_what_is_no_request_is_answered_with_an_error(server: DoorServer, path: Path, line: bytes) -> None:
    answer = await say(path, line)
    assert answer["ok"] is False
    assert "this is no request" in answer["error"]


async def test_an_endless_line_is_cut_off(server: DoorServer, path: Path) -> None:
    answer = await say(path, b"x" * (door.LINE_BYTES_MAX + 1))
    assert "longer than" in answer["error"]


async def test_the_socket_is_for_its_owner_only_and_goes_with_the_engine(server: DoorServer, path: Path) -> None:
    assert mode_of(path) == 0o600
    await server.close()
    assert mode_of(path) is None


async def test_the_socket_of_a_killed_engine_is_replaced(engine: Engine, path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    server = DoorServer(path, engine.snapshot, engine.command)
    await server.start()
    client = DoorClient(path)
    await client.connect()
    await client.close()
    await server.close()


async def test_a_second_engine_is_refused(server: DoorServer, engine: Engine, path: Path) -> None:
    with pytest.raises(DoorTaken, match="another engine is running"):
        await DoorServer(path, engine.snapshot, engine.command).start()


async def test_an_old_engine_leaves_the_socket_of_the_new_one_alone(
    server: DoorServer, engine: Engine, path: Path
) -> None:
    os.unlink(path)
    new = DoorServer(path, engine.snapshot, engine.command)
    await new.start()
    await server.close()
    assert mode_of(path) == 0o600
    await new.close()


async def test_without_an_engine_the_visitor_is_told_so(path: Path) -> None:
    with pytest.raises(EngineAway, match="the engine is not running"):
        await DoorClient(path).connect()


async def test_an_engine_that_does_not_answer_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "ANSWER_WITHIN_S", 0.05)
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as frozen:
        frozen.bind(str(path))
        frozen.listen()
        with pytest.raises(EngineAway, match="does not answer within"):
            await DoorClient(path).connect()


async def test_a_request_to_a_frozen_engine_has_a_deadline(
    server: DoorServer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "ANSWER_WITHIN_S", 0.05)
    monkeypatch.setattr(DoorServer, "answer", lambda self, line: b"")
    client = DoorClient(path)
    await client.connect()
    with pytest.raises(EngineAway, match="has not answered"):
        await client.command("agents.ready", agent="a1")
    await client.close()


async def test_a_request_ends_when_the_engine_goes(
    server: DoorServer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DoorServer, "answer", lambda self, line: b"")
    client = DoorClient(path)
    await client.connect()
    asking = asyncio.ensure_future(client.command("agents.ready", agent="a1"))
    asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(server.close()))
    with pytest.raises(EngineAway, match="engine"):
        await asyncio.wait_for(asking, WITHIN_S)


async def test_a_visitor_who_does_not_read_is_dropped_and_the_others_go_on(
    server: DoorServer, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(door, "UNREAD_BYTES_MAX", 500_000)
    _, sleeper = await asyncio.open_unix_connection(path)
    sleeper.transport.pause_reading()  # type: ignore[attr-defined]
    told = Told()
    client = DoorClient(path, told)
    await client.connect()
    with caplog.at_level(logging.WARNING):
        for n in range(1, 11):
            server.publish({"calls": {"c1": {"name": "x" * 200_000, "n": n}}})
            await told.until(lambda n=n: len(told.batches) == n)  # type: ignore[misc]
    assert caplog.text.count("a visitor was dropped") == 1
    assert client.connected
    sleeper.close()
    await client.close()


async def test_a_snapshot_too_long_for_a_line_arrives_in_parts(
    server: DoorServer, engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "LINE_BYTES_MAX", 20_000)
    engine.state["calls"] = {f"c{n}": {"name": "x" * 5000} for n in range(50)}
    told = Told()
    client = DoorClient(path, told)
    await client.connect()
    await told.until(lambda: len(client.snapshot["calls"]) == 50)
    assert client.snapshot["calls"] == engine.state["calls"]
    await client.close()


async def test_a_follower_comes_back_when_the_engine_does(
    server: DoorServer, engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "RECONNECT_PAUSE_S", 0.01)
    told = Told()
    following = asyncio.create_task(DoorClient(path, told).follow())
    await told.until(lambda: told.arrivals == 1)
    await server.close()
    await told.until(lambda: "engine is not running" in told.why_away)
    again = DoorServer(path, engine.snapshot, engine.command)
    await again.start()
    await told.until(lambda: told.arrivals == 2)
    following.cancel()
    await asyncio.wait([following], timeout=WITHIN_S)
    await again.close()

"""The command that exports or erases a person, at an installation whose engine answers at its door."""

import asyncio
import stat
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from centralino import personal_data
from centralino.book import Book
from centralino.cli import app
from centralino.database import database_url
from centralino.door import DoorServer, door_path
from centralino.state import House as HouseState
from tests.core.test_voicemails import leave_message
from tests.records import arrival, end, opened_house

ROOT = Path(__file__).parents[2]
NUMBER, CALLING = "+393331234567", "+393337654321"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """NUMBER left a message, which is an open case; CALLING's call goes on; somebody else wrote nothing."""

    async def fill() -> None:
        async with opened_house(tmp_path, database_url("sqlite", tmp_path)) as house:
            leave_message(house, "c1")
            house.tell(arrival("c2", house.caller(CALLING)))
            house.tell(arrival("c3", house.caller("+39055123456")), end("c3"))
            await house.projected()

    asyncio.run(fill())
    return tmp_path


@pytest.fixture
def engine(state: Path) -> Iterator[Path]:
    """An engine of which only the door and what is behind it for persons is there."""
    ready, stop, loop = threading.Event(), asyncio.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        async with opened_house(state, database_url("sqlite", state)) as house:
            book = Book(HouseState(), house.journal.append)

            def command(name: str, args: dict[str, Any]) -> dict[str, Any]:
                if name == "call_backs.list":
                    return {"call_backs": []}
                return personal_data.carry_out(name.removeprefix("people."), args, house.people, book)

            door = DoorServer(door_path(state), lambda: {"at_s": house.clock.now_s()}, command)
            await door.start()
            ready.set()
            await stop.wait()
            await door.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    yield state
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


def centralino(state: Path, *words: str, types: str = "") -> tuple[int, str]:
    told = CliRunner().invoke(app, [*words, "--config", str(ROOT), "--state", str(state)], input=types)
    return told.exit_code, told.output or str(told.exception)


def test_an_export_is_a_file_for_its_owner_alone(engine: Path, tmp_path: Path) -> None:
    to = tmp_path / "their.zip"
    code, said = centralino(engine, "person", NUMBER, "export", "--to", str(to))
    assert code == 0, said
    assert "holds all that is held about them: 1 recordings, 11 database, 1 people's file" in said
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    assert zipfile.ZipFile(to).namelist() == ["README.txt", "data.json"]
    code, said = centralino(engine, "person", NUMBER, "export", "--to", str(to))
    assert (code, "File exists" in said) == (1, True), said


def test_an_erasure_is_asked_about_and_refused_while_something_is_open(engine: Path) -> None:
    code, said = centralino(engine, "person", NUMBER, "erase")
    assert (code, "nothing was erased: close them first, or say --also-open" in said) == (1, True), said
    code, said = centralino(engine, "person", CALLING, "erase", "--also-open", "--yes")
    assert (code, said.startswith("their call c2 goes on; nothing was erased")) == (1, True), said
    code, said = centralino(engine, "person", NUMBER, "erase", "--also-open", types="n\n")
    assert (code, "1 calls, 1 cases, 0 letters" in said) == (1, True), said
    code, said = centralino(engine, "person", NUMBER, "erase", "--also-open", types="y\n")
    assert (code, "erased; what is counted stays" in said) == (0, True), said
    code, said = centralino(engine, "person", NUMBER, "erase", "--yes")
    assert (code, said) == (1, "nothing is held about `+393331234567`"), said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((NUMBER, "export"), "needs `--to FILE.zip`"),
        ((NUMBER, "erase", "--to", "x.zip"), "needs `--to FILE.zip`"),
        (("anonymous", "erase"), "who withheld theirs is known to nobody"),
        (("+39055999999", "export", "--to", "x.zip"), "nothing is held about"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = centralino(engine, "person", *words)
    assert (code, says in said) == (1, True), said
    assert not (tmp_path / "x.zip").exists()


def test_without_an_engine_nothing_is_done(state: Path, tmp_path: Path) -> None:
    code, said = centralino(state, "person", NUMBER, "export", "--to", str(tmp_path / "x.zip"))
    assert (code, "the engine is not running" in said) == (1, True), said
    assert not (tmp_path / "x.zip").exists()

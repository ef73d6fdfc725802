"""The engine's own part: what it does beside the calls must never make them wait."""

import asyncio
import subprocess
import sys
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cases.proof import WRONG_PROOFS_MAX
from cases.store import Case
from centralino.door import CommandRefused
from centralino.engine import Engine, Life
from centralino.instance import Instance
from centralino.settings import load
from tests.house import DEPLOYMENT


@pytest.fixture
async def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """One that has just begun: the database's library is being loaded, and whoever imports it waits for that."""
    for module in ("supervision.store", "cases.store", "centralino.database"):
        monkeypatch.setitem(sys.modules, module, None)  # an import raises, where in truth it would stand still
    engine = Engine(load(DEPLOYMENT), Instance(DEPLOYMENT, tmp_path, 0), Life())
    engine._database = asyncio.get_running_loop().create_future()
    return engine


async def test_what_was_a_call_that_nobody_knows_yet_is_refused_before_the_database_is_there(engine: Engine) -> None:
    with pytest.raises(CommandRefused, match="cannot be asked for c1 yet"):
        await engine._dispose({"call": "c1", "kind": "report"})


async def test_a_caller_who_asks_for_a_case_before_the_database_is_there_is_told_that_nobody_knows(
    engine: Engine,
) -> None:
    await engine._find_case_now("100016", "1234", lambda case: pytest.fail("nobody can know"))


async def test_wrong_proofs_on_the_page_and_by_phone_are_counted_together(engine: Engine) -> None:
    engine._after = lambda: None  # type: ignore[method-assign]
    case = Case(**dict.fromkeys(field.name for field in fields(Case)) | {"id": "10000426", "number": "+39055123456"})
    for closed_at, opened in ((None, True), (datetime(2026, 11, 24, tzinfo=UTC), False)):
        seen = replace(case, state="at office", opened_at=datetime(2026, 11, 23, tzinfo=UTC), closed_at=closed_at)
        standing = engine._standing(seen, "3456")
        assert standing
        assert standing.is_open is opened
    for _ in range(WRONG_PROOFS_MAX):
        assert engine.command("cases.prove", {"case": "10000426", "proven": False}) == {"is_let_in": False}
    assert engine._standing(case, "3456") is None
    for odd in ({}, {"case": 1, "proven": True}, {"case": "1", "proven": "yes"}):
        with pytest.raises(CommandRefused, match=r"only `cases\.prove`"):
            engine.command("cases.prove", odd)


LOADED_IN_THE_LOOP = """
import asyncio, sys, threading
from importlib.abc import MetaPathFinder
from pathlib import Path

from centralino.engine import Engine, Life
from centralino.instance import Instance
from centralino.journal import Journal
from centralino.people import People
from centralino.settings import load

deployment, state = Path(sys.argv[1]), Path(sys.argv[2])
in_the_loop = set()


class Watch(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if threading.current_thread() is threading.main_thread():
            in_the_loop.add(name)


async def project():
    engine = Engine(load(deployment), Instance(deployment, state, 0), Life())
    engine._projector, engine._database = (asyncio.get_running_loop().create_future() for _ in range(2))
    engine.journal, engine.people = Journal.open(state / "journal", engine.clock), People(state / "people.jsonl")
    engine.journal.start_segment(None)
    sys.meta_path.insert(0, Watch())
    projecting = asyncio.create_task(engine._project())
    projector = await engine._projector
    while projector.projected_n < 0:  # until the tables are there
        await asyncio.sleep(0.01)
    projecting.cancel()
    await asyncio.wait([projecting])


asyncio.run(project())
libraries = ("sqlalchemy", "alembic", "aiosqlite", "mako", "sqlite3", "supervision")
print(*sorted(name for name in in_the_loop if name.startswith(libraries)))
"""


def test_the_databases_libraries_are_never_loaded_in_the_loop(tmp_path: Path) -> None:
    """It took the loop seconds on a busy machine, and the guardian killed a frozen engine."""
    words = [sys.executable, "-c", LOADED_IN_THE_LOOP, str(DEPLOYMENT), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr

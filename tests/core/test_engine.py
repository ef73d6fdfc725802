"""The engine's own part: what it does beside the calls must never make them wait."""

import asyncio
import sys
from pathlib import Path

import pytest

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

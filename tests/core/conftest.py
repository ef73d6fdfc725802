"""Fixtures of what stands on record."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from centralino.clock import SimClock
from centralino.database import database_url, open_database
from centralino.journal import Journal
from centralino.people import People
from supervision.projector import Projector
from tests.postgres import Postgres, running_postgres
from tests.records import KINDS, House


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=KINDS)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    if request.param == "sqlite":
        yield database_url("sqlite", tmp_path)
        return
    server: Postgres = request.getfixturevalue("postgres")
    async with server.fresh() as fresh:
        yield database_url(fresh, tmp_path)


@pytest.fixture
async def house(url: str, tmp_path: Path) -> AsyncIterator[House]:
    clock = SimClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    journal = Journal.open(tmp_path / "journal", clock)
    journal.start_segment(None)
    people_file, database = People(tmp_path / "people.jsonl"), open_database(url)
    house = House(tmp_path, clock, journal, people_file, database, Projector(journal, people_file, database))
    yield house
    await house.stop()
    journal.close()
    people_file.close()
    await database.close()

"""Fixtures of what stands on record."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from centralino.database import database_url
from tests.postgres import Postgres, running_postgres
from tests.records import KINDS, House, opened_house


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
    async with opened_house(tmp_path, url) as opened:
        yield opened

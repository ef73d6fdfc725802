"""The knowledge base, as commands and the API ask for it; and how the database comes to have it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from cases import sheets_store
from cases.sheets import BadQuestion, Sheet
from cases.sheets_store import Found, Question
from centralino.database import Database, DatabaseAway
from centralino.located import did_you_mean, shown
from centralino.releases import Releases
from centralino.settings import Configuration
from centralino.sheetchecks import read_sheets

EVERY_S = 5.0

log = logging.getLogger(__name__)


class Knowledge:
    """`configuration` gives the one in force, `today` the day. All raise DatabaseAway."""

    def __init__(
        self, database: Database, configuration: Callable[[], Configuration], today: Callable[[], date]
    ) -> None:
        self._database, self._configuration, self._today = database, configuration, today

    async def search(self, question: Question) -> tuple[Found, ...]:
        """The best first. Raises BadQuestion."""
        entities = self._configuration().entities.entities
        if question.entity and question.entity not in entities:
            hint = did_you_mean(question.entity, entities)
            raise BadQuestion(f"there is no entity {shown(question.entity)} in entities.yaml; {hint}")
        return await sheets_store.search(self._database, question)

    async def sheet(self, id: str) -> Sheet | None:
        """None: there is none."""
        return await sheets_store.sheet(self._database, id)

    async def outdated(self) -> tuple[Sheet, ...]:
        """By owner, the oldest first."""
        return await sheets_store.outdated(self._database, self.today())

    def today(self) -> date:
        return self._today()


def facts(sheet: Sheet, today: date) -> dict[str, Any]:
    """What a list shows of a sheet: all but its text."""
    told = {name: value for name, value in asdict(sheet).items() if name != "body"}
    return told | {"outdated": sheet.is_outdated(today)}


class SheetKeeper:
    """Has the sheets of the release in force in the database. `releases`: where the releases are."""

    def __init__(self, database: Database, releases: Path) -> None:
        self._database, self._releases = database, Releases(releases)
        self._kept: int | None = None  # the release whose sheets the database has

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except (DatabaseAway, OSError) as away:
                log.warning("the sheets of the knowledge base are not in the database yet: %s", away)
            except Exception:
                log.exception("the sheets of the knowledge base cannot be kept")
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Raises DatabaseAway, OSError."""
        release = await asyncio.to_thread(lambda: self._releases.current)
        if release is None or release.number == self._kept:
            return
        files = await asyncio.to_thread(read_sheets, release.folder)
        sheets = files.usable()
        for file in files.files:
            if file.sheet is None:
                log.warning("%s cannot be used; `centralino check` says why", file.located.file)
        changed = await sheets_store.keep_sheets(self._database, list(sheets.values()))
        self._kept = release.number
        if changed:
            log.info("the knowledge base has %d sheets, %d of them new, other or gone", len(sheets), changed)

"""Files that came with what citizens wrote, as commands and the API ask for them: taken out, on record."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cases import store
from cases.attachments import Attachment, attachment, note_taken_out
from cases.case_number import in_groups, keyed
from cases.state import CaseRefused, Role
from centralino.case_desk import worker_of
from centralino.database import Database
from centralino.mail_files import content_of
from centralino.settings import Configuration


@dataclass(frozen=True, slots=True)
class AttachmentDesk:
    """`configuration` gives the one in force, `now` the instant; `state` is the folder."""

    database: Database
    configuration: Callable[[], Configuration]
    now: Callable[[], datetime]
    state: Path

    async def take_out(
        self, number: str, id: int, by: str, agent: str = "", office: str = ""
    ) -> tuple[Attachment, bytes]:
        """The attachment and its content; that it is taken out is on record before. It is a stranger's: never run it,
        never show it as a page. Raises CaseRefused, DatabaseAway.
        """
        worker = worker_of(by, agent, office, self.configuration())
        case = await store.case(self.database, number)
        if case is None:
            raise CaseRefused(f"there is no case {in_groups(keyed(number)[:20])}")
        if worker.role is Role.OFFICE and case.office != worker.office:
            raise CaseRefused(f"case {case.id} is not with {worker.office}")
        found = await attachment(self.database, case.id, id)
        content = await asyncio.to_thread(content_of, self.state, found)
        await note_taken_out(self.database, case.id, found, worker, self.now())
        return found, content

"""`/api/v1/cases`: cases with their history and clock, and what people do to them."""

import dataclasses
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Protocol
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from agents.disposition import Kind
from cases.channels import Channel
from cases.requester import Region, Requester
from cases.state import WORDS_MAX, Act, State
from web.configuration import peer

CaseNumber = Annotated[str, Path(min_length=1, max_length=40, description="However it is spaced.")]
AttachmentId = Annotated[int, Path(ge=1, le=2**31 - 1, description="As the case lists it.")]
AsAgent = Annotated[str, Query(max_length=64, description="Who takes it out, where it is an agent.")]
Named = Annotated[str, Field(max_length=128)]
CaseAct = StrEnum("CaseAct", {act.name: act.replace(" ", "-") for act in Act})  # type: ignore[misc]


class Row(Protocol):
    """A `cases.deadlines.Seen`."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


class Cases(Protocol):
    """All raise ConnectionError while the database is away."""

    async def cases(self, wanted: dict[str, Any]) -> Sequence[Row]:
        """The newest that fit, or those that are due: see `Wanted`."""

    async def report(self, asked: dict[str, str]) -> Row:
        """What came of the cases of some days: see `ReportAsked`. Raises ChangeRefused."""

    async def case(self, number: str) -> Row | None:
        """None: there is none."""

    async def take_in(self, written: dict[str, Any]) -> Row:
        """Keep what a citizen wrote; the case that it stands with. Raises ChangeRefused."""

    async def take_out(self, number: str, id: int, by: str, agent: str) -> tuple[str, bytes]:
        """Name and content of an attachment; that it was taken out is on record. Raises ChangeRefused."""

    async def work(self, number: str, act: str, asked: dict[str, Any]) -> Row:
        """Do it; the case as it is then. Raises ChangeRefused."""


class Wanted(BaseModel):
    """At most `limit` cases, the newest first: all, those in `state`, with `office` (`ENTITY/OFFICE`), or of who calls
    or writes from `of` (a telephone, or a mail address). `due`: those overdue or soon due, the first due first.
    """

    model_config = ConfigDict(extra="forbid")
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    state: State | None = None
    office: Named | None = None
    of: Annotated[str, Field(max_length=254)] = ""
    due: bool = False


class ReportAsked(BaseModel):
    """The cases that were opened from the day `first` (`2026-11-22`; else the 1st of the month) to the day `last` (else
    today); of a number of ours, or of an entity.
    """

    model_config = ConfigDict(extra="forbid")
    first: Named = ""
    last: Named = ""
    number: Named = ""
    entity: Named = ""


class Written(BaseModel):
    """What a citizen wrote: a letter, a fax, a form or a mail; for `entity`, or for `number` of ours. `into` names an
    open case that it is for. Else it stands with the open case of whoever has that `phone`, or with a new one.
    """

    model_config = ConfigDict(extra="forbid")
    channel: Channel
    words: Annotated[str, Field(max_length=WORDS_MAX)]
    entity: Named = ""
    number: Named = ""
    subject: Annotated[str, Field(max_length=200)] = ""
    name: Annotated[str, Field(max_length=200)] = ""
    phone: Named = ""
    mail: Annotated[str, Field(max_length=254)] = ""
    kind: Kind | None = None
    topic: Annotated[str, Field(max_length=40)] = ""
    requester: Requester | None = None
    region: Region | None = None
    into: Named = ""


class Asked(BaseModel):
    """`words`: why, or what was answered. `agent`: as that agent; `office`: as somebody of that `ENTITY/OFFICE`; else
    as a supervisor. `to` goes with hand-over, `into` with merge, `contacts` (places in the case's list, 1 the first)
    with split; kind, topic, title, is_complex, requester and region with classify.
    """

    model_config = ConfigDict(extra="forbid")
    words: Annotated[str, Field(max_length=WORDS_MAX)] = ""
    to: Named = ""
    into: Named = ""
    agent: Named = ""
    office: Named = ""
    kind: Kind | None = None
    topic: Annotated[str, Field(max_length=40)] | None = None
    title: Annotated[str, Field(max_length=200)] | None = None
    is_complex: bool | None = None
    requester: Requester | None = None
    region: Region | None = None
    contacts: Annotated[frozenset[Annotated[int, Field(ge=1, le=99_999)]], Field(max_length=500)] = frozenset()


class ManyCases(BaseModel):
    cases: list[dict[str, Any]]


def add_cases(router: APIRouter, cases: Cases, allowed: Sequence[Any]) -> None:
    """Cases, on `router`, for whoever the dependencies `allowed` let in."""

    @router.get("/cases", dependencies=allowed, response_model=ManyCases, summary="Cases")
    async def many(wanted: Annotated[Wanted, Query()]) -> dict[str, Any]:
        return {"cases": [_facts(row) for row in await cases.cases(wanted.model_dump())]}

    @router.post("/cases", dependencies=allowed, status_code=201, summary="Take in what a citizen wrote")
    async def take_in(written: Written, request: Request) -> dict[str, Any]:
        said = {**written.model_dump(), "kind": written.kind or "", "by": f"api ({peer(request)})"}
        return _facts(await cases.take_in(said))

    @router.get("/reports/cases", dependencies=allowed, summary="What came of the cases of some days")
    async def report(asked: Annotated[ReportAsked, Query()]) -> dict[str, Any]:
        return dataclasses.asdict(await cases.report(asked.model_dump()))

    @router.get("/cases/{number}", dependencies=allowed, summary="One case and what happened to it")
    async def one(number: CaseNumber) -> dict[str, Any]:
        found = await cases.case(number)
        if found is None:
            raise HTTPException(404, f"there is no case `{number}`")
        return _facts(found)

    @router.get(
        "/cases/{number}/attachments/{id}", dependencies=allowed, response_class=Response, summary="Take out, on record"
    )
    async def take_out(number: CaseNumber, id: AttachmentId, request: Request, agent: AsAgent = "") -> Response:
        """A file that came with a mail, as it came: a stranger's. Each request is on record."""
        name, content = await cases.take_out(number, id, f"api ({peer(request)})", agent)
        return Response(content, media_type="application/octet-stream", headers=_to_be_saved(name))

    @router.post("/cases/{number}/{act}", dependencies=allowed, summary="Do something to a case")
    async def work(number: CaseNumber, act: CaseAct, asked: Asked, request: Request) -> dict[str, Any]:
        return _facts(await cases.work(number, act, {**asked.model_dump(), "by": f"api ({peer(request)})"}))


def _to_be_saved(name: str) -> dict[str, str]:
    """why: no browser is to show it; web/app.py forbids it to guess what it is."""
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Cache-Control": "no-store",
    }


def _facts(row: Row) -> dict[str, Any]:
    """The case, with its clock and history beside its own facts."""
    facts = dataclasses.asdict(row)
    return {**facts.pop("case"), **facts}

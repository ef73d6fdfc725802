"""`/api/v1`: what the engine does now, what the records hold, which configuration is in force: JSON, with a token.

Every answer but 200 is `{"error": "a sentence"}`. What is live gives instants as seconds since 1970 UTC (`…_s`),
the records as ISO 8601 in UTC (`…_at`); durations are seconds. Texts from callers are as they came: escape them.
"""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Protocol

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from web.cases import Cases, add_cases
from web.commands import CallId, Command, add_commands
from web.configuration import Configurations, add_to_api
from web.knowledge import Knowledge, add_knowledge
from web.live import Away, Beat, Changed, Live, TooManyWatchers, Whole
from web.public import Public
from web.recordings import Recordings, add_recordings
from web.tokens import Role, Tokens
from web.voicemails import Voicemails, add_voicemails

ROWS_MAX = 500


class Dataclass(Protocol):
    """Any dataclass instance."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


class Records(Protocol):
    """What the database holds, newest first. Each row is a dataclass. Raises ConnectionError while it is away."""

    async def recent_calls(self, limit: int) -> Sequence[Dataclass]:
        """The last `limit` calls (1 to 500), the latest first."""

    async def call(self, id: str) -> Dataclass | None:
        """One call; None: there is none."""

    async def recent_own_calls(self, limit: int) -> Sequence[Dataclass]:
        """The last `limit` calls (1 to 500) that agents made by themselves, the latest first."""

    async def own_call(self, id: str) -> Dataclass | None:
        """One of these; None: there is none."""

    async def events_of(self, id: str) -> Sequence[Dataclass]:
        """What happened to a call, in order."""


@dataclass(frozen=True)
class Sources:
    """Where the pages and the API get what they show.

    `ask_engine` gives a fresh snapshot, `command` lets the engine carry out one; both raise ConnectionError where the
    engine is away. `names` are the host names, besides loopback, under which this desk
    may be asked.
    """

    live: Live
    records: Records
    cases: Cases
    voicemails: Voicemails
    recordings: Recordings
    knowledge: Knowledge
    public: Public
    tokens: Tokens
    ask_engine: Callable[[], Awaitable[dict[str, Any]]]
    configurations: Configurations
    command: Command
    names: frozenset[str] = frozenset()


class Trouble(BaseModel):
    """Why a request was not answered."""

    error: str


class FurtherSite(BaseModel):
    """A site that opens for a queue when it is needed; `held` and `by`: by hand, and by whom."""

    site: str
    is_open: bool
    since_s: float | None
    why: str
    held: str
    by: str


class Queue(BaseModel):
    """A queue now, and its counts of today."""

    name: str
    sites: list[FurtherSite]
    waiting: int
    oldest_s: float | None
    free: int
    talking: int
    offered: int
    answered: int
    abandoned: int
    in_time: int
    wait_sum_s: float
    target_answer: float
    target_within_s: float


class Agent(BaseModel):
    """An agent now: what they chose, kept apart from what calls make them do."""

    id: str
    name: str
    site: str
    phone: str | None
    reachable: bool
    chosen: str
    reason: str | None
    doing: str
    since_s: float | None  # None: never signed in
    until_s: float | None  # when it ends by itself; None: it does not
    call: str | None
    queue: str | None
    asks_for_help: bool


class LiveCall(BaseModel):
    """A call in progress, and why it is where it is."""

    id: str
    service: str | None
    caller: str | None
    name: str | None
    state: str
    since_s: float
    arrived_s: float
    step: str | None  # of the dialplan; of a parked call, the number that fetches it
    queue: str | None
    position: int | None
    agent: str | None  # who talks, or is rung alone
    rung: list[str]  # agents whose phones ring for it
    language: str | None
    why: str | None


class Queues(BaseModel):
    at_s: float
    queues: list[Queue]


class Agents(BaseModel):
    at_s: float
    agents: list[Agent]


class Calls(BaseModel):
    """`now`: the calls in progress (empty while the engine is away); `recent`: those in the database."""

    now: list[LiveCall]
    recent: list[dict[str, Any]]


class OneCall(BaseModel):
    """`now` is null for a call that has ended; `call` is null for one that the database does not have yet."""

    now: LiveCall | None
    call: dict[str, Any] | None
    events: list[dict[str, Any]]


class OwnCalls(BaseModel):
    """Calls that agents made by themselves: to each other, and outside."""

    own_calls: list[dict[str, Any]]


class OneOwnCall(BaseModel):
    call: dict[str, Any]
    events: list[dict[str, Any]]


BEARER = HTTPBearer(auto_error=False, description="A token made by `centralino token`.")
TROUBLES: dict[int | str, dict[str, Any]] = {
    401: {"model": Trouble, "description": "No token, or not one of ours."},
    403: {"model": Trouble, "description": "The token's role may not see or do this."},
    409: {"model": Trouble, "description": "It was refused, and nothing has changed; the sentence says why."},
    413: {"model": Trouble, "description": "The request is too long."},
    422: {"model": Trouble, "description": "A parameter is out of its bounds."},
    503: {"model": Trouble, "description": "The engine or the database is away."},
}
Limit = Annotated[int, Query(ge=1, le=ROWS_MAX, description="At most so many rows.")]


def bearer_of(tokens: Tokens, *roles: Role) -> Callable[..., Role]:
    """A dependency that lets in the bearers of `roles` only."""

    def role(given: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]) -> Role:
        found = tokens.check(given.credentials) if given else None
        if found is None:
            what = "this token is not valid" if given else "a token is needed: `Authorization: Bearer …`"
            raise HTTPException(401, f"{what}; `centralino token` makes one", {"WWW-Authenticate": "Bearer"})
        if found not in roles:
            raise HTTPException(403, f"a token of the role `{found}` may not do this")
        return found

    return role


def rows_of(found: Sequence[Dataclass]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(row) for row in found]


def api(sources: Sources) -> APIRouter:
    """The router of `/api/v1`."""
    router = APIRouter(prefix="/api/v1", responses=TROUBLES)
    anybody = [Depends(bearer_of(sources.tokens, *Role))]
    trusted = [Depends(bearer_of(sources.tokens, Role.SUPERVISOR, Role.ADMIN))]
    _add_live(router, sources, anybody)
    _add_records(router, sources, trusted)
    add_cases(router, sources.cases, trusted)
    add_voicemails(router, sources.voicemails, trusted)
    add_recordings(router, sources.recordings, trusted)
    add_knowledge(router, sources.knowledge, trusted)
    add_commands(router, sources.command, trusted)
    add_to_api(router, sources.configurations, trusted, [Depends(bearer_of(sources.tokens, Role.ADMIN))])

    @router.get("/events", dependencies=trusted, response_class=StreamingResponse, summary="Changes as they happen")
    async def events() -> StreamingResponse:
        """Server-sent events: `snapshot` first and after each return of the engine, then `changes`, `away`, `beat`."""
        return stream(_as_they_are(sources.live))

    return router


def _add_live(router: APIRouter, sources: Sources, allowed: Sequence[Any]) -> None:
    live = sources.live

    @router.get("/queues", dependencies=allowed, response_model=Queues, summary="The queues now")
    async def queues() -> dict[str, Any]:
        return {"at_s": live.now_s(), "queues": list(table(live, "queues").values())}

    @router.get("/agents", dependencies=allowed, response_model=Agents, summary="The agents now")
    async def agents(site: Annotated[str | None, Query(max_length=64)] = None) -> dict[str, Any]:
        found = [row for row in table(live, "agents").values() if site in (None, row["site"])]
        return {"at_s": live.now_s(), "agents": found}


def _add_records(router: APIRouter, sources: Sources, allowed: Sequence[Any]) -> None:
    live, records = sources.live, sources.records

    @router.get("/calls", dependencies=allowed, response_model=Calls, summary="Calls in progress and recent calls")
    async def calls(limit: Limit = 100) -> dict[str, Any]:
        now = list(live.state["calls"].values()) if live.connected else []
        return {"now": now, "recent": rows_of(await records.recent_calls(limit))}

    @router.get("/calls/{id}", dependencies=allowed, response_model=OneCall, summary="One call and what happened to it")
    async def call(id: CallId) -> dict[str, Any]:
        now = live.state["calls"].get(id) if live.connected else None
        kept = await records.call(id)
        if now is None and kept is None:
            raise HTTPException(404, f"there is no call `{id}`")
        events = rows_of(await records.events_of(id))
        return {"now": now, "call": dataclasses.asdict(kept) if kept else None, "events": events}

    @router.get("/own-calls", dependencies=allowed, response_model=OwnCalls, summary="Calls that agents made")
    async def own_calls(limit: Limit = 100) -> dict[str, Any]:
        return {"own_calls": rows_of(await records.recent_own_calls(limit))}

    @router.get("/own-calls/{id}", dependencies=allowed, response_model=OneOwnCall, summary="One call that was made")
    async def own_call(id: CallId) -> dict[str, Any]:
        kept = await records.own_call(id)
        if kept is None:
            raise HTTPException(404, f"no agent made a call `{id}`")
        return {"call": dataclasses.asdict(kept), "events": rows_of(await records.events_of(id))}


def table(live: Live, name: Literal["queues", "agents", "calls"]) -> dict[str, dict[str, Any]]:
    """Rows of the live state; 503 while the engine is away: old rows must not be taken for true ones."""
    if not live.connected:
        raise HTTPException(503, f"the engine is away: {live.why_away}")
    rows: dict[str, dict[str, Any]] = live.state[name]
    return rows


def stream(pieces: AsyncIterator[bytes]) -> StreamingResponse:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # the latter: nginx must not hold pieces back
    return StreamingResponse(pieces, media_type="text/event-stream", headers=headers)


def piece(event: str, data: object) -> bytes:
    """One server-sent event. JSON has no line breaks of its own, so the data is one line."""
    return f"event: {event}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"


async def _as_they_are(live: Live) -> AsyncIterator[bytes]:
    try:
        async for news in live.watch():
            match news:
                case Whole():
                    yield piece("snapshot", live.state)
                case Changed(changes):
                    yield piece("changes", changes)
                case Away(why):
                    yield piece("away", {"why": why})
                case Beat():
                    yield piece("beat", {})
    except TooManyWatchers as full:
        yield piece("away", {"why": str(full)})

"""`/api/v1`: what supervisors and admins have done with agents and calls, by the same commands as the CLI."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from agents.disposition import Kind, Level
from agents.state import AfterReset, Wish
from agents.supervisors import How
from web.configuration import peer

# Raises ChangeRefused, with a sentence for the person who asked; ConnectionError where the engine is away.
Command = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
CallId = Annotated[str, Path(min_length=1, max_length=128)]
AgentId = Annotated[str, Path(min_length=1, max_length=64)]
Named = Annotated[str, Field(max_length=64)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Choice(_Asked):
    """`phone`: where to sign in; empty: the agent's own. `reason`: of a pause, in words or by its digits."""

    phone: Named = ""
    reason: Annotated[str, Field(max_length=100)] = ""


class Longer(_Asked):
    longer_s: Annotated[float, Field(ge=1, le=3600)]


class Chosen(BaseModel):
    """How it is with the agent now; instants in seconds since 1970, null while there is none."""

    id: str
    phone: str | None
    chosen: str
    reason: str | None
    doing: str
    until_s: float | None


class Reset(_Asked):
    """Let an agent go who is stuck."""

    then: AfterReset = AfterReset.READY


class WasReset(BaseModel):
    """`held`: what had held them, in words; then what they chose, and do, now."""

    id: str
    held: list[str]
    chosen: str
    doing: str


class Placed(_Asked):
    """Whom an agent is to call: a number outside, an agent's, or a phone's. `entity`: whose number is shown outside."""

    number: Annotated[str, Field(min_length=1, max_length=40)]
    entity: Named = ""


class Rings(BaseModel):
    """The agent's `phone` rings; once it is answered, `number` is called."""

    call: str
    agent: str
    phone: str
    number: str


class Transfer(_Asked):
    """`to`: a queue or an office. `note`: for whoever takes the call, kept with it."""

    to: Annotated[str, Field(min_length=1, max_length=128)]
    note: Annotated[str, Field(max_length=500)] = ""


class Transferred(BaseModel):
    call: str
    to: str


class Listener(_Asked):
    """`supervisor` of agents.yaml, whose phone (or `phone`) is rung; who answers is with the talk, as `how` says."""

    supervisor: Annotated[str, Field(min_length=1, max_length=64)]
    how: How = How.LISTEN
    phone: Named = ""


class Rung(BaseModel):
    call: str
    supervisor: str
    how: How
    phone: str


class Disposition(_Asked):
    """What is said of a call, in place of what was said before. `topic`: one of those in entities.yaml, where it names
    any. `agent`: whose word it is; empty: of nobody in agents.yaml.
    """

    kind: Kind
    topic: Named = ""
    level: Level = Level.NOT_SAID
    agent: Named = ""


class Disposed(Disposition):
    """As it stands on record now."""

    call: str


def add_commands(router: APIRouter, command: Command, allowed: Sequence[Any]) -> None:
    """The commands, on `router`, for whoever the dependencies `allowed` let in."""

    @router.post("/agents/{id}/wrap-up", dependencies=allowed, response_model=Chosen, summary="Extend a wrap-up")
    async def extend(id: AgentId, asked: Longer, request: Request) -> dict[str, Any]:
        return await command("agents.extend", _by(request, agent=id, longer_s=asked.longer_s))

    @router.post("/agents/{id}/reset", dependencies=allowed, response_model=WasReset, summary="Free a stuck agent")
    async def reset(id: AgentId, request: Request, asked: Reset | None = None) -> dict[str, Any]:
        return await command("agents.reset", _by(request, agent=id, **(asked or Reset()).model_dump(mode="json")))

    @router.post("/agents/{id}/call", dependencies=allowed, response_model=Rings, summary="Place a call for an agent")
    async def call(id: AgentId, asked: Placed, request: Request) -> dict[str, Any]:
        return await command("agents.call", _by(request, agent=id, **asked.model_dump()))

    @router.post("/agents/{id}/{wish}", dependencies=allowed, response_model=Chosen, summary="Sign in or out, pause, …")
    async def choose(id: AgentId, wish: Wish, request: Request, asked: Choice | None = None) -> dict[str, Any]:
        return await command(f"agents.{wish}", _by(request, agent=id, **(asked or Choice()).model_dump()))

    @router.post("/calls/{id}/transfer", dependencies=allowed, response_model=Transferred, summary="Hand a caller on")
    async def transfer(id: CallId, asked: Transfer, request: Request) -> dict[str, Any]:
        return await command("calls.transfer", _by(request, call=id, **asked.model_dump()))

    @router.post("/calls/{id}/listen", dependencies=allowed, response_model=Rung, summary="Let a supervisor listen in")
    async def listen(id: CallId, asked: Listener, request: Request) -> dict[str, Any]:
        who = {"as": asked.supervisor, "how": asked.how, "phone": asked.phone}
        return await command("calls.listen", _by(request, call=id, **who))

    where, summary = "/calls/{id}/disposition", "Say what came of a call"

    @router.post(where, dependencies=allowed, response_model=Disposed, summary=summary)
    async def dispose(id: CallId, said: Disposition, request: Request) -> dict[str, Any]:
        return await command("calls.dispose", _by(request, call=id, **said.model_dump(mode="json")))


def _by(request: Request, **what: Any) -> dict[str, Any]:
    return {**what, "by": f"api ({peer(request)})"}

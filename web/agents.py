"""What a supervisor or an admin does about an agent, through the API."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from agents.state import AfterReset
from web.configuration import peer

Obey = Callable[[str, dict[str, str]], Awaitable[dict[str, Any]]]
AgentId = Annotated[str, Path(min_length=1, max_length=64)]


class Reset(BaseModel):
    """Let an agent go who is stuck."""

    model_config = ConfigDict(extra="forbid")
    then: AfterReset = AfterReset.READY


class WasReset(BaseModel):
    """`held`: what had held them, in words; then what they chose, and do, now."""

    id: str
    held: list[str]
    chosen: str
    doing: str


class Placed(BaseModel):
    """Whom an agent is to call: a number outside, an agent's, or a phone's. `entity`: whose number is shown outside."""

    model_config = ConfigDict(extra="forbid")
    number: Annotated[str, Field(min_length=1, max_length=40)]
    entity: Annotated[str, Field(max_length=64)] = ""


class Rings(BaseModel):
    """The agent's `phone` rings; once it is answered, `number` is called."""

    call: str
    agent: str
    phone: str
    number: str


def add_agent_commands(router: APIRouter, obey: Obey, allowed: Sequence[Any]) -> None:
    """`obey` carries out a command of the door."""

    @router.post("/agents/{id}/reset", dependencies=allowed, response_model=WasReset, summary="Free a stuck agent")
    async def reset(id: AgentId, said: Reset, request: Request) -> dict[str, Any]:
        return await obey("agents.reset", {"agent": id, "then": said.then, "by": f"api ({peer(request)})"})

    @router.post("/agents/{id}/call", dependencies=allowed, response_model=Rings, summary="Place a call for an agent")
    async def call(id: AgentId, said: Placed, request: Request) -> dict[str, Any]:
        return await obey("agents.call", {"agent": id, "by": f"api ({peer(request)})", **said.model_dump()})

"""`/api/v1/voicemails`: messages that callers left, their sound, and what people do to them."""

import dataclasses
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Protocol

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from cases.messages import Act, How
from web.commands import CallId
from web.configuration import peer

Box = Annotated[str, Query(max_length=64, description="Only those for this queue.")]
All = Annotated[bool, Query(description="The newest 500, those that are done too.")]
AsAgent = Annotated[str, Query(max_length=64, description="Who listens, where it is an agent.")]
Named = Annotated[str, Field(max_length=128)]
# listening is a request of its own, for the sound
MessageAct = StrEnum(  # type: ignore[misc]
    "MessageAct", {act.name: act.replace(" ", "-") for act in Act if act is not Act.LISTEN}
)
MessageHow = StrEnum("MessageHow", {how.name: how.replace(" ", "-") for how in How})  # type: ignore[misc]


class Row(Protocol):
    """A `cases.voicemails.Message`."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


class Voicemails(Protocol):
    """All raise ConnectionError while the database is away, and ChangeRefused with a sentence."""

    async def to_be_worked_through(self, box: str) -> Sequence[Row]:
        """The longest waiting first; of all queues where `box` is empty."""

    async def newest_messages(self, box: str) -> Sequence[Row]:
        """The newest 500, done or not."""

    async def work_on_message(self, call: str, act: str, asked: dict[str, Any]) -> Row:
        """Do it; the message as it is then."""

    async def listen_to(self, call: str, by: str, agent: str) -> bytes:
        """A WAV file; that it was listened to is on record."""


class Asked(BaseModel):
    """`how` goes with done. `agent`: as that agent; `office`: as somebody of that `ENTITY/OFFICE`; else as a
    supervisor.
    """

    model_config = ConfigDict(extra="forbid")
    how: MessageHow | None = None
    agent: Named = ""
    office: Named = ""


class ManyMessages(BaseModel):
    voicemails: list[dict[str, Any]]


def add_voicemails(router: APIRouter, voicemails: Voicemails, allowed: Sequence[Any]) -> None:
    """Messages, on `router`, for whoever the dependencies `allowed` let in."""

    @router.get(
        "/voicemails", dependencies=allowed, response_model=ManyMessages, summary="Messages to be worked through"
    )
    async def many(box: Box = "", all: All = False) -> dict[str, Any]:
        found = await (voicemails.newest_messages(box) if all else voicemails.to_be_worked_through(box))
        return {"voicemails": [dataclasses.asdict(row) for row in found]}

    @router.get("/voicemails/{call}/sound", dependencies=allowed, response_class=Response, summary="Listen, on record")
    async def sound(call: CallId, request: Request, agent: AsAgent = "") -> Response:
        """A WAV file. Each request is on record as a listening."""
        heard = await voicemails.listen_to(call, f"api ({peer(request)})", agent)
        return Response(heard, media_type="audio/wav", headers={"Cache-Control": "no-store"})

    @router.post("/voicemails/{call}/{act}", dependencies=allowed, summary="Do something to a message")
    async def work(call: CallId, act: MessageAct, asked: Asked, request: Request) -> dict[str, Any]:
        said = {"how": asked.how or "", "agent": asked.agent, "office": asked.office, "by": f"api ({peer(request)})"}
        return dataclasses.asdict(await voicemails.work_on_message(call, act, said))

"""`/api/v1/recordings`: what is kept and until when, what was deleted, and the sound of talks."""

from collections.abc import Sequence
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from web.configuration import peer

OfQueue = Annotated[str, Query(max_length=64, description="Only those of this queue.")]
Due = Annotated[bool, Query(description="Only those whose time is over.")]
Deleted = Annotated[bool, Query(description="Those that were deleted, when and why.")]
Name = Annotated[str, Query(max_length=256, description="As the list says it.")]
AsAgent = Annotated[str, Query(max_length=64, description="Who listens, where it is an agent.")]


class Recordings(Protocol):
    """All raise ConnectionError while the database is away, and ChangeRefused with a sentence."""

    async def recordings(self, queue: str, *, due: bool, deleted: bool) -> Sequence[dict[str, Any]]:
        """What is kept, the oldest first; or what was deleted, the newest first."""

    async def listen_to_talk(self, name: str, by: str, agent: str) -> bytes:
        """A WAV file; that it was listened to is on record."""


class ManyRecordings(BaseModel):
    recordings: list[dict[str, Any]]


def add_recordings(router: APIRouter, recordings: Recordings, allowed: Sequence[Any]) -> None:
    """Recordings, on `router`, for whoever the dependencies `allowed` let in."""

    @router.get(
        "/recordings", dependencies=allowed, response_model=ManyRecordings, summary="Recordings, and until when"
    )
    async def many(queue: OfQueue = "", due: Due = False, deleted: Deleted = False) -> dict[str, Any]:
        return {"recordings": await recordings.recordings(queue, due=due, deleted=deleted)}

    @router.get("/recordings/sound", dependencies=allowed, response_class=Response, summary="Listen to a talk")
    async def sound(name: Name, request: Request, agent: AsAgent = "") -> Response:
        """A WAV file: the agent left, the caller right. Each request is on record as a listening."""
        heard = await recordings.listen_to_talk(name, f"api ({peer(request)})", agent)
        return Response(heard, media_type="audio/wav", headers={"Cache-Control": "no-store"})

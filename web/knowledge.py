"""`/api/v1/knowledge`: the sheets of the knowledge base."""

from collections.abc import Sequence
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel

from cases.sheets import SheetKind

Words = Annotated[str, Query(max_length=200, description="Words, in whichever form; the best sheets come first.")]
OfEntity = Annotated[str, Query(max_length=64, description="Only the sheets of this entity, and those for all.")]
OfKind = Annotated[SheetKind | None, Query(description="Only sheets of this kind.")]
Limit = Annotated[int, Query(ge=1, le=100, description="At most so many.")]
SheetId = Annotated[str, Path(min_length=1, max_length=80)]


class Knowledge(Protocol):
    """All raise ConnectionError while the database is away."""

    async def search(self, words: str, entity: str, kind: str, limit: int) -> Sequence[dict[str, Any]]:
        """The best first, each with a snippet. Raises ChangeRefused where nothing can be looked for."""

    async def sheet(self, id: str) -> dict[str, Any] | None:
        """None: there is none."""

    async def outdated(self) -> Sequence[dict[str, Any]]:
        """By owner, the oldest first."""


class ManySheets(BaseModel):
    """Each without its text; what was found has a `snippet`, in which `**` stands around each word asked for."""

    sheets: list[dict[str, Any]]


def add_knowledge(router: APIRouter, knowledge: Knowledge, allowed: Sequence[Any]) -> None:
    """Sheets, on `router`, for whoever the dependencies `allowed` let in. Texts are Markdown: escape them."""

    @router.get("/knowledge", dependencies=allowed, response_model=ManySheets, summary="Sheets that have words in them")
    async def search(q: Words, entity: OfEntity = "", kind: OfKind = None, limit: Limit = 20) -> dict[str, Any]:
        return {"sheets": await knowledge.search(q, entity, kind or "", limit)}

    @router.get("/outdated-knowledge", dependencies=allowed, response_model=ManySheets, summary="Sheets out of date")
    async def outdated() -> dict[str, Any]:
        return {"sheets": await knowledge.outdated()}

    @router.get("/knowledge/{id}", dependencies=allowed, summary="One sheet, with its text")
    async def one(id: SheetId) -> dict[str, Any]:
        found = await knowledge.sheet(id)
        if found is None:
            raise HTTPException(404, f"there is no sheet `{id}`")
        return found

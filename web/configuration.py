"""Which configuration is in force, what a reload would change, and putting one in force: for the page and the API.

Nothing is put in force unseen: a look gives what would change, or all that is wrong, and a mark of what was looked at
(`seen`); whoever sends that mark along is refused if anything has changed since.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Body, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from web.guards import for_our_own_page, from_our_own_page, from_this_machine
from web.texts import Texts, choose_language


class ChangeRefused(Exception):
    """Nothing was changed; the text says why, with every problem's place and cure."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A configuration that was put in force: since when, and by whom."""

    number: int
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Look:
    """What putting a configuration in force would do. `problems`: each with FILE:LINE:COL and a hint.

    `number`: the one that would be gone back to; None: the YAML as it stands now. `difference`: a unified diff.
    """

    number: int | None
    can_load: bool
    problems: Sequence[str]
    difference: str
    seen: str


@dataclass(frozen=True, slots=True)
class Done:
    """`release`: the number now in force; None: nothing had changed."""

    release: int | None
    difference: str


class Configurations(Protocol):
    """The configurations of this installation. The asking methods raise ConnectionError while the engine is away."""

    @property
    def time_zone(self) -> tzinfo:
        """That of the deployment."""

    async def in_force(self) -> Kept | None:
        """None: none was ever put in force."""

    async def kept(self) -> Sequence[Kept]:
        """The last ten, the newest first."""

    async def look(self) -> Look:
        """At what a reload would do. Raises ChangeRefused where nobody can say."""

    async def look_back(self, number: int | None) -> Look:
        """At what going back would do, to `number` or to the one before. Raises ChangeRefused: there is no such one."""

    async def load(self, by: str, seen: str | None) -> Done:
        """Put the YAML in force as it stands. Raises ChangeRefused."""

    async def go_back(self, number: int | None, by: str, seen: str | None) -> Done:
        """Put an earlier one in force. Raises ChangeRefused."""


# --- the API


class Release(BaseModel):
    """A configuration that was put in force."""

    number: int
    at: datetime
    by: str


class State(BaseModel):
    """The configuration in force, and the last ten."""

    in_force: Release | None
    history: list[Release]


class Proposal(BaseModel):
    """What would change, or what is wrong. Send `seen` along to be refused if anything changes before you do it."""

    number: int | None
    can_load: bool
    problems: list[str]
    difference: str
    seen: str


class Outcome(BaseModel):
    """`release` is null where nothing had changed."""

    release: int | None
    difference: str


class Reload(BaseModel):
    """Put the YAML in force as it stands now."""

    model_config = ConfigDict(extra="forbid")
    seen: Annotated[str | None, Field(max_length=128)] = None


class Rollback(Reload):
    """Go back to `number`, or to the configuration before this one."""

    number: Annotated[int | None, Field(ge=1, le=10**9)] = None


Number = Annotated[int | None, Query(ge=1, le=10**9, description="Which one; default: the one before.")]


def add_to_api(router: APIRouter, configurations: Configurations, look: Sequence[Any], change: Sequence[Any]) -> None:
    """`look`, `change`: who may."""

    @router.get("/configuration", dependencies=look, response_model=State, summary="The configuration in force")
    async def configuration() -> dict[str, Any]:
        now = await configurations.in_force()
        return {"in_force": asdict(now) if now else None, "history": [asdict(o) for o in await configurations.kept()]}

    @router.get("/configuration/reload", dependencies=look, response_model=Proposal, summary="What a reload would do")
    async def look_at_reload() -> dict[str, Any]:
        return asdict(await configurations.look())

    @router.get("/configuration/rollback", dependencies=look, response_model=Proposal, summary="What going back means")
    async def look_at_rollback(number: Number = None) -> dict[str, Any]:
        return asdict(await configurations.look_back(number))

    @router.post("/configuration/reload", dependencies=change, response_model=Outcome, summary="Reload the YAML")
    async def reload(request: Request, wanted: Annotated[Reload | None, Body()] = None) -> dict[str, Any]:
        return asdict(await configurations.load(f"api ({peer(request)})", wanted.seen if wanted else None))

    @router.post("/configuration/rollback", dependencies=change, response_model=Outcome, summary="Go back")
    async def rollback(request: Request, wanted: Annotated[Rollback | None, Body()] = None) -> dict[str, Any]:
        asked = wanted or Rollback()
        return asdict(await configurations.go_back(asked.number, f"api ({peer(request)})", asked.seen))


def peer(request: Request) -> str:
    """Where a request comes from; behind `ssh -L`, the port leads to who holds the tunnel."""
    if not request.client:
        return "unknown"
    host = f"[{request.client.host}]" if ":" in request.client.host else request.client.host
    return f"{host}:{request.client.port}"


# --- the page

Language = Annotated[str | None, Query(max_length=10)]


def page_router(configurations: Configurations) -> APIRouter:
    """What the page's own script asks for, without a token: from this machine and from our own page only."""
    router = APIRouter(prefix="/configuration", include_in_schema=False, dependencies=[Depends(from_this_machine)])
    looking, changing = [Depends(for_our_own_page)], [Depends(from_our_own_page)]

    @router.get("", dependencies=looking)
    async def now(lang: Language = None) -> dict[str, Any]:
        return await panel(configurations, Texts(choose_language(lang, "")))

    @router.get("/reload", dependencies=looking)
    async def look(lang: Language = None) -> dict[str, Any]:
        return proposal(await configurations.look(), Texts(choose_language(lang, "")))

    @router.get("/rollback", dependencies=looking)
    async def look_back(lang: Language = None) -> dict[str, Any]:
        return proposal(await configurations.look_back(None), Texts(choose_language(lang, "")))

    @router.post("/reload", dependencies=changing)
    async def reload(request: Request, wanted: Reload, lang: Language = None) -> dict[str, Any]:
        done = await configurations.load(f"page ({peer(request)})", wanted.seen)
        return outcome(done, Texts(choose_language(lang, "")))

    @router.post("/rollback", dependencies=changing)
    async def rollback(request: Request, wanted: Rollback, lang: Language = None) -> dict[str, Any]:
        done = await configurations.go_back(wanted.number, f"page ({peer(request)})", wanted.seen)
        return outcome(done, Texts(choose_language(lang, "")))

    return router


async def panel(configurations: Configurations, texts: Texts) -> dict[str, Any]:
    """The configuration in force and those before it, as people read them."""
    now, kept = await configurations.in_force(), await configurations.kept()
    zone = configurations.time_zone
    line = texts("configuration_in_force", number=now.number, **_when_and_who(now, zone, texts)) if now else ""
    return {
        "in_force": line or texts("configuration_none"),
        "can_go_back": len(kept) > 1,
        "history": [texts("configuration_kept", number=o.number, **_when_and_who(o, zone, texts)) for o in kept],
    }


def _when_and_who(one: Kept, zone: tzinfo, texts: Texts) -> dict[str, str]:
    return {"at": one.at.astimezone(zone).strftime(texts("instant")), "by": _by(one.by, texts)}


def _by(who: str, texts: Texts) -> str:
    if who == "run":
        return texts("configuration_at_a_start")
    if who.startswith("page ("):
        return texts("configuration_by_page", who=who.removeprefix("page "))
    return texts("configuration_by", who=who)


def proposal(look: Look, texts: Texts) -> dict[str, Any]:
    """A look, with the sentence above it: what would change, that nothing would, or that it cannot be loaded."""
    name = "refused" if not look.can_load else "unchanged" if not look.difference else "changes"
    number = look.number or ""
    title = texts(f"configuration_{name}" if look.number is None else f"configuration_back_{name}", number=number)
    may = look.can_load and bool(look.difference)
    return {**asdict(look), "title": title, "may": may, "do": texts("configuration_do", number=number)}


def outcome(done: Done, texts: Texts) -> dict[str, Any]:
    said = texts("configuration_done", number=done.release) if done.release else texts("configuration_unchanged")
    return {"said": said, "title": texts("configuration_changed"), "difference": done.difference}

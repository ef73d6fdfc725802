"""`/public/…`: the pages for citizens, whom anybody may let in from outside. They write to us, and follow their case.

All else of this desk stays closed to whoever comes so. No script, no cookie: each page is a form and its answer.
"""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Protocol
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment

from cases.case_number import in_groups
from cases.requester import Region, Requester
from cases.standing import CitizensView
from cases.state import WORDS_MAX
from web import public_form
from web.configuration import ChangeRefused
from web.form_tokens import Doubt, FormTokens
from web.guards import PUBLIC, comes_from_elsewhere
from web.limits import Limit
from web.public_form import LINE_MAX, Form, Site
from web.public_texts import PUBLIC_TEXTS
from web.texts import LANGUAGES, Texts, choose_language

FORMS_MAX, FORMS_WITHIN_S = 20, 3600.0  # of one address: a shared one in an office is not shut out
WRONG_MAX, WRONG_WITHIN_S = 20, 3600.0
BODY_WITHIN_S = 30.0
ANSWER_AFTER_S = 0.4  # so that the time says nothing of what was wrong: longer than any of it takes
TRAP = "website"  # no person sees it; robots fill in what they find

log = logging.getLogger("centralino.web.public")
LanguageAsked = Annotated[str | None, Query(max_length=10)]


@dataclass(frozen=True, slots=True)
class Taken:
    """The case of what was taken in, and the code that proves it to be theirs."""

    case: str
    code: str


class Public(Protocol):
    """All but `site` and `now_s` raise ConnectionError while the engine or the database is away."""

    def site(self) -> Site | None:
        """None: there are no public pages."""

    def secret(self) -> str:
        """Of this installation."""

    def now_s(self) -> float:
        """Since 1970."""

    async def take_in(self, values: Mapping[str, str], once: str, language: str) -> Taken:
        """Keep what a citizen wrote, and acknowledge it; what came before with the same `once` is there already. Raises
        ChangeRefused.
        """

    async def look(self, number: str, proof: str) -> CitizensView | None:
        """How a case stands, in the time of its place; None: number and proof fit none, or too many were wrong."""


def public_router(public: Public, environment: Environment) -> APIRouter:
    pages = _Pages(public, environment)
    router = APIRouter(prefix=PUBLIC, include_in_schema=False, dependencies=[Depends(pages.site)])

    @router.get("/")
    async def begin() -> RedirectResponse:
        return RedirectResponse(f"{PUBLIC}/write", 303)

    @router.get("/write")
    async def empty_form(request: Request, lang: LanguageAsked = None) -> HTMLResponse:
        return pages.form(_texts(request, lang), public_form.empty(pages.site()), pages.new_token())

    @router.post("/write")
    async def send(request: Request, lang: LanguageAsked = None) -> HTMLResponse:
        return await pages.take_in(request, _texts(request, lang))

    @router.get("/case")
    async def ask(request: Request, lang: LanguageAsked = None) -> HTMLResponse:
        return pages.case(_texts(request, lang), _Look())

    @router.post("/case")
    async def show(request: Request, lang: LanguageAsked = None) -> HTMLResponse:
        return await pages.look(request, _texts(request, lang))

    return router


class _Pages:
    def __init__(self, public: Public, environment: Environment) -> None:
        self._public, self._tokens = public, FormTokens(public.secret())
        self._write, self._taken, self._case = (
            environment.get_template(f"public_{name}.html") for name in ("write", "taken", "case")
        )
        self._forms, self._wrong = Limit(FORMS_MAX, FORMS_WITHIN_S), Limit(WRONG_MAX, WRONG_WITHIN_S)

    def site(self) -> Site:
        """404 where there are no public pages."""
        site = self._public.site()
        if site is None:
            raise HTTPException(404)
        return site

    def new_token(self) -> str:
        return self._tokens.made(self._public.now_s())

    # the form

    async def take_in(self, request: Request, texts: Texts) -> HTMLResponse:
        sent, site = await _sent(request), self.site()
        if sent is None:
            return self.form(texts, public_form.empty(site), self.new_token(), _Said("too_long", 413))
        form, token = public_form.read(sent, site), self._tokens.read(sent.get("token", ""), self._public.now_s())
        doubt = token if isinstance(token, Doubt) else None
        bears = sent["token"] if doubt in (None, Doubt.TOO_FAST) else self.new_token()
        if comes_from_elsewhere(request) or sent.get(TRAP):
            doubt = Doubt.NOT_OURS
        if form.errors:
            return self.form(texts, form, bears, _Said("", 422))
        if isinstance(token, Doubt) or doubt:
            return self.form(texts, form, bears, _Said(f"doubt.{doubt}", 422))
        if self._forms.is_reached(client := _client(request), self._public.now_s()):
            return self.form(texts, form, bears, _Said("too_often", 429))
        self._forms.count(client, self._public.now_s())
        return await self._keep(texts, form, bears, form.fingerprint(token.nonce))

    async def _keep(self, texts: Texts, form: Form, bears: str, once: str) -> HTMLResponse:
        try:
            taken = await self._public.take_in(form.values, once, texts.language)
        except ConnectionError as away:
            log.warning("what a citizen wrote could not be taken in: %s", away)
            return self.form(texts, form, bears, _Said("away", 503))
        except ChangeRefused as refused:  # the configuration has changed since the form was read
            log.warning("what a citizen wrote was refused: %s", refused)
            return self.form(texts, form, bears, _Said("away", 409))
        told = {"case": in_groups(taken.case), "code": taken.code, "mail": form.values["mail"]}
        return _html(self._taken.render(t=texts, **self._around("write", languages=()), **told), 200)

    def form(self, texts: Texts, form: Form, token: str, said: "_Said | None" = None) -> HTMLResponse:
        """The form with what was written in it. `said`: why it comes back."""
        said = said or _Said("", 200)
        numbers = {"most": WORDS_MAX, "line": LINE_MAX, "length": len(form.values["words"])}
        known: dict[str, Any] = {"site": self.site(), "form": form, "token": token, "trap": TRAP, "most": WORDS_MAX}
        known["errors"] = {name: texts(error, **numbers) for name, error in form.errors.items()}
        known["trouble"] = texts(said.what, **numbers) if said.what else ""
        known["requesters"] = [(one, texts(f"requester.{one}")) for one in Requester]
        known["regions"] = [(one, texts("abroad") if one is Region.ABROAD else one) for one in Region]
        around = self._around("write", languages=() if said.status != 200 else LANGUAGES)
        return _html(self._write.render(t=texts, **around, **known), said.status)

    # the state of a case

    async def look(self, request: Request, texts: Texts) -> HTMLResponse:
        sent = await _sent(request) or {}
        asked = {name: sent.get(name, "").strip()[:40] for name in ("number", "proof")}
        missing = {name: texts(f"error_{name}") for name, value in asked.items() if not value}
        if missing:
            return self.case(texts, _Look(422, asked, errors=missing))
        client, now_s = _client(request), self._public.now_s()
        if self._wrong.is_reached(client, now_s):
            return self.case(texts, _Look(429, asked, trouble=("not_now", "look_too_often")))
        self._wrong.count(client, now_s)  # before it is known: many may ask at once
        try:
            found = await _after(ANSWER_AFTER_S, self._public.look(asked["number"], asked["proof"]))
        except ConnectionError as away:
            self._wrong.take_back(client)
            log.warning("a citizen's case could not be looked up: %s", away)
            return self.case(texts, _Look(503, asked, trouble=("not_now", "look_away")))
        if found is None:
            return self.case(texts, _Look(404, asked, trouble=("nothing_found", "not_found")))
        self._wrong.take_back(client)
        return self.case(texts, _Look(200, asked, found=_shown(found, asked["number"], texts)))

    def case(self, texts: Texts, look: "_Look") -> HTMLResponse:
        """The page that asks for number and proof, with what came of those that were given."""
        known: dict[str, Any] = {"asked": look.asked, "found": look.found, "errors": look.errors}
        known["trouble"] = [texts(line) for line in look.trouble]
        return _html(self._case.render(t=texts, **self._around("case"), **known), look.status)

    def _around(self, page: str, languages: tuple[str, ...] = LANGUAGES) -> dict[str, Any]:
        """`languages`: none where another would lose what stands on the page."""
        return {"page": page, "base": PUBLIC, "languages": languages}


@dataclass(frozen=True, slots=True)
class _Said:
    """Why a form comes back: the name of a text (empty: its fields say it), and the status of HTTP."""

    what: str
    status: int


@dataclass(frozen=True, slots=True)
class _Look:
    """What was asked for, and what came of it. `trouble`: the names of two texts, in short and at length."""

    status: int = 200
    asked: Mapping[str, str] = field(default_factory=lambda: {"number": "", "proof": ""})
    found: Mapping[str, str] | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    trouble: tuple[str, ...] = ()


def _shown(view: CitizensView, number: str, texts: Texts) -> dict[str, str]:
    facts = {"case": number, "stage": texts(f"stage.{view.stage}"), "since": f"{view.since:{texts('day')}}", "due": ""}
    if view.due_at:
        facts["due"] = _due(view.due_at, texts)
    return facts


def _due(at: datetime, texts: Texts) -> str:
    """The end of a day is that day, not the midnight after it."""
    if (at.hour, at.minute) == (0, 0):
        return f"{at - timedelta(minutes=1):{texts('day')}}"
    return f"{at:{texts('minute')}}"


def _texts(request: Request, lang: str | None) -> Texts:
    return Texts(choose_language(lang, request.headers.get("accept-language", "")), PUBLIC_TEXTS)


def _client(request: Request) -> str:
    """Who asks: what the proxy on this machine says, which uvicorn believes of nobody else."""
    return request.client.host if request.client else ""


async def _sent(request: Request) -> dict[str, str] | None:
    """The fields of a form; None: it is longer than any that a page could show again. 408, 415."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise HTTPException(415, "send a form")
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            body = await request.body()
    except TimeoutError:
        raise HTTPException(408, "the form did not arrive in time") from None
    except HTTPException as refused:
        if refused.status_code != 413:
            raise
        return None
    return _fields(body)


def _fields(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=40))
    except ValueError:
        raise HTTPException(400, "that is no form of ours") from None


async def _after(seconds: float, asking: Awaitable[CitizensView | None]) -> CitizensView | None:
    """What is asked for, not before so many seconds."""
    waited = asyncio.create_task(asyncio.sleep(seconds))
    try:
        return await asking
    finally:
        await waited


def _html(page: str, status: int) -> HTMLResponse:
    return HTMLResponse(page, status, {"Cache-Control": "no-store", "Vary": "Accept-Language"})

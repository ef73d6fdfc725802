"""The desk's web: the page of now, the API, the metrics, and whether a call can be answered.

The page and its stream are served to this machine only and without log-in, until there is one. Requests under a foreign
host name are refused, so that no web site can reach them through a visitor's browser (DNS rebinding). Under the name of
the public site (web/public.py) there are its pages, and nothing else.
"""

from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from supervision.metrics import exposition
from web import view
from web.api import Records, Sources, Trouble, api, piece, stream
from web.configuration import ChangeRefused, page_router, panel
from web.guards import (
    BODY_BYTES_MAX,
    FORM_BYTES_MAX,
    PUBLIC,
    from_this_machine,
    host_name,
    is_loopback,
    is_public,
)
from web.live import Away, Beat, Changed, Live, TooManyWatchers, Whole
from web.public import public_router
from web.public_form import Site
from web.texts import LANGUAGES, Texts, choose_language

__all__ = ["Records", "Sources", "create_app"]

HERE = Path(__file__).parent
LanguageAsked = Annotated[str | None, Query(max_length=10)]
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PUBLIC_HEADERS = SECURITY_HEADERS | {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
}


def create_app(sources: Sources) -> FastAPI:
    """The whole web, on these sources."""
    app = FastAPI(title="Centralino", version="1", openapi_url="/api/openapi.json", docs_url=None, redoc_url=None)
    app.include_router(api(sources))
    app.include_router(page_router(sources.configurations))
    environment = _environment()
    _add_page(app, environment.get_template("now.html"), sources)
    app.include_router(public_router(sources.public, environment))
    _add_health(app, sources)
    for place in ("/static", f"{PUBLIC}/static"):
        app.mount(place, StaticFiles(directory=HERE / "static"))
    app.add_exception_handler(StarletteHTTPException, _say_error)
    app.add_exception_handler(RequestValidationError, _say_out_of_bounds)
    app.add_exception_handler(ConnectionError, _say_away)
    app.add_exception_handler(ChangeRefused, _say_refused)
    app.add_middleware(Guarded, names=sources.names, site=sources.public.site)
    return app


def _add_page(app: FastAPI, page: Template, sources: Sources) -> None:
    live, configurations = sources.live, sources.configurations

    @app.get("/", include_in_schema=False, dependencies=[Depends(from_this_machine)])
    async def now(request: Request, lang: LanguageAsked = None) -> HTMLResponse:
        texts = Texts(choose_language(lang, request.headers.get("accept-language", "")))
        state = view.whole(live.state, live.now_s(), texts) if live.connected else None
        known = {"languages": LANGUAGES, "state": state, "why_away": live.why_away, "clock": view.clock}
        html = page.render(t=texts, configuration=await panel(configurations, texts), **known)
        return HTMLResponse(html, headers={"Cache-Control": "no-store", "Vary": "Accept-Language"})

    @app.get("/live", include_in_schema=False, dependencies=[Depends(from_this_machine)])
    async def as_it_happens(lang: LanguageAsked = None) -> StreamingResponse:
        return stream(_for_the_page(live, Texts(choose_language(lang, ""))))


def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined)
    environment.globals["static"] = _static
    return environment


def _static(name: str) -> str:
    """The address of a static file; it changes with the file, so that no browser keeps an old one."""
    return f"/static/{name}?v={sha256((HERE / 'static' / name).read_bytes()).hexdigest()[:12]}"


async def _for_the_page(live: Live, texts: Texts) -> AsyncIterator[bytes]:
    try:
        async for news in live.watch():
            match news:
                case Whole():
                    yield piece("whole", view.whole(live.state, live.now_s(), texts))
                case Changed(changes):
                    yield piece("changed", view.changed(live.state, changes, live.now_s(), texts))
                case Away(why):
                    yield piece("away", {"why": why})
                case Beat():
                    yield piece("beat", {})
    except TooManyWatchers as full:
        yield piece("away", {"why": str(full)})


def _add_health(app: FastAPI, sources: Sources) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> JSONResponse:
        """200 only while a call that comes in can be answered."""
        why = await _why_not(sources)
        if why:
            return JSONResponse({"can_answer": False, "why": why}, 503, {"Cache-Control": "no-store"})
        return JSONResponse({"can_answer": True}, headers={"Cache-Control": "no-store"})

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        try:
            snapshot = await sources.ask_engine()
        except ConnectionError:
            snapshot = None  # said by centralino_engine_connected
        page, content_type = exposition(snapshot, request.headers.get("accept", ""))
        return Response(page, media_type=content_type)


async def _why_not(sources: Sources) -> str:
    """Why no call can be answered now; empty: one can. Asks the engine itself: a frozen one must not look healthy."""
    try:
        snapshot = await sources.ask_engine()
    except ConnectionError as away:
        return str(away)
    return "" if snapshot["can_answer"] else snapshot["why_not"] or "the engine does not say why"


def _say_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    return JSONResponse(Trouble(error=str(error.detail)).model_dump(), error.status_code, error.headers)


def _say_out_of_bounds(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    said = "; ".join(f"{problem['loc'][-1]}: {problem['msg']}" for problem in error.errors())
    return JSONResponse(Trouble(error=said).model_dump(), 422)


def _say_away(_: Request, error: Exception) -> Response:
    return JSONResponse(Trouble(error=str(error)).model_dump(), 503)


def _say_refused(_: Request, error: Exception) -> Response:
    return JSONResponse(Trouble(error=str(error)).model_dump(), 409)


class Guarded:
    """Around everything: only our own host names and short bodies come in; every answer has the security headers. Under
    the host name of the public `site` there is nothing but that.
    """

    def __init__(self, app: ASGIApp, names: frozenset[str], site: Callable[[], Site | None]) -> None:
        self._app, self._site = app, site
        self._names = names | {"localhost"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        public = is_public(scope["path"])
        guarding = PUBLIC_HEADERS if public else SECURITY_HEADERS

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in guarding.items():
                    headers[name] = value
            await send(message)

        bounded = _bounded(receive, FORM_BYTES_MAX if public else BODY_BYTES_MAX)
        await self._for_host(scope)(scope, bounded, send_guarded)

    def _for_host(self, scope: Scope) -> ASGIApp:
        host, path = host_name(Headers(scope=scope).get("host", "")), scope["path"]
        # the address the request came in at can not be a name that somebody else's DNS points at us
        if host in self._names or is_loopback(host) or host == (scope.get("server") or ("",))[0]:
            return self._app
        site = self._site()
        if site is None or host != site.host:
            return JSONResponse(Trouble(error="this desk is not known under that host name").model_dump(), 421)
        if is_public(path):
            return self._app
        if path == "/":
            return RedirectResponse(f"{PUBLIC}/", 303)
        return JSONResponse(Trouble(error="there is no such page").model_dump(), 404)


def _bounded(receive: Receive, bytes_max: int) -> Receive:
    """`receive`, until a body is longer than ours can be: nobody fills our memory, with or without a token."""
    taken_bytes = 0

    async def receive_bounded() -> Message:
        nonlocal taken_bytes
        message = await receive()
        taken_bytes += len(message.get("body", b""))
        if taken_bytes > bytes_max:
            raise HTTPException(413, f"a request holds at most {bytes_max} bytes")
        return message

    return receive_bounded

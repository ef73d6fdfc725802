"""The desk: the process for people. Pages and API, on uvicorn; the SSH console, on Twisted; all on one uvloop.

It reads the database and follows the engine through the door; it runs on, and says so, where the engine is away.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
import uvloop

from cases.deadlines import Seen
from cases.history import Classified
from cases.sheets import BadQuestion, Sheet
from cases.sheets_store import Found, Question
from cases.state import CaseRefused
from cases.voicemails import Message
from centralino import knowledge, reports, voicemail_desk
from centralino.asking import visit
from centralino.attachment_desk import AttachmentDesk
from centralino.case_desk import Around, Asked, CaseDesk, Wanted, Written, telling_of
from centralino.changes import Changes
from centralino.clock import as_utc
from centralino.database import Database, DatabaseAway, open_database
from centralino.door import CommandRefused, DoorClient, door_path
from centralino.guardian import on_guardians_death
from centralino.instance import Instance
from centralino.mail_desk import AroundMail, MailDesk
from centralino.mailings import Mailings
from centralino.mailings import Sources as MailingSources
from centralino.post_office import post_office
from centralino.public_desk import PublicDesk
from centralino.recording_desk import RecordingDesk
from centralino.releases import InForce, Releases
from centralino.voicemail_desk import VoicemailDesk
from recordings.files import Shelf
from supervision import store
from supervision.case_report import CaseReport
from web.api import Records, Sources
from web.app import create_app
from web.cases import Cases
from web.configuration import ChangeRefused
from web.knowledge import Knowledge
from web.live import Live
from web.public import Public
from web.recordings import Recordings
from web.tokens import Tokens
from web.voicemails import Voicemails

LAST_ANSWERS_WITHIN_S = 2
ASK_WITHIN_S = 1.0  # why so short: an engine that needs longer for a snapshot is in no state to take calls

RECORDS_WITHIN_S = 5.0

Rows = TypeVar("Rows")
Work = Callable[[asyncio.Event], Awaitable[None]]

log = logging.getLogger("centralino.desk")


class PortTaken(OSError):
    """Somebody else listens where the desk should."""


class WebServer(uvicorn.Server):
    """Uvicorn without its signals: the process has one place that is told to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True, slots=True)
class Place:
    """Where a desk works: its STATE folder, its doors (host, port), and the folder with the YAML that people edit.

    `names` are host names, besides loopback, under which the web may be asked. `guarded`: it stops also when the
    guardian is gone.
    """

    state: Path
    deployment: Path
    web: tuple[str, int] = ("127.0.0.1", 8055)
    console: tuple[str, int] | None = None
    mail: tuple[str, int] | None = None
    time_zone: tzinfo = UTC
    names: frozenset[str] = frozenset()
    guarded: bool = False


@dataclass(frozen=True, slots=True)
class Shelves:
    """What a desk has at hand: what is so now, and what stands on record."""

    live: Live
    records: Records
    cases: Cases
    voicemails: Voicemails
    recordings: Recordings
    knowledge: Knowledge
    public: Public


async def run_desk(place: Place, listener: socket.socket, shelves: Shelves, stop: asyncio.Event) -> None:
    """Serve the web until `stop` is set, then end within about `LAST_ANSWERS_WITHIN_S`. `listener`: see `listen_at`.

    Raises RuntimeError where the web server or the line to the engine ended by itself.
    """
    live = shelves.live
    client = DoorClient(door_path(place.state), live)
    changes = Changes(client, Releases(place.state / "configurations"), place.deployment, place.time_zone)
    command = partial(command_engine, client)
    sources = Sources(
        live,
        shelves.records,
        shelves.cases,
        shelves.voicemails,
        shelves.recordings,
        shelves.knowledge,
        shelves.public,
        Tokens(place.state),
        lambda: fresh_snapshot(client),
        changes,
        command,
        place.names,
    )
    server = web_server(sources)
    following = asyncio.create_task(client.follow(), name="follow the engine")
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="serve the web")
    stopping = asyncio.create_task(stop.wait(), name="wait for the stop")
    log.info("the desk listens at http://%s:%d", *listener.getsockname()[:2])
    await asyncio.wait({following, serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    live.close()  # open streams end by themselves, so that the web server need not cut them
    server.should_exit = True
    await serving
    following.cancel()
    stopping.cancel()
    ended = await asyncio.gather(following, stopping, return_exceptions=True)
    if not stop.is_set():
        raise RuntimeError(f"the desk ended by itself: {ended[0]!r}")


def web_server(sources: Sources) -> WebServer:
    """The web server for these sources, not yet listening."""
    config = uvicorn.Config(
        create_app(sources),
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        forwarded_allow_ips="127.0.0.1",
        timeout_graceful_shutdown=LAST_ANSWERS_WITHIN_S,
        limit_concurrency=500,
    )
    return WebServer(config)


async def fresh_snapshot(client: DoorClient) -> dict[str, Any]:
    """What the engine says now, within `ASK_WITHIN_S`. Raises EngineAway, or ConnectionError where it is too slow."""
    try:
        async with asyncio.timeout(ASK_WITHIN_S):
            return await client.command("door.snapshot")
    except TimeoutError:
        raise ConnectionError(f"the engine has not answered for {ASK_WITHIN_S:g} s") from None


async def command_engine(client: DoorClient, name: str, args: dict[str, Any]) -> dict[str, Any]:
    """Let the engine carry out a command. Raises EngineAway, or ChangeRefused."""
    try:
        return await client.command(name, **args)
    except CommandRefused as refused:
        raise ChangeRefused(str(refused)) from refused


def listen_at(host: str, port: int) -> socket.socket:
    """A socket that listens at `host` and `port`. Raises PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortTaken(f"the desk cannot listen at {host}:{port}: {error.strerror}") from error
    listener.setblocking(False)
    return listener


class DatabaseRecords:
    """The records, from the database. Raises ConnectionError while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def recent_calls(self, limit: int) -> Sequence[store.Call]:
        return await _asked(store.recent_calls(self._database, limit))

    async def call(self, id: str) -> store.Call | None:
        return await _asked(store.call(self._database, id))

    async def recent_own_calls(self, limit: int) -> Sequence[store.OwnCall]:
        return await _asked(store.recent_own_calls(self._database, limit))

    async def own_call(self, id: str) -> store.OwnCall | None:
        return await _asked(store.own_call(self._database, id))

    async def events_of(self, id: str) -> Sequence[store.LoggedEvent]:
        return await _asked(store.events_of(self._database, id))


class DatabaseCases:
    """The cases, from the database. Raises ConnectionError while it is away."""

    def __init__(self, desk: CaseDesk, attachments: AttachmentDesk) -> None:
        self._desk, self._attachments = desk, attachments

    async def cases(self, wanted: dict[str, Any]) -> Sequence[Seen]:
        return await _asked(self._desk.cases(Wanted(**wanted)))

    async def report(self, asked: dict[str, str]) -> CaseReport:
        return await _done_or_refused(self._desk.report(reports.Asked(**asked)))

    async def case(self, number: str) -> Seen | None:
        return await _asked(self._desk.case(number))

    async def take_in(self, written: dict[str, Any]) -> Seen:
        _, seen = await _done_or_refused(self._desk.take_in(Written(**written)))
        return seen

    async def take_out(self, number: str, id: int, by: str, agent: str) -> tuple[str, bytes]:
        attachment, content = await _done_or_refused(self._attachments.take_out(number, id, by, agent))
        return attachment.name, content

    async def work(self, number: str, act: str, asked: dict[str, Any]) -> Seen:
        said = Classified(*(asked.pop(field.name) for field in fields(Classified)))
        return await _done_or_refused(self._desk.work(number, Asked(act, **asked, classified=said)))


class DatabaseVoicemails:
    """The messages that callers left. Raises ConnectionError while the database is away, else ChangeRefused."""

    def __init__(self, desk: VoicemailDesk) -> None:
        self._desk = desk

    async def to_be_worked_through(self, box: str) -> Sequence[Message]:
        return await _done_or_refused(self._desk.to_be_worked_through(box))

    async def newest_messages(self, box: str) -> Sequence[Message]:
        return await _done_or_refused(self._desk.newest(box))

    async def work_on_message(self, call: str, act: str, asked: dict[str, Any]) -> Message:
        return await _done_or_refused(self._desk.work(call, voicemail_desk.Asked(act, **asked)))

    async def listen_to(self, call: str, by: str, agent: str) -> bytes:
        return await _done_or_refused(self._desk.listen(call, by, agent))


class DatabaseRecordings:
    """Recordings. Raises ConnectionError while the database is away, else ChangeRefused."""

    def __init__(self, desk: RecordingDesk) -> None:
        self._desk = desk

    async def recordings(self, queue: str, *, due: bool, deleted: bool) -> Sequence[dict[str, Any]]:
        ask = self._desk.deleted if deleted else self._desk.due if due else self._desk.kept
        return [one.facts() for one in await _done_or_refused(ask(queue))]

    async def listen_to_talk(self, name: str, by: str, agent: str) -> bytes:
        return await _done_or_refused(self._desk.listen(name, by, agent))


async def _done_or_refused(asking: Awaitable[Rows]) -> Rows:
    try:
        return await _asked(asking)
    except CaseRefused as refused:
        raise ChangeRefused(str(refused)) from refused


class DatabaseKnowledge:
    """The sheets, from the database. Raises ConnectionError while it is away."""

    def __init__(self, knowledge: knowledge.Knowledge) -> None:
        self._knowledge = knowledge

    async def search(self, words: str, entity: str, kind: str, limit: int) -> Sequence[dict[str, Any]]:
        question = Question(words, entity, kind, limit)
        return [self._facts(one.sheet) | {"snippet": one.snippet} for one in await self._ask_for(question)]

    async def sheet(self, id: str) -> dict[str, Any] | None:
        found = await _asked(self._knowledge.sheet(id))
        return self._facts(found) | {"body": found.body} if found else None

    async def outdated(self) -> Sequence[dict[str, Any]]:
        return [self._facts(one) for one in await _asked(self._knowledge.outdated())]

    async def _ask_for(self, question: Question) -> Sequence[Found]:
        try:
            return await _asked(self._knowledge.search(question))
        except BadQuestion as bad:
            raise ChangeRefused(str(bad)) from bad

    def _facts(self, sheet: Sheet) -> dict[str, Any]:
        return knowledge.facts(sheet, self._knowledge.today())


async def _asked(asking: Awaitable[Rows]) -> Rows:
    try:
        async with asyncio.timeout(RECORDS_WITHIN_S):
            return await asking
    except (DatabaseAway, TimeoutError) as away:
        log.warning("the database cannot be asked: %s", away)
        raise ConnectionError("the database cannot be asked now; the desk's log says why") from away


def serve(place: Place, database_url: str) -> int:
    """The whole desk, until SIGTERM or SIGINT; the exit code. Raises PortTaken where the web has no place."""
    listener = listen_at(*place.web)
    database, live = open_database(database_url), Live()
    configuration = InForce(place.deployment, place.state / "configurations")
    instance = Instance(place.deployment, place.state)
    shelf = Shelf(instance.recordings, instance.recording_keys)
    secrets = instance.secrets(frozenset())

    def now() -> datetime:
        return as_utc(live.now_s() if live.connected else time.time())

    async def engine(name: str, args: dict[str, str]) -> dict[str, Any]:
        return await visit(place.state, lambda door: door.command(name, **args))

    async def prove(case: str, proven: bool) -> bool:
        told = await visit(place.state, lambda door: door.command("cases.prove", case=case, proven=proven))
        return bool(told["is_let_in"])

    case_desk = CaseDesk(database, Around(configuration, now, engine, secrets.case_codes))
    cases = DatabaseCases(case_desk, AttachmentDesk(database, configuration, now, place.state))
    telling = partial(telling_of, case_codes=secrets.case_codes)
    mail_desk = MailDesk(database, AroundMail(configuration, now, telling, place.state))
    voicemails = DatabaseVoicemails(VoicemailDesk(database, configuration, now, shelf))
    recordings = DatabaseRecordings(RecordingDesk(database, configuration, now, shelf))
    sheets = knowledge.Knowledge(database, configuration, lambda: now().astimezone(place.time_zone).date())
    public = PublicDesk(cases, configuration, prove, secrets.case_codes, now)
    shelves = Shelves(live, DatabaseRecords(database), cases, voicemails, recordings, DatabaseKnowledge(sheets), public)
    keeper = knowledge.SheetKeeper(database, place.state / "configurations")
    mailings = Mailings(database, MailingSources(configuration, now, shelf.folder))

    async def work(stop: asyncio.Event) -> None:
        if place.guarded:
            on_guardians_death(stop)
        beside = [
            asyncio.create_task(keeper.run(), name="keep the sheets"),
            asyncio.create_task(mailings.run(), name="write to owners"),
        ]
        try:
            async with (
                console_beside(place),
                post_office(database, place.state, configuration, now),
                mail_beside(place, mail_desk),
            ):
                await run_desk(place, listener, shelves, stop)
        finally:
            for one in beside:
                one.cancel()
            await asyncio.wait(beside)
            await database.close()

    return on_reactor(work)


@asynccontextmanager
async def mail_beside(place: Place, desk: MailDesk) -> AsyncIterator[None]:
    """The server that takes mail in, where it can be served; where not, the log says why, and all else is served."""
    intake = None
    if place.mail:
        from centralino.mail_intake import CannotServe, MailIntake  # only now, as for the console

        try:
            intake = MailIntake.open(desk, place.state, listen_at(*place.mail), desk.host)
        except (PortTaken, CannotServe) as why:
            log.error("no mail can come in: %s", why)
    try:
        yield
    finally:
        if intake:
            await intake.close()


@asynccontextmanager
async def console_beside(place: Place) -> AsyncIterator[None]:
    """The SSH console, where it can be served; where not, the log says why, and the pages are served all the same."""
    console = None
    if place.console:
        from console.server import CannotServe, Console  # only now: the reactor has been chosen

        try:
            console = Console.open(place.state, place.deployment, listen_at(*place.console))
        except (PortTaken, CannotServe) as why:
            log.error("there is no console: %s", why)
    try:
        yield
    finally:
        if console:
            await console.close()


def _log_by_logging() -> None:
    """What Twisted says goes to the desk's log, where it is a warning or worse."""
    from twisted.logger import STDLibLogObserver, globalLogBeginner

    logging.getLogger("twisted").setLevel(logging.WARNING)
    globalLogBeginner.beginLoggingTo([STDLibLogObserver()], discardBuffer=True, redirectStandardIO=False)


def on_reactor(work: Work) -> int:
    """Run `work(stop)` on Twisted's reactor on uvloop; SIGTERM and SIGINT set `stop`. The exit code: 0, or 1 and a log.

    Call it before anything imports `twisted.internet.reactor`: the reactor can be chosen only once.
    """
    from twisted.internet import asyncioreactor

    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)
    from twisted.internet import reactor as installed

    _log_by_logging()
    reactor: Any = installed  # its types do not know `installSignalHandlers`

    failed: list[BaseException] = []

    async def whole() -> None:
        stop = asyncio.Event()
        for told in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(told, stop.set)
        try:
            await work(stop)
        except Exception as error:
            log.critical("the desk stops: %s", error, exc_info=error)
            failed.append(error)
        finally:
            reactor.stop()

    tasks: list[asyncio.Task[None]] = []
    reactor.callWhenRunning(lambda: tasks.append(loop.create_task(whole())))
    reactor.run(installSignalHandlers=False)
    return 1 if failed else 0

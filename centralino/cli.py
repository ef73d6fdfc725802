"""The command line: what people type. Each command looks or asks; none decides.

What a command needs it imports itself: a look at the queues must not wait for the database's library.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from agents.state import AfterReset
from centralino import shown
from centralino.asking import ask, run_loop
from centralino.call_back_commands import call_backs_app
from centralino.call_commands import add_call_commands
from centralino.case_commands import add_case_commands
from centralino.durations import NotADuration, seconds
from centralino.installed import engines_time_s, in_force, instance_at, snapshot, with_database
from centralino.knowledge_commands import knowledge_app
from centralino.options import HERE, PROBLEM, VAR, AsJson, Config, PortOffset, State, Stop, by_whom, instant
from centralino.outbox_commands import outbox_app
from centralino.person_commands import add_person_command
from centralino.provision_command import add_provision_command
from centralino.recording_commands import add_recording_commands
from centralino.report_commands import report
from centralino.simulate_commands import add_simulate_commands
from centralino.site_commands import sites_app
from centralino.voicemail_commands import add_voicemail_commands
from centralino.yaml_commands import add_yaml_commands
from web.tokens import Role, make_token

if TYPE_CHECKING:
    from centralino.database import Database
    from centralino.settings import Configuration

app = typer.Typer(
    help="One number for a whole city.", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=True
)
agents_app = typer.Typer(help="Who is here and what they do; and sign agents in and out.")
add_yaml_commands(app)
add_simulate_commands(app)
add_call_commands(app)
add_case_commands(app)
add_voicemail_commands(app)
add_recording_commands(app)
add_person_command(app)
add_provision_command(agents_app)
app.add_typer(agents_app, name="agents", invoke_without_command=True)
app.add_typer(knowledge_app, name="knowledge")
app.add_typer(outbox_app, name="outbox")
app.add_typer(sites_app, name="sites")
app.add_typer(call_backs_app, name="call-backs")
app.add_typer(report, name="report")

StartsAt = Annotated[
    str | None, typer.Option("--clock", help="Start our clock there (2026-11-22T21:00, local); needs `testing: true`.")
]
Guarded = Annotated[bool, typer.Option("--guarded", help="Stop when standard input ends.")]


def main() -> None:
    """The entry point. Errors that a person can cause are sentences, never tracebacks."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if isinstance(error, OSError) and error.filename:
            _fail(f"{error.filename}: {error.strerror}")
        if not isinstance(error, _told_to_people()):
            raise
        _fail(str(error))


def _told_to_people() -> tuple[type[Exception], ...]:
    """The errors whose text is a sentence for the person at the terminal."""
    from asterisk.account import CannotMakeUser
    from asterisk.configuration import CannotWrite
    from asterisk.installer import CannotInstall
    from asterisk.ports import NoSuchAddress, PortBusy
    from asterisk.process import CannotStart
    from centralino.door import CommandRefused, DoorTaken, EngineAway
    from centralino.instance import CannotKeep
    from centralino.journal import JournalError
    from centralino.settings import BrokenConfiguration
    from centralino.trying import UnknownNumber
    from supervision.audit import UnreadableCdr

    asterisks = (PortBusy, NoSuchAddress, CannotStart, CannotInstall, CannotWrite, CannotMakeUser)
    ours = (CommandRefused, EngineAway, DoorTaken, JournalError, CannotKeep, UnreadableCdr, UnknownNumber)
    return (Stop, BrokenConfiguration, *ours, *asterisks)


def _fail(sentence: str) -> None:
    print(sentence, file=sys.stderr)  # noqa: T201
    sys.exit(PROBLEM)


# --- running


@app.command()
def run(config: Config = HERE, state: State = VAR, port_offset: PortOffset = 0, clock: StartsAt = None) -> None:
    """Start everything, keep it running, and stop it cleanly at SIGTERM or Ctrl-C."""
    from centralino.releases import to_start_with
    from centralino.running import AlreadyRunning, Runner

    shown.log_to_stderr()
    instance = instance_at(config, state, port_offset)
    configuration, folder, told = to_start_with(config, instance.configurations)
    if told:
        typer.echo(told, err=True)
    offset_s = _clock_offset_s(clock, configuration)
    try:
        asyncio.run(Runner(configuration, instance, folder, offset_s).run(Console()))
    except AlreadyRunning as other:
        raise Stop(str(other)) from other


@app.command(hidden=True)
def engine(
    config: Config = HERE,
    state: State = VAR,
    port_offset: PortOffset = 0,
    clock_offset: Annotated[float, typer.Option("--clock-offset")] = 0.0,
    heartbeat_fd: Annotated[int, typer.Option("--heartbeat-fd")] = -1,
    guarded: Guarded = False,
) -> None:
    """The process that runs the calls (started by `run`)."""
    from centralino import settings
    from centralino.engine import Engine, Life
    from centralino.guardian import on_guardians_death, on_stop_signals

    shown.log_to_file(state / "log" / "engine.log")
    configuration = settings.load(config)
    life = Life(clock_offset, heartbeat_fd)

    async def live() -> None:
        stop = asyncio.Event()
        on_stop_signals(stop)
        if guarded:
            on_guardians_death(stop)
        await Engine(configuration, instance_at(config, state, port_offset), life).run(stop)

    run_loop(live())


@app.command(hidden=True)
def desk(
    config: Config = HERE,
    state: State = VAR,
    port_offset: PortOffset = 0,
    deployment: Annotated[Path | None, typer.Option("--deployment", help="The YAML that people edit.")] = None,
    guarded: Guarded = False,
) -> None:
    """The process for people: web pages, API, SSH console and mail (started by `run`)."""
    from centralino import settings
    from centralino.database import database_url
    from centralino.desk import Place, PortTaken, serve
    from centralino.guardian import pages_after_calls

    pages_after_calls()
    shown.log_to_file(state / "log" / "desk.log")
    configuration = settings.load(config)
    instance = instance_at(config, state, port_offset)
    ours = configuration.settings
    place = Place(
        instance.state,
        (deployment or config).absolute(),
        web=(ours.web_host, instance.web_port(configuration)),
        console=(ours.console_host, instance.console_port(configuration)),
        mail=(ours.mail_host, instance.mail_port(configuration)),
        time_zone=ours.time_zone,
        guarded=guarded,
    )
    try:
        code = serve(place, database_url(ours.database, state.absolute()))
    except PortTaken as taken:
        raise Stop(str(taken)) from taken
    sys.exit(code)


@app.command()
def phone(
    name: Annotated[str, typer.Argument(metavar="ID", help="A phone of agents.yaml, such as p101.")],
    config: Config = HERE,
    state: State = VAR,
    port_offset: PortOffset = 0,
    as_json: AsJson = False,
) -> None:
    """What a phone needs to register: user, secret, registrar, transport."""
    from centralino import settings
    from centralino.provisioning import own_server

    configuration = settings.load(config)
    if name not in configuration.roster.phones:
        raise Stop(f"there is no phone {name} in agents.yaml")
    instance = instance_at(config, state, port_offset)
    server = own_server(configuration, port_offset)
    facts = {
        "user": name,
        "secret": instance.secrets(frozenset(configuration.roster.phones)).phones[name],
        "registrar": str(server),
        "transport": str(server.transport),
    }
    shown.one(facts, as_json=as_json)


@app.command()
def token(
    role: Annotated[Role, typer.Option("--role", help="What its holder may do.")] = Role.SUPERVISOR,
    state: State = VAR,
) -> None:
    """Make an API token. It is printed once and kept nowhere in clear."""
    state.mkdir(parents=True, exist_ok=True)
    typer.echo(make_token(state, role))


# --- looking


@app.command()
def status(state: State = VAR, as_json: AsJson = False) -> None:
    """The house in a few lines."""
    shown.status(snapshot(state), as_json=as_json)


@app.command()
def queues(state: State = VAR, as_json: AsJson = False) -> None:
    """The queues as they are now."""
    shown.queues(snapshot(state), as_json=as_json)


@app.command()
def calls(
    config: Config = HERE,
    state: State = VAR,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 50,
    own: Annotated[bool, typer.Option("--own", help="Those that agents made by themselves.")] = False,
    as_json: AsJson = False,
) -> None:
    """The newest calls, those included that go on now."""
    from supervision import store

    zone = in_force(config, state).settings.time_zone
    if own:
        rows = with_database(config, state, lambda database: store.recent_own_calls(database, limit))
        return shown.own_calls(rows, zone, as_json=as_json)
    shown.calls(
        with_database(config, state, lambda database: store.recent_calls(database, limit)), zone, as_json=as_json
    )


@app.command()
def why(
    call: Annotated[str, typer.Argument(metavar="CALL", help="A call's id, as `centralino calls` shows it.")],
    config: Config = HERE,
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """Everything that was decided about a call, and why."""
    from supervision import store

    zone = in_force(config, state).settings.time_zone
    trail = with_database(config, state, lambda database: store.events_of(database, call))
    if not trail:
        raise Stop(f"there is no call {call}; `centralino calls` lists them")
    shown.trail(trail, zone, as_json=as_json)


@app.command()
def audit(config: Config = HERE, state: State = VAR, as_json: AsJson = False) -> None:
    """Hold Asterisk's own call records against ours; exit 1 when something is missing."""
    from asterisk.configuration import CDR_COLUMNS, Folders
    from supervision import audit as auditing

    path = Folders((state / "asterisk").absolute()).calls
    rows = auditing.read_cdr(path, CDR_COLUMNS) if path.exists() else ()
    now_s = engines_time_s(state)
    recordings = instance_at(config, state, 0).recordings

    async def audited(database: Database) -> tuple[auditing.Finding, ...]:
        found = await auditing.audit(database, rows, now_s=now_s)
        return (*found, *await auditing.recordings_missing(database, recordings))

    findings = with_database(config, state, audited)
    shown.findings(findings, len(rows), as_json=as_json)
    if findings:
        sys.exit(PROBLEM)


# --- agents


@agents_app.callback()
def agents(ctx: typer.Context, state: State = VAR, as_json: AsJson = False) -> None:
    """Who is here and what they do; and sign agents in and out."""
    os.environ["CENTRALINO_STATE"] = str(state)  # what is said before the command holds for it too
    if ctx.invoked_subcommand is None:
        shown.agents(snapshot(state), as_json=as_json)


Id = Annotated[str, typer.Argument(metavar="ID", help="An agent of agents.yaml, such as a1001.")]


@agents_app.command("in")
def sign_in(
    agent: Id,
    phone: Annotated[str, typer.Option("--phone", help="Where they sit; default: their fixed phone.")] = "",
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """Sign an agent in at a phone; they are ready from then on."""
    _choose(state, "agents.in", as_json, agent=agent, phone=phone)


@agents_app.command("out")
def sign_out(agent: Id, state: State = VAR, as_json: AsJson = False) -> None:
    """Sign an agent out; a talk that goes on is not touched."""
    _choose(state, "agents.out", as_json, agent=agent)


@agents_app.command("ready")
def ready(agent: Id, state: State = VAR, as_json: AsJson = False) -> None:
    """End an agent's pause, or their wrap-up."""
    _choose(state, "agents.ready", as_json, agent=agent)


@agents_app.command("extend")
def extend(
    agent: Id,
    by: Annotated[str, typer.Option("--by", help="How much longer: 60s.")] = "60s",
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """Let an agent's wrap-up last longer, at most as long as the queue's `longest_wrap_up`."""
    try:
        longer_s = seconds(by)
    except NotADuration as mistake:
        raise Stop(f"{mistake.what}: {mistake.hint}") from mistake
    _choose(state, "agents.extend", as_json, agent=agent, longer_s=longer_s)


@agents_app.command("reset")
def reset(
    agent: Id,
    then: Annotated[AfterReset, typer.Option("--then", help="What they are afterwards.")] = AfterReset.READY,
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """Let an agent go who is stuck: their calls end, and callers wait again in their old place."""
    words = {"agent": agent, "then": then.value, "by": by_whom()}
    told = ask(state, lambda client: client.command("agents.reset", **words))
    if not as_json:
        typer.echo(f"What held {agent}: {', '.join(told['held']) or 'nothing'}.")
    shown.agent(told, as_json=as_json)


@agents_app.command("pin")
def pin() -> None:
    """Make the line for agents.yaml that lets an agent sign in with a PIN at any phone of their site.

    The PIN is asked for twice and kept nowhere: agents.yaml holds what it cannot be told from.
    """
    from agents.pins import hash_of

    try:
        hashed = hash_of(typer.prompt("PIN (4 to 8 digits)", hide_input=True, confirmation_prompt=True))
    except ValueError as mistake:
        raise Stop(str(mistake)) from mistake
    typer.echo(f'pin: "{hashed}"')


@agents_app.command("pause")
def pause(
    agent: Id,
    reason: Annotated[str, typer.Option("--reason", help="In words, or the digits of one in agents.yaml.")] = "",
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """Offer an agent no calls until they are ready again."""
    _choose(state, "agents.pause", as_json, agent=agent, reason=reason)


# --- within


def _choose(state: Path, command: str, as_json: bool, **args: str | float) -> None:
    shown.agent(ask(state, lambda client: client.command(command, by=by_whom(), **args)), as_json=as_json)


def _clock_offset_s(clock: str | None, configuration: Configuration) -> float:
    """How far `--clock` is ahead of the machine's time. Raises Stop where it is not allowed, or no instant."""
    if clock is None:
        return 0.0
    if not configuration.settings.testing:
        raise Stop("--clock is for tests: it needs `testing: true` in centralino.yaml")
    return instant(clock, configuration.settings.time_zone).timestamp() - time.time()

"""The commands about cases: what they are, by when they are to be answered, and what people do to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agents.disposition import Kind
from cases.state import Act, CaseRefused, Role, Worker
from cases.state import State as CaseState
from centralino import shown_cases
from centralino.clock import as_utc
from centralino.installed import engines_time_s, in_force, instance_at, with_database
from centralino.located import did_you_mean, shown
from centralino.options import HERE, VAR, AsJson, Config, State, Stop, by_whom

if TYPE_CHECKING:
    from cases.deadlines import Rule, Seen
    from cases.history import Classified, Work
    from centralino.database import Database
    from centralino.settings import Configuration

KNOWN_ACTS = {act.replace(" ", "-"): act for act in Act}
ACTS = f"{', '.join(KNOWN_ACTS)}."
MANY = 10_000


def add_case_commands(app: typer.Typer) -> None:
    app.command()(cases)
    app.command()(case)


def cases(
    config: Config = HERE,
    state: State = VAR,
    limit: Annotated[int, typer.Option("--limit", min=1, max=MANY)] = 50,
    in_state: Annotated[CaseState | None, typer.Option("--in", help="Only those in this state.")] = None,
    office: Annotated[str | None, typer.Option("--office", help="Only those of an office: ENTITY/OFFICE.")] = None,
    due: Annotated[
        bool, typer.Option("--due", help="Only those overdue or near their end, the first due first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The newest cases, and by when each is to be answered."""
    from cases import deadlines, store
    from cases.proof import code_of

    rule = _rule(config, state)

    async def look(database: Database) -> tuple[Seen, ...]:
        newest = await store.cases(database, MANY if due else limit, in_state, office)
        return await deadlines.see(database, newest, rule)

    found = with_database(config, state, look)
    if due:
        found = tuple(deadlines.due(found)[:limit])
    secret = instance_at(config, state, 0).secrets(frozenset()).case_codes
    codes = {one.case.id: code_of(one.case.id, secret) for one in found}
    shown_cases.table(found, codes, rule.zone, as_json=as_json)


def case(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="As `centralino cases` shows it.")],
    act: Annotated[str, typer.Argument(metavar="[ACT]", help=ACTS)] = "",
    words: Annotated[str, typer.Argument(metavar="[WORDS]", help="For the record, in quotes: why, or what.")] = "",
    to: Annotated[str, typer.Option("--to", metavar="OFFICE", help="hand-over: to which ENTITY/OFFICE.")] = "",
    into: Annotated[str, typer.Option("--into", metavar="NUMBER", help="merge: the case that stays.")] = "",
    kind: Annotated[Kind | None, typer.Option("--kind", help="classify: what it is about.")] = None,
    topic: Annotated[str | None, typer.Option("--topic", help="classify: one of `topics` in entities.yaml.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="classify: in a few words.")] = None,
    hard: Annotated[bool | None, typer.Option("--complex/--simple", help="classify: as promises ask it.")] = None,
    agent: Annotated[str, typer.Option("--agent", metavar="ID", help="As an agent of the first level.")] = "",
    office: Annotated[str, typer.Option("--as", metavar="OFFICE", help="As somebody of that ENTITY/OFFICE.")] = "",
    config: Config = HERE,
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """Everything that is on record about a case; or, with an ACT, do something to it."""
    from cases.history import Classified, Work

    rule = _rule(config, state)
    if not act:
        return shown_cases.one(_seen(config, state, number, rule), rule.zone, as_json=as_json)
    configuration = in_force(config, state)
    said = Classified(kind, topic, title, hard)
    meant = _act(act, said, configuration)
    worker = _worker(agent, office, configuration)
    _do(config, state, Work(number, meant, worker, rule.now, words, to, into, said), configuration)
    shown_cases.done(_seen(config, state, number, rule), rule.zone, as_json=as_json)


# --- within


def _act(written: str, said: Classified, configuration: Configuration) -> Act:
    """Which act is meant. Raises Stop where there is none, or where it does not fit what is said beside it."""
    from cases.history import Classified

    if written not in KNOWN_ACTS:
        raise Stop(f"nobody can {shown(written)} a case; {did_you_mean(written, KNOWN_ACTS)}")
    act, topics = KNOWN_ACTS[written], configuration.entities.topics
    if (act is Act.CLASSIFY) is (said == Classified()):
        raise Stop(
            "--kind, --topic, --title, --complex and --simple go with `classify`, and one of them is needed there"
        )
    if said.topic and topics and said.topic not in topics:
        raise Stop(f"there is no topic {shown(said.topic)} in entities.yaml; {did_you_mean(said.topic, topics)}")
    return act


def _worker(agent: str, office: str, configuration: Configuration) -> Worker:
    """As whom something is done. Raises Stop."""
    agents, offices = configuration.roster.agents, configuration.entities.offices()
    if agent and office:
        raise Stop("either as an agent, or as somebody of an office")
    if agent and agent not in agents:
        raise Stop(f"there is no agent {shown(agent)}; {did_you_mean(agent, agents)}")
    if office and office not in offices:
        raise Stop(f"there is no office {shown(office)}; {did_you_mean(office, offices)}")
    if agent:
        return Worker(agent, Role.AGENT)
    return Worker(by_whom(), Role.OFFICE if office else Role.SUPERVISOR, office)


def _do(config: Path, state: Path, work: Work, configuration: Configuration) -> None:
    from cases.history import work_on

    offices = configuration.entities.offices()
    try:
        with_database(config, state, lambda database: work_on(database, work, offices))
    except CaseRefused as refused:
        raise Stop(str(refused)) from refused


def _rule(config: Path, state: Path) -> Rule:
    from cases.deadlines import Rule

    configuration = in_force(config, state)
    return Rule(configuration.entities, configuration.settings.time_zone, as_utc(engines_time_s(state)))


def _seen(config: Path, state: Path, number: str, rule: Rule) -> Seen:
    from cases import deadlines, store

    async def look(database: Database) -> tuple[Seen, ...]:
        found = await store.case(database, number)
        return await deadlines.see(database, [found] if found else [], rule)

    seen = with_database(config, state, look)
    if not seen:
        raise Stop(f"there is no case {shown(number)}; `centralino cases` lists them")
    return seen[0]

"""The commands about cases: what they are, by when they are to be answered, and what people do to them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agents.disposition import Kind
from cases.state import Act, CaseRefused
from cases.state import State as CaseState
from centralino.asking import Result
from centralino.clock import as_utc
from centralino.installed import engines_time_s, in_force, instance_at, with_database
from centralino.located import shown
from centralino.options import HERE, VAR, AsJson, Config, State, Stop, by_whom

if TYPE_CHECKING:
    from centralino.case_desk import CaseDesk

ACTS = f"{', '.join(act.replace(' ', '-') for act in Act)}."
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
    from cases.proof import code_of
    from centralino import shown_cases
    from centralino.case_desk import Wanted

    wanted = Wanted(limit, in_state, office, due)
    found = _at_the_desk(config, state, lambda desk: desk.cases(wanted))
    secret = instance_at(config, state, 0).secrets(frozenset()).case_codes
    codes = {one.case.id: code_of(one.case.id, secret) for one in found}
    shown_cases.table(found, codes, in_force(config, state).settings.time_zone, as_json=as_json)


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
    from cases.history import Classified
    from centralino import shown_cases
    from centralino.case_desk import Asked

    zone = in_force(config, state).settings.time_zone
    if not act:
        seen = _at_the_desk(config, state, lambda desk: desk.case(number))
        if seen is None:
            raise Stop(f"there is no case {shown(number)}; `centralino cases` lists them")
        return shown_cases.one(seen, zone, as_json=as_json)
    asked = Asked(act, by_whom(), words, to, into, agent, office, Classified(kind, topic, title, hard))
    done = _at_the_desk(config, state, lambda desk: desk.work(number, asked))
    shown_cases.done(done, zone, as_json=as_json)


def _at_the_desk(config: Path, state: Path, ask: Callable[[CaseDesk], Coroutine[Any, Any, Result]]) -> Result:
    """What `ask` gives. Raises Stop where it is refused."""
    from centralino.case_desk import CaseDesk

    configuration, now = in_force(config, state), as_utc(engines_time_s(state))
    try:
        return with_database(
            config, state, lambda database: ask(CaseDesk(database, lambda: configuration, lambda: now))
        )
    except CaseRefused as refused:
        raise Stop(str(refused)) from refused

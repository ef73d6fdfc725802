"""The commands about the knowledge base: search it, read a sheet, see which are out of date."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from centralino.asking import Result
from centralino.clock import as_utc
from centralino.installed import engines_time_s, in_force, with_database
from centralino.located import shown
from centralino.options import HERE, VAR, AsJson, Config, State, Stop
from centralino.printing import print_json, print_line

if TYPE_CHECKING:
    from datetime import date

    from cases.sheets import Sheet, SheetKind
    from cases.sheets_store import Found
    from centralino.knowledge import Knowledge
else:
    from cases.sheets import SheetKind

knowledge_app = typer.Typer(help="The sheets of the knowledge base: services, offices, questions that many ask.")


@knowledge_app.command("search")
def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="In whichever form: tassa finds tasse.")],
    entity: Annotated[str, typer.Option("--entity", metavar="E", help="Its sheets, and those for all.")] = "",
    kind: Annotated[SheetKind | None, typer.Option("--kind", help="Only sheets of this kind.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100)] = 10,
    config: Config = HERE,
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """The sheets that have these words in them, the best first."""
    from cases.sheets import BadQuestion
    from cases.sheets_store import Question
    from centralino.knowledge import facts

    question = Question(" ".join(words), entity, kind or "", limit)
    try:
        found, today = _of_the_base(config, state, lambda base: base.search(question))
    except BadQuestion as bad:
        raise Stop(str(bad)) from bad
    if as_json:
        return print_json([facts(one.sheet, today) | {"snippet": one.snippet} for one in found])
    _print_found(found, today)


@knowledge_app.command("show")
def show(
    id: Annotated[str, typer.Argument(metavar="ID", help="As `centralino knowledge search` shows it.")],
    config: Config = HERE,
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """A sheet, whole."""
    from centralino.knowledge import facts

    found, today = _of_the_base(config, state, lambda base: base.sheet(id))
    if found is None:
        raise Stop(f"there is no sheet {shown(id)}; `centralino knowledge search WORDS` finds them")
    if as_json:
        return print_json(facts(found, today) | {"body": found.body})
    _print_whole(found, today)


@knowledge_app.command("outdated")
def outdated(config: Config = HERE, state: State = VAR, as_json: AsJson = False) -> None:
    """The sheets that are out of date, by whoever owns them."""
    from centralino.knowledge import facts

    found, today = _of_the_base(config, state, lambda base: base.outdated())
    if as_json:
        return print_json([facts(one, today) for one in found])
    for owner, sheets in groupby(found, key=lambda one: one.owner):
        print_line(f"{owner}:")
        for one in sheets:
            print_line(f"  {one.id}: {one.title} (valid until {one.valid_until})")
    if not found:
        print_line("No sheet is out of date.")


# --- within


def _of_the_base(
    config: Path, state: Path, ask: Callable[[Knowledge], Coroutine[Any, Any, Result]]
) -> tuple[Result, date]:
    """What `ask` gives, and the day."""
    from centralino.knowledge import Knowledge

    configuration = in_force(config, state)
    today = as_utc(engines_time_s(state)).astimezone(configuration.settings.time_zone).date()
    found = with_database(
        config, state, lambda database: ask(Knowledge(database, lambda: configuration, lambda: today))
    )
    return found, today


def _print_found(found: Sequence[Found], today: date) -> None:
    for one in found:
        entity = f", {one.sheet.entity}" if one.sheet.entity else ""
        old = "; OUT OF DATE" if one.sheet.is_outdated(today) else ""
        print_line(f"{one.sheet.id}: {one.sheet.title} ({one.sheet.kind}{entity}{old})")
        print_line(f"    {one.snippet}")
    if not found:
        print_line("No sheet has these words in it.")


def _print_whole(sheet: Sheet, today: date) -> None:
    valid = f"{sheet.valid_until or ''}{': OUT OF DATE' if sheet.is_outdated(today) else ''}"
    facts = {
        "title": sheet.title,
        "kind": sheet.kind,
        "entity": sheet.entity,
        "topics": ", ".join(sheet.topics),
        "address": sheet.address,
        "phones": ", ".join(sheet.phones),
        "hours": sheet.hours,
        "owner": sheet.owner,
        "valid until": valid,
    }
    for name, value in facts.items():
        if value:
            print_line(f"{name:<12}{value}")
    print_line("")
    for line in sheet.body.splitlines():
        print_line(line)

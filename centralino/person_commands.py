"""The command about a person: all that is held about them, in a file, or erased."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from centralino.asking import Result, visit
from centralino.clock import as_utc
from centralino.installed import shelf_at, with_database
from centralino.options import HERE, VAR, Config, State, Stop, by_whom

if TYPE_CHECKING:
    from centralino.database import Database
    from centralino.door import DoorClient
    from centralino.person_desk import Asking
    from supervision.held import Who


class Act(StrEnum):
    EXPORT = "export"
    ERASE = "erase"


def add_person_command(app: typer.Typer) -> None:
    app.command()(person)


def person(
    named: Annotated[str, typer.Argument(metavar="NUMBER|MAIL", help="Their telephone number, or mail address.")],
    act: Annotated[Act, typer.Argument(metavar="ACT", help="export or erase.")],
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE.zip", help="export: a file to be made.")] = None,
    also_open: Annotated[bool, typer.Option("--also-open", help="erase: end what is open of theirs.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="erase: do not ask.")] = False,
    config: Config = HERE,
    state: State = VAR,
) -> None:
    """All that is held about a person: in a file for them, or erased. It is on record, without their name."""
    if (act is Act.EXPORT) is (to is None):
        raise Stop("`export`, and nothing else, needs `--to FILE.zip`: where it is to be")
    if to:
        return _export(named, to, config, state)
    _erase(named, config, state, also_open=also_open, yes=yes)


def _export(named: str, to: Path, config: Path, state: Path) -> None:
    async def exported(asking: Asking) -> tuple[Who, dict[str, int]]:
        from centralino import person_desk

        who = await person_desk.find(asking, named)
        return who, await person_desk.export(asking, who, to)

    to.touch(mode=0o600, exist_ok=False)  # for its owner's eyes only; nothing is overwritten
    try:
        who, counts = _asking(config, state, exported)
    except BaseException:
        to.unlink()
        raise
    typer.echo(f"{to} holds all that is held about them: {_counted(counts)}")
    _tell_others(who)


def _erase(named: str, config: Path, state: Path, *, also_open: bool, yes: bool) -> None:
    async def looked(asking: Asking) -> tuple[Who, tuple[str, ...], tuple[str, ...]]:
        from centralino import person_desk
        from supervision import held

        who = await person_desk.find(asking, named)
        going_on, promised = await person_desk.not_over(asking, who)
        _look_at_open(going_on.calls, (*going_on.cases, *promised), also_open=also_open)
        return who, promised, await held.others_cases(asking.database, who)

    who, promised, elsewhere = _asking(config, state, looked)
    what = f"{len(who.calls)} calls, {len(who.cases)} cases, {len(who.intakes)} letters"
    if not yes:
        typer.confirm(f"Erase who {named} is, and all their words and recordings ({what})?", abort=True)

    async def erased(asking: Asking) -> None:
        from centralino import person_desk

        await person_desk.erase(asking, who, promised)

    _asking(config, state, erased)
    typer.echo(f"erased; what is counted stays, without who it was: {what}")
    for case in elsewhere:
        typer.echo(f"case {case} is another person's, and they were in touch about it: look at what was noted there")
    _tell_others(who)


def _look_at_open(calls: tuple[str, ...], rest: tuple[str, ...], *, also_open: bool) -> None:
    """Raises Stop."""
    if calls:
        raise Stop(f"their call {calls[0]} goes on; nothing was erased: try again when it has ended")
    if rest and not also_open:
        what = "these are open, cases or promised call-backs"
        raise Stop(f"{what}: {', '.join(rest)}; nothing was erased: close them first, or say --also-open")


def _tell_others(who: Who) -> None:
    if who.others:
        typer.echo(f"their letters also name {', '.join(sorted(who.others))}: where these are theirs, ask for each too")


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _asking(config: Path, state: Path, work: Callable[[Asking], Coroutine[Any, Any, Result]]) -> Result:
    """What `work` gives. Raises Stop where it is refused, EngineAway where there is no engine: it keeps whom a key
    stands for, and puts on record what is done.
    """
    from centralino.person_desk import Asking, PersonRefused

    shelf = shelf_at(config, state)

    async def asked(database: Database) -> Result:
        async def at_the_door(door: DoorClient) -> Result:
            now = as_utc(float(door.snapshot["at_s"]))
            return await work(Asking(state, shelf, database, door, by_whom(), now))

        return await visit(state, at_the_door)

    try:
        return with_database(config, state, asked)
    except PersonRefused as refused:
        raise Stop(str(refused)) from refused

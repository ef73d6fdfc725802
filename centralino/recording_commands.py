"""The commands about recordings: what is kept and until when, what was deleted, listening to a talk, a new key."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cases.state import CaseRefused
from centralino.asking import Result
from centralino.clock import as_utc
from centralino.installed import engines_time_s, in_force, instance_at, shelf_at, with_database
from centralino.options import HERE, VAR, AsJson, Config, State, Stop, by_whom

if TYPE_CHECKING:
    from centralino.recording_desk import RecordingDesk

recordings_app = typer.Typer(help="Recordings of talks and messages: what is kept, and until when.")


class Act(StrEnum):
    LISTEN = "listen"


def add_recording_commands(app: typer.Typer) -> None:
    app.add_typer(recordings_app, name="recordings", invoke_without_command=True)
    app.command()(recording)


@recordings_app.callback()
def recordings(
    ctx: typer.Context,
    config: Config = HERE,
    state: State = VAR,
    queue: Annotated[str, typer.Option("--queue", metavar="QUEUE", help="Only those of this queue.")] = "",
    due: Annotated[bool, typer.Option("--due", help="Only those whose time is over.")] = False,
    deleted: Annotated[bool, typer.Option("--deleted", help="Those that were deleted, when and why.")] = False,
    as_json: AsJson = False,
) -> None:
    """Recordings of talks and messages: what is kept and until when, and who listened."""
    os.environ["CENTRALINO_STATE"] = str(state)  # what is said before the command holds for it too
    if ctx.invoked_subcommand is not None:
        return
    from centralino import shown_recordings

    if due and deleted:
        raise Stop("either --due or --deleted")
    found = _at_the_desk(
        config,
        state,
        lambda desk: desk.due(queue) if due else desk.deleted(queue) if deleted else desk.kept(queue),
    )
    shown_recordings.table(found, in_force(config, state).settings.time_zone, as_json=as_json)


@recordings_app.command("new-key")
def new_key(config: Config = HERE, state: State = VAR) -> None:
    """Encrypt recordings with a new key from now on. The old one stays in STATE/secrets.yaml for those there are."""
    made = instance_at(config, state, 0).new_recording_key()
    typer.echo(f"recordings are encrypted with key {made} from now on; back up STATE/secrets.yaml")


def recording(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `centralino recordings` shows it.")],
    act: Annotated[Act, typer.Argument(metavar="ACT", help="listen.")],
    to: Annotated[Path, typer.Option("--to", metavar="FILE.wav", help="A file to be made.")],
    agent: Annotated[str, typer.Option("--agent", metavar="ID", help="As an agent of the first level.")] = "",
    config: Config = HERE,
    state: State = VAR,
) -> None:
    """Listen to the recording of a talk: the agent left, the caller right. It stands in the history of the case."""
    to.touch(mode=0o600, exist_ok=False)  # for its owner's ears only; nothing is overwritten
    try:
        to.write_bytes(_at_the_desk(config, state, lambda desk: desk.listen(name, by_whom(), agent)))
    except BaseException:
        to.unlink()
        raise
    typer.echo(f"{to} is the talk; it stands on record that you listened")


def _at_the_desk(config: Path, state: Path, ask: Callable[[RecordingDesk], Coroutine[Any, Any, Result]]) -> Result:
    """What `ask` gives. Raises Stop where it is refused."""
    from centralino.recording_desk import RecordingDesk

    configuration, now = in_force(config, state), as_utc(engines_time_s(state))
    shelf = shelf_at(config, state)
    try:
        return with_database(
            config, state, lambda database: ask(RecordingDesk(database, lambda: configuration, lambda: now, shelf))
        )
    except CaseRefused as refused:
        raise Stop(str(refused)) from refused

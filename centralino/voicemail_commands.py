"""The commands about messages that callers left: which are to be worked through, listening, and what people do."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cases.messages import Act, How
from cases.state import CaseRefused
from centralino.asking import Result
from centralino.clock import as_utc
from centralino.installed import engines_time_s, in_force, shelf_at, with_database
from centralino.options import HERE, VAR, AsJson, Config, State, Stop, by_whom

if TYPE_CHECKING:
    from centralino.voicemail_desk import VoicemailDesk

ACTS = f"{', '.join(act.replace(' ', '-') for act in Act)}."
HOWS = f"done: {', '.join(how.replace(' ', '-') for how in How)}."


def add_voicemail_commands(app: typer.Typer) -> None:
    app.command()(voicemails)
    app.command()(voicemail)


def voicemails(
    config: Config = HERE,
    state: State = VAR,
    box: Annotated[str, typer.Option("--box", metavar="QUEUE", help="Only those for this queue.")] = "",
    show_all: Annotated[bool, typer.Option("--all", help="The newest 500, those that are done too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Messages that are to be worked through, the one that has waited longest first."""
    from centralino import shown_voicemails

    found = _at_the_desk(config, state, lambda desk: desk.newest(box) if show_all else desk.to_be_worked_through(box))
    shown_voicemails.table(found, in_force(config, state).settings.time_zone, as_json=as_json)


def voicemail(
    call: Annotated[str, typer.Argument(metavar="CALL", help="As `centralino voicemails` shows it.")],
    act: Annotated[str, typer.Argument(metavar="ACT", help=ACTS)],
    how: Annotated[str, typer.Option("--how", metavar="HOW", help=HOWS)] = "",
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE.wav", help="listen: a file to be made.")] = None,
    agent: Annotated[str, typer.Option("--agent", metavar="ID", help="As an agent of the first level.")] = "",
    office: Annotated[str, typer.Option("--as", metavar="OFFICE", help="As somebody of that ENTITY/OFFICE.")] = "",
    config: Config = HERE,
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """Do something to a message; it stands in the history of its case."""
    from centralino import shown_voicemails
    from centralino.voicemail_desk import Asked

    if (act == Act.LISTEN) is (to is None):
        raise Stop("`listen`, and nothing else, needs `--to FILE.wav`: where the sound is to be")
    if to:
        to.touch(mode=0o600, exist_ok=False)  # for its owner's ears only; nothing is overwritten
        try:
            to.write_bytes(_at_the_desk(config, state, lambda desk: desk.listen(call, by_whom(), agent, office)))
        except BaseException:
            to.unlink()
            raise
        return typer.echo(f"{to} is the message; it stands on record that you listened")
    asked = Asked(act, by_whom(), how, agent, office)
    done = _at_the_desk(config, state, lambda desk: desk.work(call, asked))
    shown_voicemails.done(done, as_json=as_json)


def _at_the_desk(config: Path, state: Path, ask: Callable[[VoicemailDesk], Coroutine[Any, Any, Result]]) -> Result:
    """What `ask` gives. Raises Stop where it is refused."""
    from centralino.voicemail_desk import VoicemailDesk

    configuration, now = in_force(config, state), as_utc(engines_time_s(state))
    shelf = shelf_at(config, state)
    try:
        return with_database(
            config, state, lambda database: ask(VoicemailDesk(database, lambda: configuration, lambda: now, shelf))
        )
    except CaseRefused as refused:
        raise Stop(str(refused)) from refused

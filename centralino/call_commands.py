"""The commands about a call that goes on."""

from typing import Annotated

import typer

from centralino import shown
from centralino.asking import ask
from centralino.options import VAR, AsJson, State, by_whom


def add_call_commands(app: typer.Typer) -> None:
    app.command()(transfer)


def transfer(
    call: Annotated[str, typer.Argument(metavar="CALL", help="A call that talks with an agent, by its id.")],
    to: Annotated[str, typer.Option("--to", metavar="OFFICE|QUEUE", help="ENTITY/OFFICE, or a queue.")],
    note: Annotated[str, typer.Option("--note", help="For whoever takes it; it stands with the call.")] = "",
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """Hand a caller on from the agent who talks to the second level, and back where nobody answers there."""
    told = ask(state, lambda client: client.command("calls.transfer", call=call, to=to, note=note, by=by_whom()))
    if as_json:
        return shown.one(told, as_json=True)
    typer.echo(f"{told['call']} is handed on to {told['to']}; the agent's talk is over.")

"""The commands for promised call-backs: which are not kept yet, and taking one back."""

import os
from typing import Annotated, Any

import typer

from centralino import shown
from centralino.asking import ask
from centralino.door import DoorClient
from centralino.options import VAR, AsJson, State, by_whom

call_backs_app = typer.Typer(help="Promised call-backs: which are not kept yet; and take one back.")


@call_backs_app.callback(invoke_without_command=True)
def call_backs(ctx: typer.Context, state: State = VAR, as_json: AsJson = False) -> None:
    """Promised call-backs: which are not kept yet; and take one back."""
    os.environ["CENTRALINO_STATE"] = str(state)  # what is said before the command holds for it too
    if ctx.invoked_subcommand is None:
        _show(state, as_json, "call_backs.list")


@call_backs_app.command("drop")
def drop(
    call: Annotated[str, typer.Argument(metavar="CALL", help="The call in which it was promised.")],
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """Take a promise back: nobody is called for it any more."""
    _show(state, as_json, "call_backs.drop", call=call, by=by_whom())


def _show(state: State, as_json: bool, command: str, **args: str) -> None:
    async def asked(client: DoorClient) -> tuple[float, dict[str, Any]]:
        return client.snapshot["at_s"], await client.command(command, **args)

    at_s, answer = ask(state, asked)
    shown.call_backs(answer["call_backs"], at_s, as_json=as_json)

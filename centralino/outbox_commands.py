"""The commands for what goes out by mail and SMS: what waits, what could not be sent, and trying it again."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from centralino.clock import as_utc
from centralino.installed import engines_time_s, in_force, with_database
from centralino.options import HERE, VAR, AsJson, Config, State, Stop
from centralino.printing import print_json, print_line, print_table

if TYPE_CHECKING:
    from cases.outbox import Sending
    from centralino.database import Database

ABOUT = "Mail and SMS that are not sent yet, or could not be; and try one again."
outbox_app = typer.Typer(help=ABOUT)


@outbox_app.callback(invoke_without_command=True, help=ABOUT)
def outbox(ctx: typer.Context, config: Config = HERE, state: State = VAR, as_json: AsJson = False) -> None:
    os.environ["CENTRALINO_CONFIG"], os.environ["CENTRALINO_STATE"] = str(config), str(state)  # for `again` too
    if ctx.invoked_subcommand:
        return
    found = with_database(config, state, _waiting_and_failed)
    if as_json:
        return print_json([dataclasses.asdict(sending) for sending in found])
    _show(found, in_force(config, state).settings.time_zone)


@outbox_app.command("again")
def again(
    id: Annotated[int, typer.Argument(metavar="ID", help="As `centralino outbox` shows it.")],
    config: Config = HERE,
    state: State = VAR,
) -> None:
    """Try a message now, and then as often as a new one."""
    from cases import outbox as messages

    now = as_utc(engines_time_s(state))
    try:
        with_database(config, state, lambda database: messages.again(database, id, now))
    except messages.NothingToSend as why:
        raise Stop(f"{why}; `centralino outbox` lists what waits and what failed") from why
    print_line(f"message {id} is tried again")


async def _waiting_and_failed(database: Database) -> tuple[Sending, ...]:
    from cases import outbox as messages

    return await messages.waiting(database) + await messages.failed(database)


def _show(found: tuple[Sending, ...], zone: ZoneInfo) -> None:
    if not found:
        return print_line("Nothing waits, and nothing failed.")
    print_table(
        ("id", "by", "to", "case", "about", "since", "tries", "next", "why not"),
        (
            (
                sending.id,
                sending.channel,
                sending.to,
                sending.case or "",
                sending.subject,
                sending.at.astimezone(zone).strftime("%d/%m %H:%M"),
                sending.tries,
                sending.next_at.astimezone(zone).strftime("%d/%m %H:%M") if sending.next_at else "never",
                sending.failed_why or "",
            )
            for sending in found
        ),
        left_out_first=("about", "since", "tries"),
    )

"""What the commands of the command line share: options, and the error that is a sentence."""

import getpass
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from centralino.clock import FIRST_YEAR, LAST_YEAR, is_in_our_time

Config = Annotated[Path, typer.Option("--config", envvar="CENTRALINO_CONFIG", help="The folder with the YAML.")]
State = Annotated[
    Path, typer.Option("--state", envvar="CENTRALINO_STATE", help="Where this installation keeps things.")
]
PortOffset = Annotated[int, typer.Option("--port-offset", min=0, max=40_000, help="Added to every port.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
HERE, VAR = Path(), Path("var")
PROBLEM = 1  # the exit code


class Stop(Exception):
    """The command cannot be carried out; the text is for the person at the terminal."""


def instant(text: str, zone: ZoneInfo) -> datetime:
    """`2026-11-22T21:00`, local where it names no zone. Raises Stop."""
    try:
        written = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise Stop(f"`{text}` is no instant; write it as 2026-11-22T21:00") from wrong
    if not is_in_our_time(written):
        raise Stop(f"the year of `{text}` is out of range; write one from {FIRST_YEAR} to {LAST_YEAR}")
    return written if written.tzinfo else written.replace(tzinfo=zone)


def by_whom() -> str:
    """Who gives a command, for the record: the user of this terminal, or whom the console names (CENTRALINO_BY).

    It is a name, no proof: whoever may run commands here could write any.
    """
    named = "".join(letter if letter.isprintable() else " " for letter in os.environ.get("CENTRALINO_BY", "")).strip()
    return named[:64] or f"{getpass.getuser()} (cli)"

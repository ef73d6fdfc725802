"""How the command line prints: tables as wide as the terminal, lines that move no cursor, JSON for machines."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH_OF_A_FILE = 240  # where no terminal says how wide it is
FOLDED_AT = 50  # a longer text may as well stand in two lines


def print_table(heads: Sequence[str], rows: Iterable[Sequence[Any]], left_out_first: Sequence[str] = ()) -> None:
    """A table as wide as the terminal, without columns that say nothing. Where it is too narrow, columns are left
    out in that order, and it says so.
    """
    shown = [[plain(value) for value in row] for row in rows]
    says = [n for n in range(len(heads)) if n == 0 or not shown or any(row[n] for row in shown)]
    heads, shown = [heads[n] for n in says], [[row[n] for n in says] for row in shown]
    width = _width()
    widths = {head: max(map(len, (head, *(row[n][:FOLDED_AT] for row in shown)))) for n, head in enumerate(heads)}
    kept = list(heads)
    for head in (head for head in left_out_first if head in heads):
        if sum(widths[name] + len("  ") for name in kept) <= width:
            break
        kept.remove(head)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in kept:
        table.add_column(head, overflow="fold", no_wrap=head == heads[0])  # the id, to be copied, is never folded
    for row in shown:
        table.add_row(*(Text(row[heads.index(head)]) for head in kept))
    console = Console(width=width)
    console.print(table)
    if left_out := [head for head in heads if head not in kept]:
        print_line(f"(no room for {', '.join(left_out)}; --json has all)")


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH_OF_A_FILE


def plain(value: object) -> str:
    """Text that moves no cursor, whatever a caller's phone sent."""
    return "".join(c if c.isprintable() else "�" for c in str(value))


def print_line(text: str) -> None:
    sys.stdout.write(plain(text) + "\n")


def print_wrapped(start: str, text: str) -> None:
    """`text` after `start`, in lines as wide as the terminal, each as far to the right as the first."""
    lines = textwrap.wrap(plain(text), max(20, _width() - len(start))) or [""]
    for n, line in enumerate(lines):
        print_line(f"{start if n == 0 else ' ' * len(start)}{line}")


def print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, default=str, ensure_ascii=False, indent=2) + "\n")

"""What the demo shows while it runs: a live table, or, where there is no room or no terminal, a line every 5 s."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from demo.engine_view import EngineView

Row = Mapping[str, Any]
TABLE_COLUMNS_MIN, TABLE_LINES_MIN = 72, 22
TABLE_EVERY_S, LINE_EVERY_S = 0.5, 5.0
COLOURS = {"free": "green", "ringing": "yellow", "talking": "cyan", "wrapping up": "magenta", "resting": "red"}
COLOURS |= {"in menu": "yellow", "queued": "red", "offered": "yellow", "voicemail": "magenta"}


class Board:
    """Looks at the engine's rows, which `engine` keeps up to date."""

    def __init__(self, console: Console, engine: EngineView, page: str, ends: str) -> None:
        """`page`: the address of the web page; `ends`: how the demo ends, in words."""
        self._console, self._engine, self._page, self._ends = console, engine, page, ends
        self._began_s = time.monotonic()
        self._told_at_s = self._told = 0.0

    async def show(self) -> None:
        """Show how it stands until cancelled."""
        if self._has_room():
            await self._show_table()
        else:
            await self._show_lines()

    def _has_room(self) -> bool:
        size = self._console.size
        return self._console.is_terminal and size.width >= TABLE_COLUMNS_MIN and size.height >= TABLE_LINES_MIN

    async def _show_table(self) -> None:
        with Live(self.table(), console=self._console, auto_refresh=False) as live:
            try:
                while True:
                    await asyncio.sleep(TABLE_EVERY_S)
                    live.update(self.table(), refresh=True)
            finally:
                live.update(self.table())

    async def _show_lines(self) -> None:
        while True:
            await asyncio.sleep(LINE_EVERY_S)
            self._console.print(self.line(), highlight=False, soft_wrap=True)

    # --- as a line

    def line(self) -> str:
        """`2:05 answered 29 of 37; 2 menu, 1 wait, 4 talk`: 50 characters, while few counts have two digits more."""
        states = [row["state"] for row in self._rows("calls")]
        talking, waiting = states.count("talking"), states.count("queued") + states.count("offered")
        outcomes = self._outcomes()
        ended = f"answered {outcomes.get('answered', 0)} of {sum(outcomes.values())}"
        now = f"{len(states) - talking - waiting} menu, {waiting} wait, {talking} talk"
        return f"{_span(time.monotonic() - self._began_s):>5} {ended}; {now}"

    # --- as a table

    def table(self) -> RenderableType:
        """Everything of now, within the height of the terminal."""
        queues, agents, calls = self._queues(), self._agents(), list(self._rows("calls"))
        taken = queues.row_count + agents.row_count + 10  # the lines of heads, gaps and text
        room = max(1, self._console.size.height - taken)
        return Group(self._title(), "", queues, "", agents, "", self._calls(calls, room), "", self._foot())

    def _title(self) -> Text:
        text = Text("Centralino  ", style="bold", no_wrap=True, overflow="ellipsis")
        return text.append(f"{self._page}  ", style="not bold underline").append(self._ends, style="not bold dim")

    def _queues(self) -> Table:
        table = _table(("queue", 19), ("waiting", -7), ("longest", -7), ("offered", -7), ("answered", -8))
        for name in ("abandoned", "in time"):
            table.add_column(name, justify="right", width=9 if name == "abandoned" else 7)
        now_s = self._now_s()
        for row in self._rows("queues"):
            if row["offered"] or row["waiting"]:
                longest = _span(now_s - row["oldest_s"]) if row["oldest_s"] else ""
                counts = [str(row[name]) for name in ("offered", "answered", "abandoned")]
                settled = row["answered"] + row["abandoned"]
                in_time = f"{row['in_time'] / settled:.0%}" if settled else ""
                table.add_row(row["name"], str(row["waiting"] or ""), longest, *counts, in_time)
        if not table.row_count:
            table.add_row(Text("nobody came yet", style="dim"))
        return table

    def _agents(self) -> Table:
        table = _table(("agent", 14), ("phone", 6), ("now", 12), ("since", -6), ("queue", 19))
        now_s = self._now_s()
        for row in self._rows("agents"):
            if row["chosen"] != "signed out":
                doing = row["doing"] if row["chosen"] == "ready" else row["chosen"]
                doing = doing if row["reachable"] else "phone away"
                since = _span(now_s - row["since_s"])
                table.add_row(row["name"], row["phone"], _coloured(doing), since, row["queue"])
        return table

    def _calls(self, rows: Sequence[Row], room: int) -> Table:
        """The first calls that fit into `room` lines; where there are more, the last line says how many."""
        table = _table(("caller", 14), ("dialled", 9), ("now", 10), ("since", -6), ("where", 19))
        now_s = self._now_s()
        for row in rows if len(rows) <= room else rows[: room - 1]:
            where = row["queue"] if row["state"] in {"queued", "offered", "talking"} else row["step"]
            place = f" ({row['position']}.)" if row["position"] else ""
            since, state = _span(now_s - row["since_s"]), _coloured(row["state"])
            table.add_row(_plain(row["caller"]), row["service"] or "unknown", state, since, f"{where}{place}")
        if len(rows) > room:
            table.add_row(Text(f"and {len(rows) - room + 1} more", style="dim"))
        return table

    def _foot(self) -> Text:
        outcomes = self._outcomes()
        said = ", ".join(f"{outcome} {count}" for outcome, count in sorted(outcomes.items(), key=lambda o: -o[1]))
        text = f"ended {sum(outcomes.values())}{': ' if said else ''}{said}"
        return Text(text, no_wrap=True, overflow="ellipsis")

    # --- what is true

    def _rows(self, table: str) -> list[Row]:
        return list(self._engine.snapshot.get(table, {}).values())

    def _outcomes(self) -> dict[str, int]:
        return dict(self._engine.snapshot.get("totals", {}).get("calls_by_outcome", {}))

    def _now_s(self) -> float:
        """The engine's clock: what it last told, and the time since then."""
        told = self._engine.snapshot.get("at_s", 0.0)
        if told != self._told:
            self._told, self._told_at_s = told, time.monotonic()
        return float(told) + time.monotonic() - self._told_at_s


def _table(*columns: tuple[str, int]) -> Table:
    """Heads with their widths; a width below 0 is for numbers, which stand at the right."""
    table = Table(box=None, pad_edge=False, header_style="bold dim")
    for head, width in columns:
        table.add_column(
            head, width=abs(width), justify="right" if width < 0 else "left", no_wrap=True, overflow="ellipsis"
        )
    return table


def _coloured(state: str) -> Text:
    return Text(state, style=COLOURS.get(state, ""))


def _plain(text: str) -> Text:
    """What a caller's phone sent, without what would move the cursor."""
    return Text("".join(c if c.isprintable() else "�" for c in text))


def _span(seconds: float) -> str:
    minutes, left = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"

"""The demo's board fits the terminal, whatever happens and whatever a caller's phone sent."""

from typing import Any

import pytest
from rich.console import Console

from demo.board import Board


class Engine:
    """An engine that has told `snapshot`."""

    def __init__(self, calls: int, caller: str = "+390550123456") -> None:
        self.snapshot: dict[str, Any] = {
            "at_s": 1_000.0,
            "queues": {name: self._queue(name) for name in ("tributi", "anagrafe", "centralino", "protezione-civile")},
            "agents": {f"a100{n}": self._agent(n) for n in range(1, 7)},
            "calls": {f"main-{n}": self._call(n, caller) for n in range(calls)},
            "totals": {"calls_by_outcome": {"answered": 100, "abandoned": 10, "ended in menu": 5, "voicemail": 1}},
        }

    @staticmethod
    def _queue(name: str) -> dict[str, Any]:
        counts = {"offered": 120, "answered": 100, "abandoned": 10, "in_time": 90}
        return {"name": name, "waiting": 3, "oldest_s": 900.0, **counts}

    @staticmethod
    def _agent(n: int) -> dict[str, Any]:
        at = {"phone": f"p10{n}", "reachable": True, "chosen": "ready", "doing": "wrapping up", "since_s": 940.0}
        return {"name": f"Operatore 100{n}", "queue": "protezione-civile", **at}

    @staticmethod
    def _call(n: int, caller: str) -> dict[str, Any]:
        where = {"service": "800840840", "queue": "protezione-civile", "step": "hall", "position": n + 1}
        return {"caller": caller, "state": ("queued", "talking", "in menu")[n % 3], "since_s": 995.0, **where}


def drawn(engine: Engine, width: int = 80, height: int = 24) -> list[str]:
    console = Console(width=width, height=height, force_terminal=False, record=True)
    board = Board(console, engine, "http://127.0.0.1:8055/", "Ctrl-C ends it")  # type: ignore[arg-type]
    with console.capture() as capture:
        console.print(board.table())
    return [text.rstrip() for text in capture.get().splitlines()]


@pytest.mark.parametrize("calls", [0, 1, 4, 5, 60])
def test_the_table_fits_into_a_terminal_of_80_by_24(calls: int) -> None:
    lines = drawn(Engine(calls))
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80


def test_calls_that_have_no_room_are_counted() -> None:
    shown = drawn(Engine(60))
    listed = sum(text.startswith("+39") for text in shown)
    assert any(text.startswith(f"and {60 - listed} more") for text in shown)


def test_a_taller_terminal_shows_more_calls() -> None:
    assert len(drawn(Engine(60), height=60)) > len(drawn(Engine(60)))


def test_what_a_phone_sent_moves_no_cursor_and_is_no_markup() -> None:
    text = "\n".join(drawn(Engine(1, caller="\x1b[2J[red]\r\n'")))
    assert "\x1b" not in text
    assert "[red]" in text


def test_a_line_fits_into_50_columns() -> None:
    board = Board(Console(), Engine(27), "http://127.0.0.1:8055/", "Ctrl-C ends it")  # type: ignore[arg-type]
    assert len(board.line()) <= 50
    assert board.line().endswith("answered 100 of 116; 9 menu, 9 wait, 9 talk")


def test_before_the_engine_has_told_anything_there_is_a_table_too() -> None:
    engine = Engine(0)
    engine.snapshot = {}
    assert any("nobody came yet" in text for text in drawn(engine))

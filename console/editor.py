"""A line that somebody types in a terminal: keys in, the line and the screen out. Pure.

Why our own: conch's `recvline` passes over every letter that is not ASCII, and Italian has some (docs/adr/0015).
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from console.words import LINE_LENGTH_MAX, Completion

KEPT_LINES = 200
SEQUENCE_LENGTH_MAX = 16
WIDTH_LEAST = 20
MOVES = {
    "A": "older", "B": "newer", "C": "right", "D": "left", "H": "home", "F": "end",
    "1~": "home", "7~": "home", "4~": "end", "8~": "end", "3~": "delete",
}  # fmt: skip
KEYS = {
    "\x01": "home", "\x02": "left", "\x04": "delete", "\x05": "end", "\x06": "right", "\x08": "rub_out",
    "\x0b": "cut_after", "\x0c": "clear", "\x0e": "newer", "\x10": "older", "\x15": "cut_before", "\x17": "cut_word",
    "\x7f": "rub_out",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Typed:
    """A line is complete. `was_cut`: more was typed than a line can hold."""

    line: str
    was_cut: bool = False


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Ctrl-C: the line is given up."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Ctrl-D on an empty line."""


@dataclass(frozen=True, slots=True)
class Offered:
    """Tab: the line could go on like this."""

    choices: tuple[str, ...]


Event = Typed | Interrupted | Ended | Offered


class Editor:
    """The line being typed. Give it each character by `key`, then put `drawn()` on the screen."""

    def __init__(self, prompt: str, complete: Callable[[str], Completion]) -> None:
        self.width = 80
        self._prompt, self._complete = prompt, complete
        self._lines: list[str] = []  # typed before
        self._begin()

    def _begin(self) -> None:
        self._text: list[str] = []
        self._at = 0  # the cursor
        self._was_cut = False
        self._past = len(self._lines)  # which of the earlier lines is shown
        self._sequence: str | None = None  # of an escape sequence, what came so far
        self._after_return = False

    def key(self, key: str) -> Event | None:
        """Take one character; what it completes."""
        after_return, self._after_return = self._after_return, False
        if self._sequence is not None:
            self._go_on(key)
        elif key == "\n" and after_return:
            pass  # the second half of a line end
        elif key in "\r\n":
            return self._typed(key)
        elif key == "\x03":
            self._begin()
            return Interrupted()
        elif key == "\x04" and not self._text:
            return Ended()
        elif key == "\t":
            return self._tab()
        elif key == "\x1b":
            self._sequence = ""
        elif key in KEYS:
            self._do(KEYS[key])
        elif key.isprintable():
            self._insert(key)
        return None

    def _typed(self, key: str) -> Typed:
        done = Typed("".join(self._text), self._was_cut)
        if done.line.strip() and self._lines[-1:] != [done.line]:
            self._lines = [*self._lines, done.line][-KEPT_LINES:]
        self._begin()
        self._after_return = key == "\r"
        return done

    def _tab(self) -> Offered | None:
        found = self._complete("".join(self._text[: self._at]))
        for letter in found.added:
            self._insert(letter)
        return Offered(found.choices) if found.choices else None

    def _insert(self, letter: str) -> None:
        if len(self._text) >= LINE_LENGTH_MAX:
            self._was_cut = True
            return
        self._text.insert(self._at, letter)
        self._at += 1

    def _go_on(self, key: str) -> None:
        """One more character of an escape sequence; unknown ones are passed over."""
        assert self._sequence is not None
        if not self._sequence and key in "[O":
            self._sequence = key
        elif self._sequence and (key.isdigit() or key == ";") and len(self._sequence) < SEQUENCE_LENGTH_MAX:
            self._sequence += key
        else:
            name = MOVES.get(self._sequence[1:] + key) if self._sequence else None
            self._sequence = None
            self._do(name or "")

    def _do(self, name: str) -> None:
        text, at = self._text, self._at
        match name:
            case "home":
                self._at = 0
            case "end":
                self._at = len(text)
            case "left":
                self._at = max(0, at - 1)
            case "right":
                self._at = min(len(text), at + 1)
            case "delete":
                del text[at : at + 1]
            case "rub_out" if at:
                self._cut(at - 1)
            case "cut_before":
                self._cut(0)
            case "cut_after":
                del text[at:]
            case "cut_word":
                self._cut("".join(text[:at]).rstrip().rfind(" ") + 1)
            case "older" | "newer":
                self._recall(self._past + (-1 if name == "older" else 1))

    def _cut(self, begin: int) -> None:
        """Take out what stands from `begin` to the cursor."""
        del self._text[begin : self._at]
        self._at = begin

    def _recall(self, past: int) -> None:
        if 0 <= past <= len(self._lines):
            self._past = past
            self._text = list(self._lines[past]) if past < len(self._lines) else []
            self._at = len(self._text)

    def shown(self, line: str) -> str:
        """A line that is complete, whole, as it stays on the screen."""
        return f"\r\x1b[K{self._prompt}{line}"

    def drawn(self) -> str:
        """What puts the line on the screen: one row of it, with the cursor in view."""
        room = max(WIDTH_LEAST, self.width) - len(self._prompt) - 1
        begin = self._at
        used = 0
        while begin and used + columns(self._text[begin - 1]) <= room:
            begin -= 1
            used += columns(self._text[begin])
        end = self._at
        while end < len(self._text) and used + columns(self._text[end]) <= room:
            used += columns(self._text[end])
            end += 1
        back = sum(columns(letter) for letter in self._text[self._at : end])
        return f"\r\x1b[K{self._prompt}{''.join(self._text[begin:end])}" + (f"\x1b[{back}D" if back else "")


def columns(letter: str) -> int:
    """How many columns of a terminal a letter takes."""
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1

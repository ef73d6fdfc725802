"""A conversation on the console: lines in, commands run one after the other, answers out.

In a terminal there is a prompt and an editor; where there is none (`ssh … < file`), each line of the input is a line.
Every command goes on record in the desk's log before it is carried out.
"""

import asyncio
import codecs
import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass

from console import words
from console.child import Child, Commands, Wire
from console.editor import Editor, Ended, Interrupted, Offered, Typed
from console.words import Leave, Meaning, Nothing, Refuse, Run, Say, meaning

log = logging.getLogger("centralino.console")

PROMPT = "centralino> "
WAITING_MAX = 64 * 1024  # characters, or bytes, that may wait while a command runs
NOT_UNDERSTOOD = 2  # the exit code, as of the command line
NAME_LENGTH_MAX = 32


@dataclass(frozen=True, slots=True)
class Person:
    """Who is on the console: by the comment of their key, or the user name they gave; and from which address."""

    name: str
    address: str

    def __str__(self) -> str:
        return f"{self.name} (console {self.address})"


def name_of(comment: str, user: str) -> str:
    """The name for the record."""
    for text in (comment, user):
        plain = "".join(letter for letter in text if letter.isprintable()).strip()
        if plain:
            return plain[:NAME_LENGTH_MAX]
    return "nameless"


class Talk(ABC):
    """With one person, on one channel."""

    def __init__(self, person: Person, wire: Wire, commands: Commands) -> None:
        self.person, self.wire, self._commands = person, wire, commands
        self.code = 0  # of the last command
        self.width: int | None = None
        self._child: Child | None = None
        self._came = asyncio.Event()
        self._ended = False

    @abstractmethod
    def typed(self, data: bytes) -> None:
        """These bytes came."""

    @abstractmethod
    async def run(self) -> int:
        """Hold the conversation; the exit code."""

    def end_of_input(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._came.set()

    def interrupt(self) -> None:
        """End the command that runs, if any."""
        if self._child:
            self._child.interrupt()

    async def obey(self, meant: Meaning) -> None:
        """Carry out what a line means, and keep its exit code."""
        match meant:
            case Nothing() | Leave():
                pass
            case Say(text):
                await self.wire.out(f"{text}\n")
                self.code = 0
            case Refuse(text):
                log.info("refused: %s", text, extra=self._who())
                await self.wire.err(f"{text}\n")
                self.code = NOT_UNDERSTOOD
            case Run(said, within_s):
                log.info("%s", words.for_the_log(said), extra=self._who())
                self.code = await self._carry_out(said, within_s)
                log.info("ended", extra={**self._who(), "command": said[0], "exit_code": self.code})

    async def _carry_out(self, said: tuple[str, ...], within_s: float) -> int:
        environment = self._commands.environment(str(self.person), self.width)
        self._child = Child((*self._commands.program, *said), environment, self.wire)
        try:
            return await self._child.run(within_s)
        except OSError as error:
            if isinstance(error, ConnectionError):
                raise
            await self.wire.err(f"the command could not be started: {error.strerror}\n")
            return NOT_UNDERSTOOD
        finally:
            self._child = None

    def _who(self) -> dict[str, str]:
        return {"user": self.person.name, "address": self.person.address}


class OneCommand(Talk):
    """`ssh … status`: what was asked is in the request, and the input is not read."""

    def __init__(self, person: Person, wire: Wire, commands: Commands, line: bytes) -> None:
        super().__init__(person, wire, commands)
        self._line = line

    def typed(self, data: bytes) -> None:
        if b"\x03" in data:
            self.interrupt()

    async def run(self) -> int:
        await self.obey(_meaning_of(self._line))
        return self.code


class ByLines(Talk):
    """Without a terminal: each line of the input is a command; no prompt, no echo. The exit code is the last one's."""

    def __init__(self, person: Person, wire: Wire, commands: Commands) -> None:
        super().__init__(person, wire, commands)
        self._waiting = bytearray()
        self._is_too_much = False

    def typed(self, data: bytes) -> None:
        self._is_too_much |= len(self._waiting) + len(data) > WAITING_MAX
        if not self._is_too_much:
            self._waiting += data
        self._came.set()

    async def run(self) -> int:
        while True:
            line, is_line, rest = self._waiting.partition(b"\n")
            if is_line or (self._ended and line):
                self._waiting = rest
                meant = _meaning_of(bytes(line.rstrip(b"\r")))
                await self.obey(meant)
                if isinstance(meant, Leave):
                    return self.code
            elif self._is_too_much:
                await self.obey(Refuse(f"more than {WAITING_MAX} bytes were sent at once; the rest was not read"))
                return self.code
            elif self._ended:
                return self.code
            else:
                self._came.clear()
                await self._came.wait()


def _meaning_of(line: bytes) -> Meaning:
    try:
        return meaning(line.decode("utf-8"))
    except UnicodeDecodeError:
        return Refuse("this line is no text (UTF-8)")


class InTerminal(Talk):
    """With a prompt, an editor, a history and Ctrl-C."""

    GREETING = "Centralino. `help` lists the commands, Tab completes them, Ctrl-D leaves.\n"

    def __init__(self, person: Person, wire: Wire, commands: Commands, width: int) -> None:
        super().__init__(person, wire, commands)
        self._editor = Editor(PROMPT, words.completion)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._waiting = ""
        self.resize(width)

    def resize(self, width: int) -> None:
        self.width = self._editor.width = max(20, min(width or 80, 500))

    def typed(self, data: bytes) -> None:
        text = self._decoder.decode(data)
        if self._child and "\x03" in text:
            self._waiting = text = ""  # what was typed ahead was meant for after it
            self.interrupt()
        self._waiting = (self._waiting + text)[:WAITING_MAX]
        self._came.set()

    async def run(self) -> int:
        await self.wire.out(self.GREETING)
        while True:
            await self.wire.out(self._editor.drawn())
            while not self._waiting:
                if self._ended:
                    await self.wire.out("\n")
                    return self.code
                self._came.clear()
                await self._came.wait()
            if await self._take():
                return self.code

    async def _take(self) -> bool:
        """Give what was typed to the editor, up to the first thing that asks for an answer; whether it was goodbye."""
        waiting, self._waiting = self._waiting, ""
        for nth, key in enumerate(waiting, 1):
            event = self._editor.key(key)
            if key == "\x0c":
                await self.wire.out("\x1b[H\x1b[2J")
            if event is None:
                continue
            self._waiting = waiting[nth:] + self._waiting
            return await self._answer(event)
        return False

    async def _answer(self, event: Typed | Interrupted | Ended | Offered) -> bool:
        match event:
            case Ended():
                await self.wire.out("\n")
                return True
            case Interrupted():
                await self.wire.out("^C\n")
            case Offered(choices):
                await self.wire.out(f"\n{'  '.join(choices)}\n")
            case Typed(line, was_cut):
                meant = words.too_long() if was_cut else meaning(line)
                await self.wire.out(f"{self._editor.shown(line)}\n")
                await self.obey(meant)
                return isinstance(meant, Leave)
        return False

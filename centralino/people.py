"""Who calls: the only place where a number or a name meets the key that stands for it in the journal.

`STATE/people.jsonl` (mode 600) holds one line for each new number or changed name; the last line about a key is true.
"""

import logging
import os
import re
import secrets
import unicodedata
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import phonenumbers

NUMBER_LENGTH_MAX = 64
NAME_LENGTH_MAX = 128
REGION = "IT"  # where a number without a country code is from
WITHHELD = {"", "anonymous", "restricted", "unknown", "unavailable", "private", "withheld"}

log = logging.getLogger(__name__)
_DIALLABLE = re.compile(r"\+?[\d\s().\-/]+")
_E164 = re.compile(r"\+[1-9][0-9]{5,14}")
_TURNS_TEXT = set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


@dataclass(frozen=True, slots=True)
class Person:
    """What we know of a caller. Both are empty for a withheld number, and neither is trusted text."""

    number: str
    name: str


NOBODY = Person("", "")
FORGOTTEN = "-"  # the key in a line of somebody who was


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    key: str
    number: str = ""
    name: str = ""
    at_s: float = 0.0
    answer: str = ""  # what the person `of` keyed in
    of: str = ""


_to_line = msgspec.json.Encoder()
_from_line = msgspec.json.Decoder(_Line)


class People:
    """Keys for callers: the same number always has the same key, a withheld one a fresh key each time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key_of: dict[str, str] = {}
        self._person_of: dict[str, Person] = {}
        self._answers: dict[str, str] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.fchmod(self._fd, 0o600)
        self._sync = ThreadPoolExecutor(1, "people-sync")
        self._sync_is_queued = False
        self._read_back()

    def key_for(self, number: str, name: str, now_s: float) -> str:
        """The key of whoever calls from `number` (as the carrier gave it), showing `name`.

        A new number or a changed name is written down first (OSError where the disk refuses).
        """
        if is_withheld(number):
            return secrets.token_hex(8)
        number, name = normalised(number), cleaned(name, NAME_LENGTH_MAX)
        key = self._key_of.get(number)
        if key and name in ("", self._person_of[key].name):
            return key
        key = key or secrets.token_hex(8)
        self._write(_Line(key, number, name, now_s))
        return key

    def keep_answer(self, answer: str, person: str, now_s: float) -> str:
        """The key under which digits that `person` keyed in are kept (OSError where the disk refuses)."""
        key = secrets.token_hex(8)
        self._write(_Line(key, at_s=now_s, answer=answer, of=person))
        return key

    def answer(self, key: str) -> str:
        """The digits that were kept under `key`; empty where there are none any more."""
        return self._answers.get(key, "")

    def who(self, key: str) -> Person:
        """Whom `key` stands for; empty number and name for a withheld one."""
        return self._person_of.get(key, NOBODY)

    def key_of(self, number: str) -> str:
        """The key of whoever has `number` (as anybody writes it); empty: nobody we know."""
        return self._key_of.get(normalised(number), "")

    def told_by(self, keys: Collection[str]) -> list[dict[str, Any]]:
        """All that the file holds about the persons with these keys, in order. Raises OSError."""
        return [msgspec.to_builtins(line) for _, line in self._lines_about(keys)]

    def forget(self, keys: Collection[str]) -> None:
        """From now on nobody can tell whom these keys stand for, nor what they keyed in. Raises OSError."""
        fd = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)  # ours appends, wherever it is told to write
        try:
            for (start, end), line in self._lines_about(keys):
                # why in its place: who calls meanwhile is appended
                os.pwrite(fd, _to_line.encode(_Line(FORGOTTEN)).ljust(end - start)[: end - start], start)
                self._answers.pop(line.key, None)
                self._key_of.pop(line.number, None)
                self._person_of.pop(line.key, None)
            os.fdatasync(fd)
        finally:
            os.close(fd)

    def close(self) -> None:
        """Sync what was written, and close the file."""
        self._sync.submit(os.fdatasync, self._fd).result()
        self._sync.shutdown()
        os.close(self._fd)

    def _write(self, line: _Line) -> None:
        data = _to_line.encode(line) + b"\n"
        size_bytes = os.fstat(self._fd).st_size
        if os.write(self._fd, data) < len(data):
            os.ftruncate(self._fd, size_bytes)
            raise OSError(f"no room for a new caller in {self._path}")
        self._remember(line)
        if not self._sync_is_queued:  # the sync that is queued, and has not begun, covers this line too
            self._sync_is_queued = True
            self._sync.submit(self._sync_now).add_done_callback(_say_when_unsynced)

    def _sync_now(self) -> None:
        self._sync_is_queued = False  # first: what is written from now on needs a sync of its own
        os.fdatasync(self._fd)

    def _remember(self, line: _Line) -> None:
        if line.answer:
            self._answers[line.key] = line.answer
            return
        if line.key == FORGOTTEN:
            return
        self._key_of[line.number] = line.key
        self._person_of[line.key] = Person(line.number, line.name)

    def _lines_about(self, keys: Collection[str]) -> list[tuple[tuple[int, int], _Line]]:
        """Each with where it begins and ends, without its line break."""
        data, found = self._path.read_bytes(), dict[tuple[int, int], _Line]()
        for match in re.finditer(b"|".join(re.escape(key.encode()) for key in keys) or rb"(?!)", data):
            place = data.rfind(b"\n", 0, match.start()) + 1, data.find(b"\n", match.end())
            if place not in found:
                with suppress(msgspec.DecodeError, UnicodeDecodeError):
                    found[place] = _from_line.decode(data[slice(*place)])
        return [(place, line) for place, line in sorted(found.items()) if line.key in keys or line.of in keys]

    def _read_back(self) -> None:
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            log.warning("%s: cut off a torn last line of %d bytes", self._path.name, len(data) - whole)
            os.ftruncate(self._fd, whole)
        for number, text in enumerate(data[:whole].splitlines(), start=1):
            try:
                self._remember(_from_line.decode(text))
            except (msgspec.DecodeError, UnicodeDecodeError):
                log.error("%s:%d: this person cannot be read; they are left out", self._path.name, number)


def _say_when_unsynced(sync: "Future[None]") -> None:
    if sync.exception():
        log.error("a caller's number could not be synced to disk: %s", sync.exception())


def is_withheld(number: str) -> bool:
    """Whether `number` says only that the caller does not show theirs."""
    return cleaned(number, NUMBER_LENGTH_MAX).lower() in WITHHELD


def normalised(number: str) -> str:
    """`number` in E.164 (`+39055…`) where it is valid (dialled in Italy); else its cleaned text, at most 64 long."""
    text = cleaned(number, NUMBER_LENGTH_MAX)
    if not _DIALLABLE.fullmatch(text):
        return text
    try:
        parsed = phonenumbers.parse(text, REGION)
    except phonenumbers.NumberParseException:
        return text
    if not phonenumbers.is_valid_number(parsed):
        return text
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def e164(text: str) -> str:
    """A telephone number as somebody writes it, in E.164; empty where it is none."""
    number = normalised(text)
    return number if _E164.fullmatch(number) else ""


def cleaned(text: str, length_max: int) -> str:
    """`text` without control characters, line breaks or marks that turn its direction, at most `length_max` long."""
    # why first twice the length: 5,000 characters need not be looked at one by one
    return "".join(letter for letter in text[: 2 * length_max] if _is_shown(letter))[:length_max].strip()


def _is_shown(letter: str) -> bool:
    return letter not in _TURNS_TEXT and unicodedata.category(letter) not in ("Cc", "Cs", "Zl", "Zp")

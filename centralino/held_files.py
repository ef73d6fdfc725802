"""What files hold about a person: Asterisk's call records, its logs and ours. What is to go is overwritten in place.

why overwritten: others append to these files all the time; to write them anew would lose a line.
"""

import mmap
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import phonenumbers

GONE = b"x"
NAME_SHORTEST = 4  # a shorter one is a part of other words
LINE_BYTES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Line:
    file: str
    text: str


def traces_of(number: str, mail: str) -> re.Pattern[bytes]:
    """Their number as any carrier writes it, and their mail: by these a line is known as theirs."""
    wanted = [rb"(?<![0-9])" + one + rb"(?![0-9])" for one in _ways_to_write(number)]
    wanted += [rb"(?<![\w.+-])" + re.escape(mail.encode()) + rb"(?![\w-])"] if mail else []
    return re.compile(b"|".join(wanted) or rb"(?!)", re.IGNORECASE)


def names_of(names: frozenset[str]) -> re.Pattern[bytes]:
    """The names they gave. Others have them too, and anybody may give any: they are theirs in a line of theirs only."""
    wanted: list[bytes] = []
    for name in sorted(names, key=len, reverse=True):
        if len(name) >= NAME_SHORTEST:
            wanted += [rb"(?<!\w)" + re.escape(one) + rb"(?!\w)" for one in (name.encode(), _escaped(name))]
    return re.compile(b"|".join(wanted) or rb"(?!)", re.IGNORECASE)


def files_of_lines(state: Path) -> list[Path]:
    """Asterisk's call records and logs, our own logs, and what was rotated away of them."""
    folders = (state / "log", state / "asterisk" / "log")
    return sorted(file for folder in folders for file in folder.rglob("*") if file.is_file())


def lines_with(traces: re.Pattern[bytes], state: Path) -> Iterator[Line]:
    """Each line that names them. Raises OSError."""
    for file in files_of_lines(state):
        content = file.read_bytes()
        end = 0
        for found in traces.finditer(content):
            if found.start() < end:
                continue  # in the same line
            start, end = _line_of(content, *found.span())
            text = content[start : min(end, start + LINE_BYTES_MAX)].decode(errors="replace")
            yield Line(str(file.relative_to(state)), text)


def blank(traces: re.Pattern[bytes], names: re.Pattern[bytes], state: Path) -> int:
    """Overwrite each of their traces, and their names in the same lines; how many there were. Raises OSError."""
    return sum(_blank(traces, names, file) for file in files_of_lines(state))


# --- within


def _blank(traces: re.Pattern[bytes], names: re.Pattern[bytes], file: Path) -> int:
    with file.open("r+b") as opened:
        if not os.fstat(opened.fileno()).st_size:
            return 0
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            places = [found.span() for found in traces.finditer(content)]
            for start, end in list(places):
                places += [found.span() for found in names.finditer(content, *_line_of(content, start, end))]
        for start, end in places:
            os.pwrite(opened.fileno(), GONE * (end - start), start)
        if places:
            os.fsync(opened.fileno())
    return len(places)


def _line_of(content: bytes | mmap.mmap, start: int, end: int) -> tuple[int, int]:
    """Where the line begins and ends that what stands from `start` to `end` is in."""
    ends = content.find(b"\n", end)
    return content.rfind(b"\n", 0, start) + 1, len(content) if ends < 0 else ends


def _ways_to_write(number: str) -> Iterator[bytes]:
    """Of +39055…: the same, 0039055…, 39055…, 055…"""
    if not number:
        return
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        yield re.escape(number.encode())
        return
    national = phonenumbers.national_significant_number(parsed)
    yield f"(?:(?:\\+|00)?{parsed.country_code})?0?{national}".encode()


def _escaped(name: str) -> bytes:
    """As JSON writes it."""
    return "".join(letter if ord(letter) < 128 else f"\\u{ord(letter):04x}" for letter in name).encode()

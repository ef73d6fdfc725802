"""The files of messages and recordings: where they stand, how long they are, and their sound.

NAME.wav while Asterisk writes it, and until it is sealed; NAME.wav.enc from then on.
"""

import logging
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from recordings.sealed import CannotOpen, Keys, opened, sealed_path

log = logging.getLogger(__name__)

TALKS = "talks"
HEADER_BYTES = 44  # as Asterisk writes them: RIFF, WAVE, `fmt ` with the bytes a second at 28, `data`


class NoSound(Exception):
    """A recording that cannot be heard, and why."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where recordings stand, and what gives the keys that they are sealed with."""

    folder: Path
    keys: Callable[[], Keys]


def talk_name(queue: str, day: date, call: str, nth: int) -> str:
    """The name of the recording of the `nth` talk of a call. `day` is that of UTC."""
    return f"{TALKS}/{queue}/{day.isoformat()}/{call}-talk{nth}"


def call_of(name: str) -> str:
    """The call of the recording with this name, of a message or a talk."""
    last = name.rpartition("/")[2]
    return last.rpartition("-talk")[0] or last


def path_of(recordings: Path, name: str) -> Path:
    """The plain file of the recording `name`. Raises ValueError for a name that leads out of the folder."""
    path = (recordings / f"{name}.wav").resolve()
    if not path.is_relative_to(recordings.resolve()):
        raise ValueError(f"{name!r} is no name of a recording")
    return path


def is_there(recordings: Path, name: str) -> bool:
    """Whether there is a file of it, sealed or not. Raises ValueError."""
    plain = path_of(recordings, name)
    return plain.exists() or sealed_path(plain).exists()


def remove(recordings: Path, name: str) -> None:
    """Delete whatever there is of it. Raises OSError, ValueError."""
    plain = path_of(recordings, name)
    for file in (plain, sealed_path(plain), plain.with_suffix(".raw")):
        file.unlink(missing_ok=True)


def length_s(recordings: Path, name: str) -> float:
    """How many seconds of sound the plain file holds; 0 where there is none, or none that can be read.

    Counted from the file's size: Asterisk writes the header's length only when the recording is closed. Of one that is
    sealed, the length stands on record.
    """
    try:
        with path_of(recordings, name).open("rb") as file:
            header = file.read(HEADER_BYTES)
            size_bytes = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return 0.0
    if len(header) < HEADER_BYTES:
        return 0.0  # just begun
    riff, form, rate_bytes = struct.unpack_from("<4s4x4s16xI", header)
    if (riff, form) != (b"RIFF", b"WAVE") or rate_bytes == 0:
        log.error("%s.wav is no recording", name)
        return 0.0
    return float((size_bytes - HEADER_BYTES) / rate_bytes)


def sound_of(shelf: Shelf, name: str) -> bytes:
    """The whole WAV file of the recording. Raises NoSound where there is none, or nothing in it."""
    try:
        sound = _read(shelf, path_of(shelf.folder, name))
    except (ValueError, CannotOpen) as wrong:
        raise NoSound(str(wrong)) from wrong
    except OSError as error:
        raise NoSound(f"the recording {name}.wav cannot be read: {error.strerror}") from error
    if len(sound) <= HEADER_BYTES:
        raise NoSound(f"the recording {name}.wav holds no sound")
    return sound


def _read(shelf: Shelf, plain: Path) -> bytes:
    try:
        return b"".join(opened(sealed_path(plain), shelf.keys()))
    except FileNotFoundError:
        return plain.read_bytes()

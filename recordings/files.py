"""The files of messages and recordings: where they stand, and how long they are."""

import logging
import os
import struct
from datetime import date
from pathlib import Path

log = logging.getLogger(__name__)

TALKS = "talks"
HEADER_BYTES = 44  # as Asterisk writes them: RIFF, WAVE, `fmt ` with the bytes a second at 28, `data`


class NoSound(Exception):
    """A recording that cannot be heard, and why."""


def talk_name(queue: str, day: date, call: str, nth: int) -> str:
    """The name of the recording of the `nth` talk of a call. `day` is that of UTC."""
    return f"{TALKS}/{queue}/{day.isoformat()}/{call}-talk{nth}"


def path_of(recordings: Path, name: str) -> Path:
    """The file of the recording `name`. Raises ValueError for a name that leads out of the folder."""
    path = (recordings / f"{name}.wav").resolve()
    if not path.is_relative_to(recordings.resolve()):
        raise ValueError(f"{name!r} is no name of a recording")
    return path


def length_s(recordings: Path, name: str) -> float:
    """How many seconds of sound the recording holds; 0 where there is none, or none that can be read.

    Counted from the file's size: Asterisk writes the header's length only when the recording is closed.
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


def sound_of(recordings: Path, name: str) -> bytes:
    """The whole file of the recording. Raises NoSound where there is none, or nothing in it."""
    try:
        sound = path_of(recordings, name).read_bytes()
    except ValueError as wrong:
        raise NoSound(str(wrong)) from wrong
    except OSError as error:
        raise NoSound(f"the recording {name}.wav cannot be read: {error.strerror}") from error
    if len(sound) <= HEADER_BYTES:
        raise NoSound(f"the recording {name}.wav holds no sound")
    return sound

"""The files of messages and recordings: where they stand, and how long they are."""

import logging
import wave
from pathlib import Path

log = logging.getLogger(__name__)

HEADER_BYTES = 44


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
    path = path_of(recordings, name)
    if not path.exists():
        return 0.0
    try:
        with wave.open(str(path)) as sound:
            rate: int = sound.getframerate() * sound.getsampwidth() * sound.getnchannels()
    except (wave.Error, EOFError) as unreadable:
        log.error("%s cannot be read: %s", path.name, unreadable)
        return 0.0
    return max(0.0, (path.stat().st_size - HEADER_BYTES) / rate)

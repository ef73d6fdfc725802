"""Which recordings of talks are to be deleted: decided from their names, which say the queue and the day.

A recording is kept for as long as its queue says in queues.yaml now, counted from the end of its day (UTC). Where its
queue is gone, or records no longer, for the longest that any queue says. Where no queue says anything it stays, and it
is for somebody to decide: what is deleted cannot be had back.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path

from recordings.files import TALKS, call_of

DAY_S = 86_400
ENDINGS = (".wav.enc", ".wav", ".raw")  # .wav: not sealed yet; .raw: one that was never closed


class Stays(StrEnum):
    """Why a recording is not deleted."""

    IN_TIME = "its time is not over"
    NO_RULE = "no queue says how long"


@dataclass(frozen=True, slots=True)
class Deletion:
    """The recording's time is over. `why` is for the record."""

    why: str


@dataclass(frozen=True, slots=True)
class Talk:
    """The file of a talk that was recorded; `name` without its ending."""

    file: Path
    name: str
    queue: str
    day: date

    @property
    def call(self) -> str:
        return call_of(self.name)


def talks(recordings: Path) -> Iterator[Talk]:
    """All files of talks. What bears another name than we give is not ours, and is left alone."""
    for file in sorted((recordings / TALKS).glob("*/*/*-talk*")):
        day, queue = file.parent, file.parent.parent
        if ending := next((one for one in ENDINGS if file.name.endswith(one)), ""):
            with suppress(ValueError):
                name = f"{TALKS}/{queue.name}/{day.name}/{file.name.removesuffix(ending)}"
                yield Talk(file, name, queue.name, date.fromisoformat(day.name))


def decide(talk: Talk, keeps: Mapping[str, float], now: datetime) -> Deletion | Stays:
    """`keeps`: for how many seconds each queue that records keeps its talks."""
    if not keeps:
        return Stays.NO_RULE
    keep_s = keeps.get(talk.queue, max(keeps.values()))
    ended = datetime.combine(talk.day + timedelta(days=1), time(), UTC)
    if (now - ended).total_seconds() < keep_s:
        return Stays.IN_TIME
    whose = "" if talk.queue in keeps else f", the longest of all queues: {talk.queue} has no rule"
    return Deletion(f"older than {keep_s / DAY_S:g} days{whose}")


def delete(talk: Talk) -> None:
    """Delete the file, and the folders that are empty then. Raises OSError."""
    talk.file.unlink(missing_ok=True)
    with suppress(OSError):  # others are in it
        talk.file.parent.rmdir()
        talk.file.parent.parent.rmdir()

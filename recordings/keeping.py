"""Which recordings are to be deleted: talks by their names, which say the queue and the day; messages by their box.

A recording is kept for as long as its queue says in queues.yaml now, counted from the end of its day (UTC). Where its
queue is gone, or says nothing any longer, for the longest that any queue says. Where no queue says anything it stays,
and it is for somebody to decide: what is deleted cannot be had back. So does a message that nobody has worked through.
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
    NOT_DONE = "nobody has worked through it"


@dataclass(frozen=True, slots=True)
class Deletion:
    """The recording's time is over. `why` is for the record."""

    why: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The file of a recording; `name` without its ending. `is_waiting`: a message that is to be worked through."""

    file: Path
    name: str
    queue: str
    day: date
    is_waiting: bool = False

    @property
    def call(self) -> str:
        return call_of(self.name)


def talks(recordings: Path) -> Iterator[Kept]:
    """All files of talks. What bears another name than we give is not ours, and is left alone."""
    for file in sorted((recordings / TALKS).glob("*/*/*-talk*")):
        yield from _kept(file, recordings, file.parent.parent.name)


def messages(recordings: Path) -> Iterator[Kept]:
    """All files of messages, the same way. Whose they are, their names do not say."""
    for file in sorted(recordings.glob("*-*-*/*")):
        yield from _kept(file, recordings, "")


def goes_at(day: date, queue: str, keeps: Mapping[str, float]) -> datetime | None:
    """When the time of a recording of `day` is over; None: nobody says. `keeps`: for how many seconds each queue that
    says so keeps its own.
    """
    if not keeps:
        return None
    return datetime.combine(day + timedelta(days=1), time(), UTC) + timedelta(seconds=_keep_s(queue, keeps))


def decide(recording: Kept, keeps: Mapping[str, float], now: datetime) -> Deletion | Stays:
    """`keeps` as in `goes_at`."""
    goes = goes_at(recording.day, recording.queue, keeps)
    if goes is None:
        return Stays.NO_RULE
    if now < goes:
        return Stays.IN_TIME
    if recording.is_waiting:
        return Stays.NOT_DONE
    queue = recording.queue or "no queue"
    whose = "" if queue in keeps else f", the longest of all queues: {queue} has no rule"
    return Deletion(f"older than {_keep_s(queue, keeps) / DAY_S:g} days{whose}")


def delete(recording: Kept) -> None:
    """Delete the file, and the folders that are empty then. Raises OSError."""
    recording.file.unlink(missing_ok=True)
    with suppress(OSError):  # others are in it
        recording.file.parent.rmdir()
        if recording.name.startswith(f"{TALKS}/"):
            recording.file.parent.parent.rmdir()


# --- within


def _keep_s(queue: str, keeps: Mapping[str, float]) -> float:
    return keeps.get(queue, max(keeps.values()))


def _kept(file: Path, recordings: Path, queue: str) -> Iterator[Kept]:
    if ending := next((one for one in ENDINGS if file.name.endswith(one)), ""):
        with suppress(ValueError):
            name = str(file.relative_to(recordings)).removesuffix(ending)
            yield Kept(file, name, queue, date.fromisoformat(file.parent.name))

"""The journal: every event of this installation, one line each, in a file that survives `kill -9`.

A segment is a file `NNNNNNNNNNNN.jsonl`, named for the number of its first entry. Its first line is a checkpoint (what
the caller knew when it began); the lines after it are entries. A new segment begins at each start of the engine, each
day, and over 64 MB, so that reading back is short.
"""

import errno
import fcntl
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from centralino.clock import Clock, as_utc
from centralino.events import AnyEvent, Entry

SYNC_EVERY_S = 0.04  # why 40 ms: with the sync itself and one transaction, the database is at most about 50 ms behind
SEGMENT_BYTES_MAX = 64 * 1024 * 1024
CLOSE_DEADLINE_S = 10.0
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

log = logging.getLogger(__name__)
_to_line = msgspec.json.Encoder()
_to_entry = msgspec.json.Decoder(Entry)


class JournalError(Exception):
    """The disk refused the journal; the event is not on record. Do not announce it to anybody."""


class JournalFull(JournalError):
    """No room is left on the journal's disk. The event is not on record; make room, then append again."""


class JournalInUse(JournalError):
    """Another process writes this journal."""


class _Checkpoint(msgspec.Struct, frozen=True):
    checkpoint: Any
    at_s: float


_to_checkpoint = msgspec.json.Decoder(_Checkpoint)


@dataclass(frozen=True, slots=True)
class TornTail:
    """What was cut off a segment at opening: a line that was never written whole."""

    segment: str
    cut_bytes: int


class Journal:
    """The one writer of the journal, and the way to read it back. Used from one thread (it syncs in one of its own)."""

    def __init__(self, folder: Path, clock: Clock, lock_fd: int) -> None:
        """Use `Journal.open`."""
        self.on_append: list[Callable[[Entry], None]] = []
        self.on_synced: list[Callable[[], None]] = []  # called in the syncing thread
        self.torn: TornTail | None = None
        self.last_n = 0
        self.synced_n = 0  # entries up to here stand on the disk itself
        self._folder, self._clock, self._lock_fd = folder, clock, lock_fd
        self._fd = -1
        self._size_bytes = 0
        self._day = ""
        self._is_new = False
        self._retired: list[int] = []
        self._sync_error: OSError | None = None
        self._wake, self._stop, self._fds = threading.Event(), threading.Event(), threading.Lock()
        self._syncer = threading.Thread(target=self._keep_synced, name="journal-sync", daemon=True)

    @classmethod
    def open(cls, folder: Path, clock: Clock) -> "Journal":
        """Open the journal in `folder` (made if missing), cut a torn last line off and say so in `torn`.

        Raises JournalInUse while another process has it open. Call `start_segment` before the first `append`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        journal = cls(folder, clock, _locked(folder / "lock"))
        journal._find_the_end()
        journal._syncer.start()
        return journal

    # writing

    def append(self, event: AnyEvent) -> Entry:
        """Put `event` on record with one write, and tell the subscribers.

        Raises JournalFull, or JournalError for any other refusal; then nothing was recorded.
        """
        if self._fd < 0:
            raise RuntimeError("start_segment comes before the first append")
        if self._sync_error:
            raise _refusal(self._sync_error) from self._sync_error
        entry, line = _encoded(Entry(n=self.last_n + 1, at_s=self._clock.now_s(), event=event))
        self._write(line)
        self.last_n = entry.n
        self._wake.set()
        for tell in self.on_append:
            tell(entry)
        return entry

    def start_segment(self, checkpoint: Any) -> None:
        """Begin a new segment that says `checkpoint` (what JSON can hold) about everything before it.

        Raises JournalFull or JournalError; then the old segment goes on.
        """
        at_s = self._clock.now_s()
        path = self._folder / f"{self.last_n + 1:012d}.jsonl"
        line = _to_line.encode(_Checkpoint(checkpoint, at_s)) + b"\n"
        new = path.with_suffix(".new")
        fd = _written(new, line)
        new.replace(path)  # only whole: a reader never meets half a checkpoint
        with self._fds:
            old, self._fd = self._fd, fd
            if old >= 0:
                self._retired.append(old)
            self._size_bytes, self._day, self._is_new = len(line), _day(at_s), True
        self._wake.set()

    def is_segment_over(self) -> bool:
        """Whether it is time for `start_segment`: over 64 MB, or begun on another day (UTC)."""
        return self._size_bytes > SEGMENT_BYTES_MAX or self._day != _day(self._clock.now_s())

    def close(self) -> None:
        """Sync what is written, and let another process have the journal."""
        self._stop.set()
        self._wake.set()
        self._syncer.join(CLOSE_DEADLINE_S)
        self._fd, fd = -1, self._fd
        if fd >= 0:
            os.close(fd)
        os.close(self._lock_fd)

    def _write(self, line: bytes) -> None:
        try:
            written = os.write(self._fd, line)
            if written < len(line):
                os.ftruncate(self._fd, self._size_bytes)  # half a line is no line
                raise OSError(errno.ENOSPC, "only part of the line could be written")
        except OSError as refused:
            raise _refusal(refused) from refused
        self._size_bytes += written

    # syncing, in a thread of its own

    def _keep_synced(self) -> None:
        try:
            while not self._stop.is_set():
                self._wake.wait()
                self._wake.clear()
                self._sync_once()
                self._stop.wait(SYNC_EVERY_S)
            self._sync_once()
        except OSError as refused:
            log.critical("the journal cannot be synced to disk: %s", refused)
            self._sync_error = refused  # the next append refuses: what is lost here cannot be told

    def _sync_once(self) -> None:
        with self._fds:
            n, fd, retired, is_new = self.last_n, self._fd, self._retired, self._is_new
            self._retired, self._is_new = [], False
        for old in retired:
            os.fdatasync(old)
            os.close(old)
        if fd >= 0:
            os.fdatasync(fd)
        if is_new:
            _sync_folder(self._folder)
        self.synced_n = n
        for tell in list(self.on_synced):
            tell()

    # reading

    def read_back(self) -> tuple[Any | None, Iterator[Entry]]:
        """The newest checkpoint, and every entry after it; (None, every entry) where no checkpoint can be read."""
        segments = self._segments()
        for place in range(len(segments) - 1, -1, -1):
            found = _checkpoint_of(segments[place])
            if found:
                return found.checkpoint, _entries(segments[place:])
        return None, _entries(segments)

    def entries_after(self, n: int) -> Iterator[Entry]:
        """Every entry whose number is over `n`, in order, up to what is written when the reader comes there."""
        segments = self._segments()
        later = [place for place, path in enumerate(segments) if _first_n(path) <= n + 1]
        return (entry for entry in _entries(segments[later[-1] if later else 0 :]) if entry.n > n)

    def first_n(self) -> int:
        """The number of the oldest entry still kept; the next number to come, where there is none."""
        segments = self._segments()
        return _first_n(segments[0]) if segments else self.last_n + 1

    def _segments(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*.jsonl"))

    def _find_the_end(self) -> None:
        segments = self._segments()
        if not segments:
            return
        newest = segments[-1]
        data = newest.read_bytes()
        end, last_n = _whole_part(data, _first_n(newest) - 1)
        if end < len(data):
            self.torn = TornTail(newest.name, len(data) - end)
            log.warning("%s: cut off a torn last line of %d bytes", newest.name, len(data) - end)
        with newest.open("r+b") as segment:
            segment.truncate(end)
            os.fdatasync(segment.fileno())  # the one before us may have been killed before its sync
        self.last_n = self.synced_n = last_n


def _encoded(entry: Entry) -> tuple[Entry, bytes]:
    try:
        return entry, _to_line.encode(entry) + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair, from outside: no text, but no reason to lose a call
        text = json.dumps(msgspec.to_builtins(entry), ensure_ascii=False).encode("utf-8", "replace")
        return _to_entry.decode(text), text + b"\n"


def _refusal(refused: OSError) -> JournalError:
    kind = JournalFull if refused.errno in FULL else JournalError
    return kind(f"the journal cannot be written: {refused.strerror}")


def _written(path: Path, line: bytes) -> int:
    """A new file that holds `line`, open for appending."""
    fd = -1
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o640)
        rest = memoryview(line)  # a checkpoint may be larger than one write takes
        while rest:
            rest = rest[os.write(fd, rest) :]
    except OSError as refused:
        if fd >= 0:
            os.close(fd)
        raise _refusal(refused) from refused
    return fd


def _locked(path: Path) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as held:
        os.close(fd)
        raise JournalInUse(f"another process writes the journal in {path.parent}") from held
    return fd


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _day(at_s: float) -> str:
    return as_utc(at_s).date().isoformat()


def _first_n(segment: Path) -> int:
    return int(segment.stem)


def _checkpoint_of(segment: Path) -> _Checkpoint | None:
    with segment.open("rb") as lines:
        try:
            return _to_checkpoint.decode(lines.readline())
        except (msgspec.DecodeError, UnicodeDecodeError):
            log.error("%s: its checkpoint cannot be read; looking at the segment before", segment.name)
            return None


def _entries(segments: list[Path]) -> Iterator[Entry]:
    for segment in segments:
        with segment.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    break  # still being written
                entry = _entry(line) if number > 1 else None
                if entry:
                    yield entry
                elif number > 1:
                    log.error("%s:%d: this entry cannot be read; it is left out", segment.name, number)


def _entry(line: bytes) -> Entry | None:
    try:
        return _to_entry.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _whole_part(data: bytes, n_before: int) -> tuple[int, int]:
    """Where the last whole line of a segment ends, and the number of the last entry in it."""
    end = data.rfind(b"\n") + 1
    head = data.find(b"\n") + 1
    while end > head:
        start = data.rfind(b"\n", 0, end - 1) + 1
        entry = _entry(data[start:end])
        if entry:
            return end, entry.n
        end = start
    return end, n_before

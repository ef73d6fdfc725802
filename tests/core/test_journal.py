"""The journal's file, and the people whose numbers it does not hold."""

import os
import resource
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from centralino import journal as journals
from centralino.clock import SimClock
from centralino.events import CallArrived, PhoneReachable, StepEntered
from centralino.journal import Journal, JournalFull, JournalInUse
from centralino.people import NOBODY, People, Person, cleaned, is_withheld, normalised

HOSTILE = "a\"b',;\r\n\0<script>\u202e😀\ud800" + "x" * 5000


@pytest.fixture
def clock() -> SimClock:
    return SimClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(folder: Path, clock: SimClock) -> Iterator[Journal]:
    opened = Journal.open(folder, clock)
    yield opened
    opened.close()


@contextmanager
def files_at_most(size_bytes: int) -> Iterator[None]:
    """A disk on which a file cannot grow over `size_bytes`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def step(call: str, name: str = "main") -> StepEntered:
    return StepEntered(call=call, step=name)


def reopened(journal: Journal, folder: Path, clock: SimClock) -> Journal:
    journal.close()
    return Journal.open(folder, clock)


def test_what_is_appended_is_read_back_after_its_checkpoint(folder: Path, clock: SimClock) -> None:
    first = Journal.open(folder, clock)
    first.start_segment({"open": []})
    first.append(step("c1"))
    first.start_segment({"open": ["c1"]})
    clock.advance(1)
    written = [first.append(step("c1", "taxes")), first.append(PhoneReachable(phone="p101"))]
    second = reopened(first, folder, clock)
    checkpoint, entries = second.read_back()
    assert checkpoint == {"open": ["c1"]}
    assert list(entries) == written
    assert [entry.n for entry in second.entries_after(0)] == [1, 2, 3]
    assert [entry.n for entry in second.entries_after(2)] == [3]
    assert list(second.entries_after(3)) == []
    second.close()


def test_a_new_journal_knows_nothing_and_refuses_events_before_its_first_segment(journal: Journal) -> None:
    checkpoint, entries = journal.read_back()
    assert (checkpoint, list(entries)) == (None, [])
    with pytest.raises(RuntimeError, match="start_segment"):
        journal.append(step("c1"))


def test_numbers_go_on_over_restarts_also_when_nothing_was_written(folder: Path, clock: SimClock) -> None:
    first = Journal.open(folder, clock)
    first.start_segment("a")
    second = reopened(first, folder, clock)
    second.start_segment("b")
    assert second.append(step("c1")).n == 1
    third = reopened(second, folder, clock)
    assert third.read_back()[0] == "b"
    third.start_segment("c")
    assert third.append(step("c1")).n == 2
    third.close()


@pytest.mark.parametrize("tail", [b'{"n":2,"at_s":1.0,"ev', b"\0" * 100, b"not json\n", b'{"n":2}\n{"n":3,'])
def test_a_torn_last_line_is_cut_off_and_reported(folder: Path, clock: SimClock, tail: bytes) -> None:
    first = Journal.open(folder, clock)
    first.start_segment(None)
    kept = first.append(step("c1"))
    first.close()
    segment = folder / "000000000001.jsonl"
    whole = segment.read_bytes()
    segment.write_bytes(whole + tail)
    second = Journal.open(folder, clock)
    assert second.torn == journals.TornTail(segment.name, len(tail))
    assert segment.read_bytes() == whole
    assert list(second.read_back()[1]) == [kept]
    second.start_segment(None)
    assert second.append(step("c1")).n == 2
    second.close()


def test_without_a_readable_checkpoint_the_one_before_is_taken(folder: Path, clock: SimClock) -> None:
    first = Journal.open(folder, clock)
    first.start_segment("old")
    first.append(step("c1"))
    first.start_segment("new")
    first.append(step("c2"))
    first.close()
    segment = folder / "000000000002.jsonl"
    segment.write_bytes(b"garbage\n" + segment.read_bytes().split(b"\n", 1)[1])
    second = Journal.open(folder, clock)
    checkpoint, entries = second.read_back()
    assert checkpoint == "old"
    assert [entry.n for entry in entries] == [1, 2]
    second.close()


def test_a_damaged_line_in_the_middle_is_left_out_and_logged(
    journal: Journal, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal.start_segment(None)
    for call in ("c1", "c2", "c3"):
        journal.append(step(call))
    segment = folder / "000000000001.jsonl"
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join([*lines[:2], b"\xff\xfe\n", lines[3]]))
    assert [entry.n for entry in journal.entries_after(0)] == [1, 3]
    assert "000000000001.jsonl:3" in caplog.text


def test_every_written_event_survives_a_kill(folder: Path) -> None:
    program = f"""
        import os, signal
        from pathlib import Path
        from centralino.clock import RunningClock
        from centralino.events import StepEntered
        from centralino.journal import Journal
        journal = Journal.open(Path({str(folder)!r}), RunningClock())
        journal.start_segment(None)
        for number in range(200):
            journal.append(StepEntered(call="c1", step=str(number)))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    journal = Journal.open(folder, SimClock(datetime(2026, 11, 23, tzinfo=UTC)))
    assert len(list(journal.read_back()[1])) == 200
    journal.close()


def test_each_event_is_exactly_one_write(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.start_segment(None)
    writes: list[bytes] = []
    real = os.write

    def counted(fd: int, data: bytes) -> int:
        writes.append(data)
        return real(fd, data)

    monkeypatch.setattr(os, "write", counted)
    journal.append(step("c1"))
    assert len(writes) == 1
    assert writes[0].endswith(b"\n")


def test_what_is_appended_is_synced_to_disk_off_the_writing_thread(journal: Journal) -> None:
    synced = threading.Event()
    threads: list[str] = []

    def note() -> None:
        threads.append(threading.current_thread().name)
        if journal.synced_n == 2:
            synced.set()

    journal.on_synced.append(note)
    journal.start_segment(None)
    journal.append(step("c1"))
    journal.append(step("c2"))
    assert synced.wait(10)
    assert set(threads) == {"journal-sync"}


def test_a_full_disk_is_told_leaves_no_half_line_and_is_over_when_there_is_room(journal: Journal, folder: Path) -> None:
    journal.start_segment(None)
    journal.append(step("c1"))
    size_bytes = (folder / "000000000001.jsonl").stat().st_size
    with files_at_most(size_bytes + 20):
        with pytest.raises(JournalFull):
            journal.append(step("c2"))
        size_when_full = (folder / "000000000001.jsonl").stat().st_size
    assert size_when_full == size_bytes
    assert journal.append(step("c3")).n == 2
    assert [entry.event for entry in journal.entries_after(0)] == [step("c1"), step("c3")]


def test_a_segment_that_finds_no_room_leaves_the_old_one_going(journal: Journal, folder: Path) -> None:
    journal.start_segment("old")
    journal.append(step("c1"))
    with files_at_most(500), pytest.raises(JournalFull):
        journal.start_segment("x" * 1000)
    assert [path.name for path in folder.glob("*.jsonl")] == ["000000000001.jsonl"]
    journal.append(step("c2"))
    checkpoint, entries = journal.read_back()
    assert (checkpoint, [entry.n for entry in entries]) == ("old", [1, 2])


def test_a_segment_is_over_on_the_next_day_and_when_it_is_large(
    journal: Journal, clock: SimClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.start_segment(None)
    assert not journal.is_segment_over()
    clock.advance(24 * 3600)
    assert journal.is_segment_over()
    journal.start_segment(None)
    assert not journal.is_segment_over()
    monkeypatch.setattr(journals, "SEGMENT_BYTES_MAX", 200)
    journal.append(step("c1", "x" * 200))
    assert journal.is_segment_over()


def test_only_one_process_writes_a_journal(journal: Journal, folder: Path, clock: SimClock) -> None:
    with pytest.raises(JournalInUse):
        Journal.open(folder, clock)


def test_subscribers_hear_each_entry_after_it_is_written(journal: Journal) -> None:
    heard: list[list[int]] = []
    journal.start_segment(None)
    journal.on_append.append(lambda entry: heard.append([entry.n, *(e.n for e in journal.entries_after(0))]))
    journal.append(step("c1"))
    assert heard == [[1, 1]]


def test_hostile_text_is_one_line_and_comes_back(journal: Journal, folder: Path) -> None:
    journal.start_segment(None)
    arrived = CallArrived(call="c1", node="main", dialled=HOSTILE, service="", person="k", language="it")
    journal.append(arrived)
    [entry] = journal.entries_after(0)
    assert isinstance(entry.event, CallArrived)
    assert entry.event.dialled == HOSTILE.replace("\ud800", "?")
    assert (folder / "000000000001.jsonl").read_bytes().count(b"\n") == 2


# people


def people_in(tmp_path: Path) -> People:
    return People(tmp_path / "people.jsonl")


def test_a_number_keeps_its_key_however_it_is_written_and_over_restarts(tmp_path: Path) -> None:
    people = people_in(tmp_path)
    key = people.key_for("055 2768 111", "Ana", 1.0)
    assert people.key_for("+390552768111", "Ana", 2.0) == key
    assert people.key_for("00390552768111", "", 3.0) == key
    people.close()
    again = people_in(tmp_path)
    assert again.key_for("0552768111", "", 4.0) == key
    assert again.who(key) == Person("+390552768111", "Ana")
    again.close()


def test_only_a_new_number_or_a_changed_name_is_written(tmp_path: Path) -> None:
    people = people_in(tmp_path)
    for name in ("Ana", "Ana", "", "Bo", "Bo"):
        people.key_for("3331234567", name, 1.0)
    people.key_for("anonymous", "Zorro", 1.0)
    people.close()
    assert len((tmp_path / "people.jsonl").read_text().splitlines()) == 2
    assert (tmp_path / "people.jsonl").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("number", ["", "anonymous", "Anonymous", "restricted", "unknown", "unavailable", " \r\n"])
def test_a_withheld_number_has_a_fresh_key_each_time(tmp_path: Path, number: str) -> None:
    people = people_in(tmp_path)
    assert is_withheld(number)
    first, second = people.key_for(number, "Ana", 1.0), people.key_for(number, "Ana", 1.0)
    assert first != second
    assert people.who(first) == NOBODY
    people.close()


@pytest.mark.parametrize(
    ("number", "stored"),
    [
        ("+393331234567", "+393331234567"),
        ("3331234567", "+393331234567"),
        ("0033142685300", "+33142685300"),
        ("101", "101"),
        ("sipp", "sipp"),
        ("call 3331234567", "call 3331234567"),
        ("33312\r\nX: 1", "33312X: 1"),
        ("9" * 5000, "9" * 64),
    ],
)
def test_a_valid_number_is_normalised_and_another_kept_as_clean_text(number: str, stored: str) -> None:
    assert normalised(number) == stored


def test_hostile_names_are_cleaned_bounded_and_read_back(tmp_path: Path) -> None:
    people = people_in(tmp_path)
    key = people.key_for("3331234567", HOSTILE, 1.0)
    people.close()
    again = people_in(tmp_path)
    name = again.who(key).name
    assert name.startswith("a\"b',;<script>😀xxx")
    assert len(name) == 128
    again.close()


def test_cleaning_takes_out_what_breaks_a_line_or_turns_it() -> None:
    assert cleaned("a\u2028b\u0085c\x1b[31m\u200f\ufeff", 64) == "abc[31m"


def test_a_torn_last_line_of_the_people_is_cut_off(tmp_path: Path) -> None:
    people = people_in(tmp_path)
    key = people.key_for("3331234567", "Ana", 1.0)
    people.close()
    with (tmp_path / "people.jsonl").open("ab") as file:
        file.write(b'{"key":"half')
    again = people_in(tmp_path)
    other = again.key_for("3337654321", "Bo", 2.0)
    again.close()
    last = people_in(tmp_path)
    assert (last.who(key).name, last.who(other).name) == ("Ana", "Bo")
    last.close()

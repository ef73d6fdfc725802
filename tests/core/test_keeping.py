"""Recordings of talks are deleted when their time is over, and not before; each is on record."""

import logging
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from acd.rules import QueueRules, Recording
from centralino import events as ev
from centralino.clock import SimClock
from centralino.keeping import Keeping, Record
from recordings.files import path_of, talk_name
from recordings.keeping import Deletion, Kept, Stays, decide, goes_at, messages, talks
from tests.contact_centre import Faults

DAY_S = 86_400.0
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
KEEPS = {"hall": 30 * DAY_S, "taxes": 90 * DAY_S}


def talk_of(day: str, queue: str = "hall") -> Kept:
    name = talk_name(queue, date.fromisoformat(day), "main-1.2", 1)
    return Kept(Path(f"{name}.wav"), name, queue, date.fromisoformat(day))


def test_a_recording_is_kept_for_as_long_as_its_queue_says_after_the_end_of_its_day() -> None:
    assert decide(talk_of("2026-10-25"), KEEPS, NOW) is Stays.IN_TIME, "it was made at most 30 days and 10 hours ago"
    assert decide(talk_of("2026-10-24"), KEEPS, NOW) == Deletion("older than 30 days")
    assert decide(talk_of("2026-10-24", "taxes"), KEEPS, NOW) is Stays.IN_TIME
    assert decide(talk_of("2026-08-25", "taxes"), KEEPS, NOW) == Deletion("older than 90 days")


def test_where_the_queue_has_no_rule_any_longer_the_longest_of_all_counts() -> None:
    assert decide(talk_of("2026-10-01", "gone"), KEEPS, NOW) is Stays.IN_TIME
    why = "older than 90 days, the longest of all queues: gone has no rule"
    assert decide(talk_of("2026-08-25", "gone"), KEEPS, NOW) == Deletion(why)


def test_where_no_queue_says_how_long_nothing_is_deleted() -> None:
    assert decide(talk_of("2020-01-01"), {}, NOW) is Stays.NO_RULE


@pytest.fixture
def faults() -> Iterator[list[str]]:
    heard, log = Faults(), logging.getLogger("centralino")
    log.addHandler(heard)
    yield heard.said
    log.removeHandler(heard)
    assert heard.said == []


class Shelf:
    """A recordings folder, and what was put on record."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: list[ev.AnyEvent] = []
        self.rules: Mapping[str, QueueRules] = {"hall": QueueRules("hall", recording=Recording("3", 30 * DAY_S))}
        self.boxes: dict[str, tuple[str, bool]] | None = {}
        self.keeping = Keeping(folder, SimClock(NOW), Record(lambda: self.rules, self.of_calls, self.written.append))

    async def of_calls(self, calls: Collection[str]) -> dict[str, tuple[str, bool]]:
        if self.boxes is None:
            raise ConnectionError("the database is away")
        return {call: box for call, box in self.boxes.items() if call in calls}

    def put(self, name: str, ending: str = ".wav") -> Path:
        file = path_of(self.folder, name).with_suffix(ending)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"sound")
        return file


@pytest.fixture
def shelf(tmp_path: Path, faults: list[str]) -> Shelf:
    return Shelf(tmp_path / "recordings")


async def test_old_recordings_go_young_ones_and_messages_stay(shelf: Shelf) -> None:
    old, broken, young, message, strange = (
        shelf.put("talks/hall/2026-10-01/main-1.2-talk1"),
        shelf.put("talks/hall/2026-10-01/main-1.9-talk2", ".raw"),
        shelf.put("talks/hall/2026-11-20/main-3.4-talk1"),
        shelf.put("2026-10-01/main-5.6"),
        shelf.put("talks/hall/once/main-7.8-talk1"),
    )
    await shelf.keeping.delete_talks()
    assert [file.exists() for file in (old, broken, young, message, strange)] == [False, False, True, True, True]
    assert not old.parent.exists(), "nor is its folder left"
    name, why = "talks/hall/2026-10-01/main-1.2-talk1", "older than 30 days"
    assert shelf.written[0] == ev.RecordingDeleted(call="main-1.2", recording=name, why=why)
    assert len(shelf.written) == 2
    await shelf.keeping.delete_talks()
    assert len(shelf.written) == 2


async def test_one_that_cannot_be_deleted_is_an_alarm_and_the_others_go(shelf: Shelf, faults: list[str]) -> None:
    (shelf.folder / "talks/hall/2026-10-01/main-1.2-talk1.wav").mkdir(parents=True)
    other = shelf.put("talks/hall/2026-10-01/main-3.4-talk1")
    await shelf.keeping.delete_talks()
    assert not other.exists()
    assert "main-1.2-talk1, older than 30 days, cannot be deleted" in faults.pop()


async def test_where_no_queue_records_any_longer_it_is_said(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    shelf.rules = {"hall": QueueRules("hall")}
    old = shelf.put("talks/hall/2020-10-01/main-1.2-talk1")
    await shelf.keeping.delete_talks()
    assert old.exists()
    assert "1 recordings of talks stay" in caplog.text


def test_the_name_of_a_recording_says_its_queue_and_its_call(tmp_path: Path) -> None:
    name = talk_name("milano-informazioni", date(2026, 11, 24), "main-1764.12", 2)
    file = path_of(tmp_path, name)
    file.parent.mkdir(parents=True)
    file.touch()
    [found] = talks(tmp_path)
    assert (found.name, found.queue, found.call) == (name, "milano-informazioni", "main-1764.12")


def test_when_a_recording_goes_is_counted_from_the_end_of_its_day() -> None:
    assert goes_at(date(2026, 10, 24), "hall", KEEPS) == datetime(2026, 11, 24, tzinfo=UTC)
    assert goes_at(date(2026, 10, 24), "gone", KEEPS) == datetime(2027, 1, 23, tzinfo=UTC)
    assert goes_at(date(2026, 10, 24), "hall", {}) is None


def with_messages(shelf: Shelf) -> None:
    shelf.rules = {"hall": QueueRules("hall", voicemail_keep_s=30 * DAY_S), "taxes": QueueRules("taxes")}
    shelf.boxes = {"main-1.1": ("hall", False), "main-1.2": ("hall", True), "main-1.3": ("taxes", False)}


async def test_messages_go_when_their_time_is_over_and_somebody_has_worked_through_them(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    with_messages(shelf)
    names = ("main-1.1", "main-1.2", "main-1.3", "main-1.4")  # done; to be worked through; of no rule; nothing was left
    old = [shelf.put(f"2026-10-01/{name}", ".wav.enc") for name in names]
    young = shelf.put("2026-11-20/main-1.1", ".wav.enc")
    talk = shelf.put("talks/hall/2020-10-01/main-1.1-talk1", ".wav.enc")
    await shelf.keeping.delete_messages()
    assert [file.exists() for file in (*old, young, talk)] == [False, True, False, False, True, True]
    ours, no_rule = "older than 30 days", "older than 30 days, the longest of all queues: {} has no rule"
    assert [(one.call, one.recording, one.why) for one in shelf.written if isinstance(one, ev.RecordingDeleted)] == [
        ("main-1.1", "2026-10-01/main-1.1", ours),
        ("main-1.3", "2026-10-01/main-1.3", no_rule.format("taxes")),
        ("main-1.4", "2026-10-01/main-1.4", no_rule.format("no queue")),
    ]
    assert "1 messages stay although their time is over: nobody has worked through it" in caplog.text


async def test_messages_stay_where_no_queue_says_how_long_and_while_nobody_knows_of_them(shelf: Shelf) -> None:
    old = shelf.put("2020-10-01/main-1.1", ".wav.enc")
    await shelf.keeping.delete_messages()
    assert [one.name for one in messages(shelf.folder)] == ["2020-10-01/main-1.1"]
    with_messages(shelf)
    shelf.boxes = None
    with pytest.raises(ConnectionError):
        await shelf.keeping.delete_messages()
    assert old.exists()
    assert shelf.written == []

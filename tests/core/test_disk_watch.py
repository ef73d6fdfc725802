"""A disk that fills up stops recording, and is told once; so is that there is room again."""

import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from centralino import events as ev
from centralino.disk_watch import DiskWatch
from supervision.metrics import families


class Watched:
    def __init__(self, folder: Path) -> None:
        self.free: int | None = 2_000
        self.written: list[ev.AnyEvent] = []
        self.watch = DiskWatch(folder, 1_000, self.written.append, self.look)

    def look(self, folder: Path) -> int:
        if self.free is None:
            raise OSError(5, "Input/output error")
        return self.free


@pytest.mark.parametrize("full", [999, 0, None])
async def test_it_is_told_once_when_the_room_runs_out_and_once_when_it_is_there_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, full: int | None
) -> None:
    caplog.set_level(logging.WARNING)
    watched = Watched(tmp_path)
    await watched.watch.look()
    assert (watched.watch.has_room(), watched.written) == (True, [])
    watched.free = full
    for _ in range(3):
        await watched.watch.look()
    assert (watched.watch.has_room(), watched.written) == (False, [ev.RecordingHalted(free_bytes=full or 0)])
    assert "nothing is recorded any more, calls go on" in caplog.text
    watched.free = 1_000
    await watched.watch.look()
    assert (watched.watch.has_room(), watched.written[1:]) == (True, [ev.RecordingPossible(free_bytes=1_000)])


def is_mounted(disk: Path) -> bool:
    asked = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    return subprocess.run(asked, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real one, of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or not is_mounted(disk):
        pytest.skip("only root may mount one, and not everywhere")
    yield disk
    subprocess.run(["umount", disk], check=True)


async def test_a_real_disk_that_fills_up_is_seen(small_disk: Path) -> None:
    written: list[ev.AnyEvent] = []
    watch = DiskWatch(small_disk, 1_000_000, written.append)
    await watch.look()
    assert watch.has_room()
    (small_disk / "big").write_bytes(bytes(1_500_000))
    await watch.look()
    assert not watch.has_room()
    (small_disk / "big").unlink()
    await watch.look()
    assert [type(event) for event in written] == [ev.RecordingHalted, ev.RecordingPossible]


def test_prometheus_sees_whether_there_is_room() -> None:
    now = {"at_s": 0.0, "can_answer": True, "queues": {}, "agents": {}, "calls": {}, "nodes": {}}
    more = {"configuration_at_s": 0.0, "can_record": False}
    found = {family.name: family.samples[0].value for family in families(now | more) if family.samples}
    assert (found["centralino_can_record"], found["centralino_can_answer"]) == (0.0, 1.0)

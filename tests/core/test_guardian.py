"""The guardian: when it holds a part for frozen, and how long it waits before the next life."""

import asyncio
import time

import pytest

from centralino.guardian import (
    LATE_S,
    PAUSE_FIRST_S,
    PAUSE_MAX_S,
    SETTLED_S,
    SILENT_AFTER_MAX_S,
    SILENT_AFTER_S,
    YOUNG_S,
    Heart,
    next_pause_s,
    next_silence_s,
)


async def test_a_heart_that_beats_in_time_beats() -> None:
    heart = Heart()
    asyncio.get_running_loop().call_later(0.02, heart.beat)
    assert await heart.beats(5.0)


async def test_a_heart_that_stands_still_does_not() -> None:
    heart = Heart()
    heart.beat()  # an old beat counts for nothing
    assert not await heart.beats(0.05)


async def test_nobody_is_held_for_frozen_by_who_slept_meanwhile() -> None:
    asyncio.get_running_loop().call_soon(time.sleep, 0.05 + LATE_S + 0.1)
    assert await Heart().beats(0.05)


def test_lives_that_end_young_come_ever_later_and_a_long_one_begins_anew() -> None:
    pauses = [0.0]
    for _ in range(10):
        pauses.append(next_pause_s(pauses[-1], YOUNG_S / 2))
    assert pauses[1] == PAUSE_FIRST_S
    assert pauses[-1] == PAUSE_MAX_S
    assert pauses == sorted(pauses)
    assert next_pause_s(PAUSE_MAX_S, YOUNG_S + 1) == 0.0


@pytest.mark.parametrize(
    ("last_s", "lived_s", "was_frozen", "expected_s"),
    [
        (SILENT_AFTER_S, SETTLED_S / 2, True, 2 * SILENT_AFTER_S),
        (SILENT_AFTER_MAX_S, SETTLED_S / 2, True, SILENT_AFTER_MAX_S),
        (SILENT_AFTER_MAX_S, SETTLED_S + 1, True, SILENT_AFTER_S),
        (SILENT_AFTER_MAX_S, SETTLED_S / 2, False, SILENT_AFTER_S),
    ],
)
def test_who_was_killed_before_it_settled_may_be_silent_for_longer_next(
    last_s: float, lived_s: float, was_frozen: bool, expected_s: float
) -> None:
    assert next_silence_s(last_s, lived_s, was_frozen=was_frozen) == expected_s

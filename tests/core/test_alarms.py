"""Deadlines by name."""

from random import Random

import pytest

from centralino.alarms import Alarms


def taken(alarms: Alarms, now_s: float) -> list[tuple[str, str]]:
    found = []
    while alarm := alarms.take(now_s):
        found.append(alarm)
    return found


def test_alarms_are_taken_in_the_order_of_their_instants() -> None:
    alarms = Alarms()
    for at_s in (3.0, 1.0, 2.0):
        alarms.set("key", f"c{at_s:g}", at_s)
    assert alarms.next() == 1.0
    assert taken(alarms, 2.0) == [("key", "c1"), ("key", "c2")]
    assert alarms.next() == 3.0


def test_nothing_is_due_before_its_instant() -> None:
    alarms = Alarms()
    alarms.set("key", "c1", 5.0)
    assert alarms.take(4.999) is None
    assert alarms.take(5.0) == ("key", "c1")
    assert alarms.take(5.0) is None


@pytest.mark.parametrize("at_s", [1.0, 9.0])
def test_the_latest_setting_counts_be_it_sooner_or_later(at_s: float) -> None:
    alarms = Alarms()
    alarms.set("key", "c1", 5.0)
    alarms.set("key", "c1", at_s)
    assert alarms.next() == at_s
    assert taken(alarms, 10.0) == [("key", "c1")]


def test_a_cancelled_alarm_never_comes_and_cancelling_again_is_nothing() -> None:
    alarms = Alarms()
    alarms.set("key", "c1", 5.0)
    alarms.set("speech", "c1", 6.0)
    for _ in range(2):
        alarms.cancel("key", "c1")
    assert alarms.next() == 6.0
    assert taken(alarms, 10.0) == [("speech", "c1")]


def test_an_alarm_that_is_set_again_to_the_same_instant_comes_once() -> None:
    alarms = Alarms()
    alarms.set("key", "c1", 5.0)
    alarms.cancel("key", "c1")
    alarms.set("key", "c1", 5.0)
    assert taken(alarms, 5.0) == [("key", "c1")]
    assert alarms.next() is None


@pytest.mark.parametrize("seed", range(20))
def test_alarms_agree_with_a_plain_table(seed: int) -> None:
    chance, alarms = Random(seed), Alarms()
    plain: dict[tuple[str, str], float] = {}
    for now in range(200):
        name = chance.choice("abc"), chance.choice("123")
        if chance.random() < 0.3:
            alarms.cancel(*name)
            plain.pop(name, None)
        else:
            at_s = float(now + chance.randrange(20))
            alarms.set(*name, at_s)
            plain[name] = at_s
        due = sorted((at_s, *name) for name, at_s in plain.items() if at_s <= now)
        assert taken(alarms, now) == [(kind, subject) for _, kind, subject in due]
        plain = {name: at_s for name, at_s in plain.items() if at_s > now}
        assert alarms.next() == min(plain.values(), default=None)

"""Profiles: those that ship say what the services publish, and mistakes are told with their place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from acd.arrivals import LogNormal
from centralino.profiles import Profile, load_profile
from centralino.settings import BrokenConfiguration, Configuration, load
from tests.core.test_docs import ROOT

PROFILES = ROOT / "profiles"


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load(ROOT)


Load = Callable[[str], Profile]


@pytest.fixture
def written(configuration: Configuration, tmp_path: Path) -> Load:
    def write(text: str) -> Profile:
        file = tmp_path / "p.yaml"
        file.write_text(text)
        return load_profile(file, configuration)

    return write


def test_each_number_that_ships_has_a_profile_of_its_own_queues(configuration: Configuration) -> None:
    assert {path.stem for path in PROFILES.glob("*.yaml")} == set(configuration.dialplans)
    for number in configuration.dialplans:
        assert load_profile(PROFILES / f"{number}.yaml", configuration).number == number


def test_the_profile_of_055055_has_the_calls_of_july_2014(configuration: Configuration) -> None:
    profile = load_profile(PROFILES / "055055.yaml", configuration)
    july = sum(profile.days[(1 + day) % 7] for day in range(31))  # the first was a Tuesday
    assert july == 23_513
    assert {kind.talk.mean_s for kind in profile.kinds} == {123.0}
    assert len({kind.entity for kind in profile.kinds}) == 9


def test_the_profile_of_020202_has_a_million_and_a_half_a_year(configuration: Configuration) -> None:
    profile = load_profile(PROFILES / "020202.yaml", configuration)
    assert sum(profile.days) * 365 / 7 == pytest.approx(1_500_000, rel=0.001)


def test_the_profile_of_800840840_has_its_peak_of_100_an_hour(configuration: Configuration) -> None:
    profile = load_profile(PROFILES / "800840840.yaml", configuration)
    assert max(profile.days) * max(profile.hours) == pytest.approx(100, rel=0.06)


PLAIN = """number: "055055"
begin: 2026-01-07
days: {mon: 100}
hours: {"08": 1, "09": 3}
queues: {tributi: {share: 1, talk: 4m}, anagrafe: {share: 3}}
talk: {mean: 2m, deviation: 1m}
"""


def test_what_is_left_out_is_as_simple_as_can_be(written: Load) -> None:
    profile = written(PLAIN)
    assert profile.hours[8:10] == (0.25, 0.75)
    assert profile.days == (100, 0, 0, 0, 0, 0, 0)
    assert {kind.queue: (kind.weight, kind.language, kind.talk) for kind in profile.kinds} == {
        "tributi": (1, "it", LogNormal(240.0, 120.0)),
        "anagrafe": (3, "it", LogNormal(120.0, 60.0)),
    }
    assert profile.patience.mean_s is None
    assert profile.no_show == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("anagrafe:", "anagraffe:", "5:41: `anagraffe` is not in queues.yaml"),
        ("anagrafe:", "anagraffe:", "did you mean `anagrafe`?"),
        ("{mon:", "{lun:", "3:8: `lun` is not in the days of the week"),
        ('"09"', '"9"', "4:18: `9` is not in the hours of a day\n    hint: did you mean `09`?"),
        ("mean: 2m", "mean: 120", "6:14: `120` has no unit"),
        ("deviation", "deviaton", "6:18: unknown key `deviaton`"),
        ("{mon: 100}", "{mon: 0}", "3:1: nobody calls: all of `days` are 0"),
        ("share: 3", "share: -3", "`-3` is too low"),
        ("begin: 2026-01-07", "begin: soon", "2:8: `soon` is no instant"),
        ("number:", "numbr:", "unknown key `numbr`"),
    ],
)
def test_a_mistake_is_told_with_its_place(old: str, new: str, said: str, written: Load) -> None:
    with pytest.raises(BrokenConfiguration) as told:
        written(PLAIN.replace(old, new))
    assert said in str(told.value)

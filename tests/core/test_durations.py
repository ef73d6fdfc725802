"""Durations as admins write them."""

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from centralino.durations import NotADuration, between, seconds, written


@pytest.mark.parametrize(
    ("text", "expected_s"),
    [
        ("20s", 20),
        ("5m", 300),
        ("1h30m", 5400),
        ("1h", 3600),
        ("2d", 172_800),
        ("1d2h3m4s", 93_784),
        ("1.5s", 1.5),
        ("0s", 0),
    ],
)
def test_a_duration_is_seconds(text, expected_s):
    assert seconds(text) == expected_s


@pytest.mark.parametrize("number", [20, "20", 1.5])
def test_a_duration_without_a_unit_is_told_to_take_one(number):
    with pytest.raises(NotADuration, match="has no unit") as mistake:
        seconds(number)
    assert mistake.value.hint == f"write `{number}s` for seconds"


@pytest.mark.parametrize(
    "text", ["", "5min", "20 s", "-5s", "1m1h", "s", "٣s", "1e3s", "5M", "9" * 400 + "s", None, [], True]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(NotADuration) as mistake:
        seconds(text)
    assert "20s" in mistake.value.hint
    assert len(mistake.value.what) < 100


@given(st.integers(min_value=0, max_value=10**8))
def test_a_duration_written_out_reads_back_as_itself(duration_s):
    assert seconds(written(duration_s)) == duration_s


def test_a_duration_out_of_its_range_says_the_range():
    ring = TypeAdapter(Annotated[float, between("5s", "2m")])
    assert ring.validate_python("2m") == 120
    with pytest.raises(ValidationError, match="`4s` is too short") as mistake:
        ring.validate_python("4s")
    assert mistake.value.errors()[0]["ctx"]["hint"] == "from 5s to 2m"

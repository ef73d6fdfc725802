"""What the demo says at its end, and when it says that something is wrong."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

import demo.__main__ as demo_main
from demo.installation import DemoFailed
from demo.summary import Heard, Kept, Summary

OUTCOMES = {"answered": 8, "abandoned": 2, "ended in menu": 1}
QUEUES = {
    "tributi": {"answered": 5, "abandoned": 1, "in_time": 4, "wait_sum_s": 12.0},
    "anagrafe": {"answered": 3, "abandoned": 1, "in_time": 3, "wait_sum_s": 20.0},
}
GOOD = Summary(
    snapshot={"totals": {"calls_by_outcome": OUTCOMES}, "queues": QUEUES},
    heard=Heard(talks=8, by_agents=8, by_callers=8, refused=0),
    kept=Kept(calls=11, without_case=0, cases=10, findings=()),
    lasted_s=60.0,
)


def line(summary: Summary, name: str) -> str:
    return next(text for text in summary.lines if text.strip().startswith(name))


def test_a_good_demo_has_nothing_to_complain_about() -> None:
    assert GOOD.complaints == []


def test_the_mean_wait_is_over_all_queues_and_answered_calls() -> None:
    assert line(GOOD, "mean wait").endswith(" 4.0 s")


def test_the_service_level_counts_those_who_gave_up() -> None:
    assert "70%" in line(GOOD, "service level")


def test_every_line_fits_into_50_columns() -> None:
    assert all(len(text) <= 50 for text in GOOD.lines)


def test_a_demo_without_any_call_has_a_summary_too() -> None:
    empty = replace(GOOD, snapshot={}, heard=Heard(0, 0, 0, 0), kept=Kept(0, 0, 0, ()), lasted_s=1.0)
    assert line(empty, "mean wait").endswith("-")
    assert empty.complaints == []


def test_nobody_answered_in_a_long_demo_is_a_complaint() -> None:
    unanswered = replace(GOOD, snapshot={"totals": {"calls_by_outcome": {"abandoned": 11}}, "queues": {}})
    assert unanswered.complaints == ["No call was answered by an agent."]
    assert replace(unanswered, lasted_s=10.0).complaints == []


def test_a_call_that_the_database_or_a_case_lacks_is_a_complaint() -> None:
    lost = replace(GOOD, kept=Kept(calls=10, without_case=2, cases=8, findings=("Call x is missing.",)))
    assert len(lost.complaints) == 3


def test_an_outcome_that_has_no_line_of_its_own_is_shown() -> None:
    failed = replace(GOOD, snapshot={"totals": {"calls_by_outcome": OUTCOMES | {"failed": 1}}, "queues": QUEUES})
    assert line(failed, "failed").endswith(" 1")
    assert any("failed" in text for text in failed.complaints)


def test_who_complains_says_why_as_far_as_the_log_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_main, "STATE", tmp_path)
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "run.log").write_text("engine is frozen: no heartbeat for 2 s, killing it\n", encoding="utf-8")
    wrong = replace(GOOD, kept=replace(GOOD.kept, findings=("no engine was there.",)))
    demo = demo_main.Demo(Console(quiet=True), 60.0, 0, 1)
    with pytest.raises(DemoFailed, match=r"(?s)no engine was there\..*engine is frozen.*The logs are in"):
        demo._conclude(wrong)

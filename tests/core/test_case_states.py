"""What may be done to a case, by whom, and what comes of it."""

import pytest

from cases.state import MOVES, WORDS_MAX, Act, CaseRefused, Change, Doing, Role, Standing, State, Worker, change

OFFICES = ("comune/anagrafe", "comune/tributi")
ANA = Worker("a1001", Role.AGENT)
BOSS = Worker("capo", Role.SUPERVISOR)
REGISTRY = Worker("rita", Role.OFFICE, "comune/anagrafe")
OPEN = Standing("10000426", State.OPEN)
AT_REGISTRY = Standing("10000426", State.AT_OFFICE, "comune/anagrafe")
CLOSED = Standing("10000426", State.CLOSED)


def done(case: Standing, act: Act, worker: Worker = BOSS, **more: str) -> Change:
    return change(case, Doing(act, more.get("words", "because"), more.get("to", "")), worker, OFFICES)


def refused(case: Standing, doing: Doing, worker: Worker = BOSS) -> str:
    with pytest.raises(CaseRefused) as said:
        change(case, doing, worker, OFFICES)
    return str(said.value)


def test_each_state_can_be_reached_and_all_but_merged_can_be_left() -> None:
    entered = {move.to for (state, _), move in MOVES.items() if state is not move.to} | {State.OPEN}
    left = {state for (state, _), move in MOVES.items() if state is not move.to}
    assert entered == set(State)
    assert left == set(State) - {State.MERGED}


def test_a_case_goes_to_an_office_is_answered_there_and_may_be_opened_again() -> None:
    assert done(OPEN, Act.HAND_OVER, ANA, to="comune/anagrafe") == Change(State.AT_OFFICE, "comune/anagrafe", False)
    assert done(AT_REGISTRY, Act.ANSWER, REGISTRY) == Change(State.CLOSED, "comune/anagrafe", False)
    assert done(CLOSED, Act.REOPEN, ANA) == Change(State.OPEN, "", False)


def test_an_office_hands_on_what_is_anothers_and_sends_back_what_is_nobodys() -> None:
    assert done(AT_REGISTRY, Act.HAND_OVER, REGISTRY, to="comune/tributi").office == "comune/tributi"
    assert done(AT_REGISTRY, Act.SEND_BACK, REGISTRY) == Change(State.OPEN, "", False)


def test_the_clock_stands_still_until_somebody_lets_it_go_on_or_the_case_is_closed() -> None:
    stopped = done(AT_REGISTRY, Act.STOP, REGISTRY)
    assert stopped == Change(State.AT_OFFICE, "comune/anagrafe", stopped=True)
    still = Standing("10000426", State.AT_OFFICE, "comune/anagrafe", stopped=True)
    assert done(still, Act.NOTE).stopped
    assert done(still, Act.SEND_BACK, REGISTRY).stopped, "it is another administration's answer that is missing"
    assert not done(still, Act.GO_ON, REGISTRY).stopped
    assert not done(still, Act.ANSWER, REGISTRY).stopped
    assert "already" in refused(still, Doing(Act.STOP, "again"))
    assert "does not stand still" in refused(AT_REGISTRY, Doing(Act.GO_ON))


@pytest.mark.parametrize(
    ("case", "act", "worker", "says"),
    [
        (OPEN, Act.ANSWER, BOSS, "there is no `answer` while case 10000426 is open; there is: note, sheet, classify"),
        (AT_REGISTRY, Act.CLOSE, ANA, "`close` is not for the role `agent` while case 10000426 is at office"),
        (OPEN, Act.NOTE, REGISTRY, "case 10000426 is not with comune/anagrafe"),
        (AT_REGISTRY, Act.ANSWER, Worker("t", Role.OFFICE, "comune/tributi"), "is not with comune/tributi"),
        (AT_REGISTRY, Act.ANSWER, Worker("nobody", Role.OFFICE), "is not with an office"),
        (CLOSED, Act.HAND_OVER, BOSS, "there is no `hand over` while case 10000426 is closed"),
        (Standing("1", State.MERGED), Act.NOTE, BOSS, "case 1 was merged into another"),
    ],
)
def test_what_may_not_be_is_refused_and_says_why(case: Standing, act: Act, worker: Worker, says: str) -> None:
    assert says in refused(case, Doing(act, "because", "comune/tributi"), worker)


@pytest.mark.parametrize("act", [Act.NOTE, Act.STOP, Act.CLOSE])
@pytest.mark.parametrize(("words", "says"), [(" \n", "needs words"), ("x" * (WORDS_MAX + 1), "too many")])
def test_words_are_needed_and_have_a_bound(act: Act, words: str, says: str) -> None:
    assert says in refused(OPEN, Doing(act, words))


@pytest.mark.parametrize(("to", "says"), [("comune/x", "no office `comune/x`"), ("comune/anagrafe", "already")])
def test_a_case_is_handed_only_to_an_office_that_is_there_and_does_not_have_it(to: str, says: str) -> None:
    assert says in refused(AT_REGISTRY, Doing(Act.HAND_OVER, to=to))


@pytest.mark.parametrize(
    ("into", "says"),
    [
        (None, "into which case"),
        (OPEN, "into itself"),
        (Standing("20", State.MERGED), "case 20 was merged into another itself"),
    ],
)
def test_a_case_is_merged_into_another_that_is_there(into: Standing | None, says: str) -> None:
    assert says in refused(OPEN, Doing(Act.MERGE, into=into))
    assert change(OPEN, Doing(Act.MERGE, into=Standing("20", State.CLOSED)), ANA, ()).state is State.MERGED

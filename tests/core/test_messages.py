"""What may be done to a message that a caller left, by whom, and what comes of it."""

from datetime import UTC, datetime, timedelta

import pytest

from cases.messages import CLAIM_LASTS, MOVES, Act, Doing, Handling, How, State, handle
from cases.state import CaseRefused, Role, Worker

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ANA, BO = Worker("a1001", Role.AGENT), Worker("a1002", Role.AGENT)
BOSS = Worker("capo", Role.SUPERVISOR)
RITA = Worker("rita", Role.OFFICE, "comune/anagrafe")
NEW = Handling("c1")
CLAIMED = Handling("c1", claimed_by="a1001", claimed_at=NINE)
DONE = Handling("c1", done_by="a1001", done_at=NINE, done_how=How.CALLED_BACK)


def done(message: Handling, act: Act, worker: Worker = ANA, minutes: float = 0, how: How | None = None) -> Handling:
    if act is Act.DONE:
        how = how or How.CALLED_BACK
    return handle(message, Doing(act, NINE + timedelta(minutes=minutes), how), worker, "comune/anagrafe")


def refused(message: Handling, act: Act, worker: Worker, minutes: float = 0) -> str:
    with pytest.raises(CaseRefused) as said:
        done(message, act, worker, minutes)
    return str(said.value)


def test_each_state_can_be_reached_and_left() -> None:
    assert {to for (state, _), to in MOVES.items() if to is not state} == set(State)
    assert {state for (state, _), to in MOVES.items() if to is not state} == set(State)


@pytest.mark.parametrize(("message", "state"), [(NEW, State.WAITING), (CLAIMED, State.CLAIMED), (DONE, State.DONE)])
def test_what_the_table_says_comes_of_each_act(message: Handling, state: State) -> None:
    for act in Act:
        if to := MOVES.get((state, act)):
            assert done(message, act).state_at(NINE) is to
        else:
            assert f"no `{act}` while the message of c1 is {state}" in refused(message, act, ANA)


def test_a_message_is_claimed_heard_and_done() -> None:
    heard = done(done(NEW, Act.CLAIM), Act.LISTEN, minutes=1)
    assert (heard.claimed_by, heard.listened_by, heard.listened_at) == ("a1001", "a1001", NINE + timedelta(minutes=1))
    over = done(heard, Act.DONE, minutes=2, how=How.OTHERWISE)
    assert (over.done_by, over.done_how, over.claimed_by) == ("a1001", "answered otherwise", None)
    again = done(over, Act.UNDO, BO)
    assert (again.state_at(NINE), again.done_by, again.done_how) == (State.WAITING, None, None)
    assert again.listened_by == "a1001", "who listened stays on record"


def test_a_claim_runs_out_unless_its_holder_does_something() -> None:
    lasts = CLAIM_LASTS / timedelta(minutes=1)
    assert "a1001 has the message of c1, since 29 minutes ago" in refused(CLAIMED, Act.CLAIM, BO, minutes=lasts - 1)
    assert done(CLAIMED, Act.CLAIM, BO, minutes=lasts).claimed_by == "a1002"
    heard = done(CLAIMED, Act.LISTEN, minutes=lasts - 1)
    assert "a1001 has" in refused(heard, Act.CLAIM, BO, minutes=lasts + 1)
    by_another = done(CLAIMED, Act.LISTEN, BO, minutes=lasts - 1)
    assert by_another.state_at(NINE + CLAIM_LASTS) is State.WAITING


@pytest.mark.parametrize("act", [Act.CLAIM, Act.GIVE_BACK, Act.DONE])
def test_what_somebody_has_claimed_others_leave_alone(act: Act) -> None:
    assert "a1001 has the message of c1, since 0 minutes ago" in refused(CLAIMED, act, BO)
    assert "a1001 has the message of c1" in refused(CLAIMED, act, RITA)


def test_a_supervisor_gives_back_and_ends_what_somebody_has_claimed() -> None:
    assert done(CLAIMED, Act.GIVE_BACK, BOSS).state_at(NINE) is State.WAITING
    assert done(CLAIMED, Act.DONE, BOSS).done_by == "capo"
    assert "a1001 has" in refused(CLAIMED, Act.CLAIM, BOSS)


def test_an_office_works_on_messages_of_its_own_cases_only() -> None:
    assert done(NEW, Act.CLAIM, RITA).claimed_by == "rita"
    other = Worker("t", Role.OFFICE, "comune/tributi")
    assert "is not with comune/tributi" in refused(NEW, Act.LISTEN, other)


@pytest.mark.parametrize(("act", "how"), [(Act.DONE, None), (Act.CLAIM, How.NOTHING)])
def test_only_done_says_how_and_must(act: Act, how: How | None) -> None:
    with pytest.raises(CaseRefused, match="says how: called back, answered otherwise, nothing to do"):
        handle(NEW, Doing(act, NINE, how), ANA, "")

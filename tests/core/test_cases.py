"""Case numbers, which case a call stands against, and when a case closes by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.book import CaseBook
from cases.case_number import FROM_CALL, case_number, in_groups, is_case_number, keyed
from cases.joining import (
    CaseFacts,
    Close,
    CloseWhy,
    Join,
    JoinWhy,
    LeaveAsIs,
    OpenCase,
    OpenNew,
    case_for,
    when_a_call_ends,
)
from cases.state import State
from centralino.events import CallArrived, CallDisposed, CallEnded, Outcome, VoicemailEnded

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
numbers = st.integers(1, 10**9).map(lambda n: case_number(FROM_CALL, n))


def opened(case: str, minutes: int, service: str = "055055") -> OpenCase:
    return OpenCase(case, service, NOON + timedelta(minutes=minutes))


def arrival(call: str, person: str = "ana", service: str = "055055", withheld: bool = False) -> CallArrived:
    return CallArrived(
        call=call, node="main", dialled=service, service=service, person=person, withheld=withheld, language="it"
    )


def end(call: str) -> CallEnded:
    return CallEnded(call=call, outcome=Outcome.ANSWERED, why="caller hung up")


def message(call: str) -> VoicemailEnded:
    return VoicemailEnded(call=call, recording="r1", kept=True, duration_s=8.0, why="caller hung up")


# numbers


def test_a_case_number_is_short_and_said_in_groups_of_four() -> None:
    number = case_number(FROM_CALL, 42)
    assert number[:-1] == "1000042"
    assert in_groups(number) == f"1000 042{number[-1]}"
    assert is_case_number(in_groups(number))
    assert keyed("1000-042 " + number[-1]) == number


@given(numbers)
def test_a_case_number_is_accepted_as_it_was_given(number: str) -> None:
    assert is_case_number(number)


@given(numbers, st.data())
def test_one_wrong_digit_is_noticed(number: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(number) - 1))
    wrong = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != number[place]]))
    assert not is_case_number(number[:place] + wrong + number[place + 1 :])


@given(numbers, st.data())
def test_two_swapped_neighbours_are_noticed(number: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(number) - 2))
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert swapped == number or not is_case_number(swapped)


@given(st.sets(st.tuples(st.integers(1, 9), st.integers(1, 10**8)), min_size=2, max_size=2))
def test_two_cases_never_share_a_number(pair: set[tuple[int, int]]) -> None:
    assert len({case_number(source, sequence) for source, sequence in pair}) == 2


@pytest.mark.parametrize("text", ["", "1", "0000000", "abcdefgh", "١٠٠٠٠٤٢٣", "1000 0", "' or 1=1 --"])
def test_what_is_no_number_is_no_case_number(text: str) -> None:
    assert not is_case_number(text)


# joining


def test_a_caller_with_an_open_case_for_the_service_joins_the_newest() -> None:
    mine = [opened("1", 5), opened("2", 9), opened("3", 1), opened("4", 20, "020202")]
    decision = case_for("055055", withheld=False, is_known=True, open_cases=mine)
    assert decision == Join("2", JoinWhy.SAME_CALLER)


def test_a_caller_never_heard_of_has_a_new_case_as_first_contact() -> None:
    assert case_for("055055", withheld=False, is_known=False, open_cases=[]) == OpenNew(JoinWhy.FIRST_CONTACT)


def test_a_caller_whose_open_cases_are_elsewhere_has_a_new_case() -> None:
    mine = [opened("4", 20, "020202")]
    assert case_for("055055", withheld=False, is_known=True, open_cases=mine) == OpenNew(JoinWhy.NO_OPEN_CASE)


def test_a_withheld_number_never_joins() -> None:
    mine = [opened("1", 5)]
    assert case_for("055055", withheld=True, is_known=True, open_cases=mine) == OpenNew(JoinWhy.WITHHELD)


# closing

NOTHING_LEFT = CaseFacts(is_open=True, is_worked_on=False, messages=0, call_backs=0, open_calls=0)


@pytest.mark.parametrize(
    ("facts", "decision"),
    [
        (NOTHING_LEFT, Close(CloseWhy.NOTHING_LEFT)),
        (replace(NOTHING_LEFT, is_open=False), LeaveAsIs(CloseWhy.CLOSED_BEFORE)),
        (replace(NOTHING_LEFT, open_calls=1), LeaveAsIs(CloseWhy.OTHER_CALL)),
        (replace(NOTHING_LEFT, messages=1), LeaveAsIs(CloseWhy.MESSAGE_WAITS)),
        (replace(NOTHING_LEFT, call_backs=1), LeaveAsIs(CloseWhy.CALL_BACK_PROMISED)),
        (replace(NOTHING_LEFT, is_worked_on=True), LeaveAsIs(CloseWhy.IS_WORKED_ON)),
    ],
)
def test_a_case_that_only_logged_calls_closes_when_nothing_is_left(
    facts: CaseFacts, decision: Close | LeaveAsIs
) -> None:
    assert when_a_call_ends(facts) == decision


# a batch of events


def told(*events: CallArrived | CallDisposed | CallEnded | VoicemailEnded) -> CaseBook:
    book = CaseBook()
    for n, event in enumerate(events, start=1):
        book.tell(n, NOON.timestamp() + n, event)
    return book


def states(book: CaseBook) -> list[str]:
    return [row["state"] for row in book.cases.values()]


def test_two_calls_at_once_from_one_number_share_a_case_that_closes_with_the_last() -> None:
    both = (arrival("c1"), arrival("c2"), end("c1"))
    assert states(told(*both)) == [State.OPEN]
    book = told(*both, end("c2"))
    assert states(book) == [State.CLOSED]
    assert book.case_of == {"c1": case_number(FROM_CALL, 1), "c2": case_number(FROM_CALL, 1)}


def disposed(call: str, level: str = "", topic: str = "") -> CallDisposed:
    return CallDisposed(call=call, agent="a1", kind="complaint", topic=topic, level=level, by="test")


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((disposed("c1", topic="tari"), end("c1")), State.CLOSED),
        ((end("c1"), disposed("c1", "solved")), State.CLOSED),
        ((end("c1"), disposed("c1", "handed on")), State.OPEN),
        ((disposed("c1", "handed on"), end("c1")), State.OPEN),
        ((end("c1"), disposed("c1", "handed on"), disposed("c1", "solved")), State.CLOSED),
        ((disposed("c1", "solved"),), State.OPEN),
        ((end("c1"), message("c1"), disposed("c1", "solved")), State.OPEN),
    ],
)
def test_a_case_that_was_handed_on_is_open_until_somebody_says_that_it_is_solved(
    events: tuple[CallDisposed | CallEnded | VoicemailEnded, ...], state: str
) -> None:
    assert states(told(arrival("c1"), *events)) == [state]


def test_what_was_said_last_stands_with_the_case() -> None:
    [row] = told(arrival("c1"), end("c1"), disposed("c1", "solved", "tari"), disposed("c1")).cases.values()
    assert (row["kind"], row["topic"], row["level"]) == ("complaint", None, None)


def test_a_call_after_the_case_closed_opens_a_new_one() -> None:
    book = told(arrival("c1"), end("c1"), arrival("c2"))
    assert [(row["state"], row["why"]) for row in book.cases.values()] == [
        (State.CLOSED, "first contact"),
        (State.OPEN, "no open case"),
    ]


@pytest.mark.parametrize(
    "events", [(arrival("c1"), message("c1"), end("c1")), (arrival("c1"), end("c1"), message("c1"))]
)
def test_a_kept_message_keeps_the_case_open_whichever_is_told_first(
    events: tuple[CallArrived | CallEnded | VoicemailEnded, ...],
) -> None:
    book = told(*events)
    assert states(book) == [State.OPEN]
    assert {contact["kind"] for contact in book.touched} == {"call", "voicemail"}


def test_a_caller_who_left_a_message_joins_its_case_when_calling_again() -> None:
    book = told(arrival("c1"), message("c1"), end("c1"), arrival("c2"), end("c2"))
    assert book.case_of["c2"] == book.case_of["c1"]
    assert states(book) == [State.OPEN]


def test_each_unknown_number_and_each_withheld_caller_has_a_case_of_its_own() -> None:
    book = told(arrival("c1", "k1", "", withheld=True), arrival("c2", "k2", ""), end("c1"), end("c2"))
    assert len(set(book.case_of.values())) == 2
    assert states(book) == [State.CLOSED, State.CLOSED]

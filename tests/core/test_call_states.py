"""The table of a call's states, and the one way to change what is true."""

import typing
from typing import Any

import msgspec
import pytest

from centralino import effects
from centralino import events as ev
from centralino.book import Book
from centralino.call_states import NEXT, CallState, IllegalMove
from centralino.events import AnyEvent, CallEvent, Entry, Outcome
from centralino.state import CallNow, House, QueueCount

KINDS = [
    kind
    for kind in typing.get_args(AnyEvent)
    if issubclass(kind, CallEvent) and not issubclass(kind, ev.CallArrived | ev.CallBackBegun | ev.LeftBehind)
]
FILL: dict[object, Any] = {str: "x", int: 1, float: 1.0, bool: False, Outcome: Outcome.FAILED}
ILLEGAL = [
    (here, kind) for here in CallState for kind in KINDS if here is not CallState.ENDED and (here, kind) not in NEXT
]


def example(kind: type[CallEvent]) -> CallEvent:
    """An event of `kind` about call c1."""
    needed = [field for field in msgspec.structs.fields(kind) if field.required]
    hints = typing.get_type_hints(kind)
    return kind(**({field.name: FILL[hints[field.name]] for field in needed} | {"call": "c1"}))


def house_with(here: CallState) -> House:
    call = CallNow("c1", "main", "055055", "p", False, "it", 0.0, state=here, queue="hall", agent="ana", leg="c1-leg1")
    return House(calls={"c1": call})


def plain(house: House) -> object:
    return msgspec.to_builtins(house)


def test_every_state_of_a_call_can_be_reached_and_left() -> None:
    reached = {CallState.ARRIVED, *NEXT.values()}
    assert reached == set(CallState)
    assert {here for here, _ in NEXT} == set(CallState) - {CallState.ENDED}


def test_from_every_state_a_call_can_come_to_its_end() -> None:
    ends = {CallState.ENDED}
    for _ in CallState:
        ends |= {here for (here, _), to in NEXT.items() if to in ends}
    assert ends == set(CallState)


def test_every_event_about_a_call_is_legal_somewhere() -> None:
    assert {kind for _, kind in NEXT} == set(KINDS)


@pytest.mark.parametrize(("here", "kind"), NEXT)
def test_a_legal_event_leads_where_the_table_says(here: CallState, kind: type[CallEvent]) -> None:
    house = house_with(here)
    event = example(kind)
    effects.check(house, event)
    effects.apply(house, Entry(n=7, at_s=9.0, event=event))  # type: ignore[arg-type]
    there = house.calls["c1"].state if "c1" in house.calls else CallState.ENDED
    assert there is NEXT[here, kind]


@pytest.mark.parametrize(("here", "kind"), ILLEGAL)
def test_an_illegal_event_raises_and_nothing_is_written_or_changed(here: CallState, kind: type[CallEvent]) -> None:
    house, written = house_with(here), []
    before = plain(house)

    def append(event: AnyEvent) -> Entry:
        written.append(event)
        return Entry(n=1, at_s=0.0, event=event)

    with pytest.raises(IllegalMove, match="legal: "):
        Book(house, append).write(example(kind))  # type: ignore[arg-type]
    assert written == []
    assert plain(house) == before


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_about_a_call_that_is_not_open_is_illegal(kind: type[CallEvent]) -> None:
    with pytest.raises(IllegalMove, match="not an open call"):
        effects.check(House(), example(kind))


def test_who_watches_the_book_is_told_after_it_became_true() -> None:
    house = House()
    book = Book(house, lambda event: Entry(n=1, at_s=5.0, event=event))
    seen: list[float] = []
    book.watchers.append(lambda entry: seen.append(house.calls["c1"].arrived_s))
    book.write(ev.CallArrived(call="c1", node="main", dialled="1", service="1", person="p", language="it"))
    assert seen == [5.0]


def test_the_latest_ended_calls_are_remembered_and_no_more() -> None:
    house = House()
    for n in range(effects.ENDED_REMEMBERED + 5):
        call = f"c{n}"
        house.calls[call] = CallNow(call, "main", "1", "p", False, "it", 0.0)
        effects.apply(house, Entry(n=n, at_s=0.0, event=ev.CallEnded(call=call, outcome=Outcome.FAILED, why="x")))
    assert len(house.ended) == effects.ENDED_REMEMBERED
    assert house.ended[-1] == f"c{effects.ENDED_REMEMBERED + 4}"


def test_a_new_day_begins_its_own_counts() -> None:
    house = House()
    effects.new_day(house, "2026-11-23")
    house.today["hall"] = QueueCount(offered=3)
    effects.new_day(house, "2026-11-23")
    assert house.today["hall"].offered == 3
    effects.new_day(house, "2026-11-24")
    assert house.today == {}

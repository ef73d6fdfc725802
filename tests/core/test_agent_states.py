"""The two tables of an agent: what calls cause, and what the agent chose."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from acd import state as caused
from acd.state import Cause, Doing
from agents import state as chosen
from agents.state import Chosen, Wish


def reached(moves: Mapping[Any, Any], start: object) -> set[Any]:
    """All states that legal moves lead to from `start`."""
    found, todo = {start}, [start]
    while todo:
        here = todo.pop()
        new = {to for (state, _), to in moves.items() if state == here} - found
        found |= new
        todo += new
    return found


def illegal(moves: Mapping[Any, Any], states: Iterable[object], causes: Iterable[object]) -> list[tuple[Any, Any]]:
    """All pairs that the table does not have."""
    causes = list(causes)
    return [(state, cause) for state in states for cause in causes if (state, cause) not in moves]


def test_every_state_that_calls_cause_can_be_reached_and_left() -> None:
    assert reached(caused.NEXT, Doing.FREE) == set(Doing)
    assert {state for state, _ in caused.NEXT} == set(Doing)
    assert all(Doing.FREE in reached(caused.NEXT, state) for state in Doing)


def test_every_state_that_agents_choose_can_be_reached_and_left() -> None:
    assert reached(chosen.NEXT, Chosen.SIGNED_OUT) == set(Chosen)
    assert {state for state, _ in chosen.NEXT} == set(Chosen)
    assert all(Chosen.SIGNED_OUT in reached(chosen.NEXT, state) for state in Chosen)


@pytest.mark.parametrize(("doing", "cause"), caused.NEXT)
def test_a_legal_cause_leads_where_the_table_says(doing: Doing, cause: Cause) -> None:
    assert caused.after(doing, cause) is caused.NEXT[doing, cause]


@pytest.mark.parametrize(("doing", "cause"), illegal(caused.NEXT, Doing, Cause))
def test_an_illegal_cause_raises_and_names_the_legal_ones(doing: Doing, cause: Cause) -> None:
    with pytest.raises(caused.IllegalMove) as raised:
        caused.after(doing, cause)
    legal = [str(cause) for state, cause in caused.NEXT if state is doing]
    assert all(name in str(raised.value) for name in (cause, doing, *legal))


@pytest.mark.parametrize(("state", "wish"), illegal(chosen.NEXT, Chosen, Wish))
def test_a_wish_that_is_not_possible_now_is_refused_with_what_is(state: Chosen, wish: Wish) -> None:
    with pytest.raises(chosen.NotNow) as raised:
        chosen.after("ana", state, wish)
    possible = [f"`{wish}`" for chose, wish in chosen.NEXT if chose is state]
    assert all(name in str(raised.value) for name in ("ana", state, *possible))


def test_an_agent_may_pause_for_another_reason_and_be_ready_again_after_a_talk() -> None:
    assert chosen.after("ana", Chosen.PAUSED, Wish.PAUSE) is Chosen.PAUSED
    assert chosen.after("ana", Chosen.READY, Wish.READY) is Chosen.READY

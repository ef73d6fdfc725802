"""A contact centre in simulated time: the same Floor that runs the calls, and people who behave by chance.

The floor is driven exactly as the engine does it (centralino/dispatch.py): it hears who enters, leaves, rings, answers
and is done, is asked at its own deadlines, and what it decides is carried out at once. Nothing is kept of a call that
is over but counts.
"""

import heapq
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from acd.agent import AgentProfile
from acd.arrivals import Caller, Chance
from acd.decisions import Decision, EndOffer, EndWrapUp, LeaveQueue, Offer, PauseAgent
from acd.floor import Floor
from acd.goto import ToQueue, ToVoicemail
from acd.rules import QueueRules
from acd.service_level import Tally
from acd.waiting import WaitingCall
from acd.why import Why


@dataclass(frozen=True, slots=True)
class Change:
    """An agent comes (`is_here`) or goes."""

    at_s: float
    agent: AgentProfile
    is_here: bool = True


@dataclass(frozen=True, slots=True)
class Manners:
    """How agents and counting behave. `pick_up_s`: how long a phone rings on average until it is answered (an
    exponential time; who takes longer than the queue's `ring` has not answered); 0: at once. Who gives up within
    `short_s` counts as a short abandon.
    """

    pick_up_s: float = 0.0
    short_s: float = 5.0


class Of(NamedTuple):
    """Whose calls are counted together."""

    queue: str
    entity: str
    language: str
    hour: int


@dataclass(slots=True)
class Hands:
    """An agent's time: here, of that busy (from the ring to the end of the wrap-up), and how many calls."""

    agent: AgentProfile
    here_s: float = 0.0
    busy_s: float = 0.0
    calls: int = 0

    def add(self, other: Self) -> None:
        self.here_s += other.here_s
        self.busy_s += other.busy_s
        self.calls += other.calls


@dataclass(frozen=True, slots=True)
class Result:
    """What came of all calls until now. `by_site`: those who were answered, by queue and site."""

    calls: Mapping[Of, Tally]
    by_site: Mapping[tuple[str, str], Tally]
    agents: Mapping[str, Hands]


_push = heapq.heappush
_Happening = tuple[float, int, Callable[[str, float], None], str]  # instant, number, what, about whom


@dataclass(slots=True)
class _Live:
    """A call that is not over."""

    caller: Caller
    waiting: WaitingCall
    tally: Tally
    leg: str = ""  # of the talk
    agent: str = ""
    entering: tuple[str, ...] = ()  # queues that sent it on just now


@dataclass(slots=True)
class _Present:
    hands: Hands
    since_s: float | None = None  # here; None: gone
    busy_since_s: float | None = None


class Simulation:
    """One run. `changes` and `callers` are in the order of their time; callers are asked for as time comes to them."""

    def __init__(
        self,
        rules: Mapping[str, QueueRules],
        changes: Iterable[Change],
        callers: Iterable[Caller],
        chance: Chance,
        manners: Manners = Manners(),
    ) -> None:
        self.floor = Floor(rules)
        self._rules, self._chance, self._manners = rules, chance, manners
        self._changes, self._callers = iter(changes), iter(callers)
        self._queue: list[_Happening] = []
        self._caller: Caller | None = None
        self._change: Change | None = None
        self._live: dict[str, _Live] = {}
        self._people: dict[str, _Present] = {}
        self._tallies: dict[Of, Tally] = {}
        self._by_site: dict[tuple[str, str], Tally] = {}
        self._noted = self._called = 0
        self._await_change()
        self._await_caller()

    @property
    def calls_now(self) -> int:
        """Calls that wait or talk."""
        return len(self._live)

    def run_until(self, until_s: float) -> None:
        """Let everything happen that happens before `until_s`."""
        queue, next_deadline, pop = self._queue, self.floor.next_deadline, heapq.heappop
        while True:
            deadline_s, at_s = next_deadline(), queue[0][0] if queue else until_s
            if deadline_s is not None and deadline_s <= at_s and deadline_s < until_s:
                if decisions := self.floor.due(deadline_s):
                    self._carry_out(decisions, deadline_s)
            elif at_s < until_s:
                _, _, happens, whom = pop(queue)
                happens(whom, at_s)
            else:
                return

    def new_day(self) -> None:
        self.floor.new_day()

    def result(self, now_s: float) -> Result:
        """What came of the calls; agents who are here are counted as if they left at `now_s`."""
        for present in self._people.values():
            self._count_time(present, now_s)
        return Result(self._tallies, self._by_site, {name: there.hands for name, there in self._people.items()})

    # --- callers

    def _somebody_calls(self, _: str, now_s: float) -> None:
        caller = self._caller
        assert caller is not None
        self._called += 1
        name = f"c{self._called}"
        waiting = WaitingCall(name, caller.queue, caller.language, now_s)
        call = self._live[name] = _Live(caller, waiting, self._tally(caller, caller.queue))
        call.tally.came += 1
        self._await_caller()
        self._enter(call, caller.queue, now_s)
        if not call.leg and caller.patience_s < math.inf:
            self._note(now_s + caller.patience_s, self._gives_up, name)

    def _enter(self, call: _Live, queue: str, now_s: float) -> None:
        """As the dispatcher does: where full queues lead back here, the call waits."""
        before = call.entering
        call.entering = (*before, queue)
        enter = self.floor.enter_anyway if queue in before else self.floor.enter
        self._carry_out(enter(call.waiting, now_s), now_s)
        call.entering = before

    def _gives_up(self, name: str, now_s: float) -> None:
        call = self._live.get(name)
        if call is None or call.leg:
            return
        del self._live[name]
        wait_s, tally = now_s - call.caller.at_s, call.tally
        tally.abandoned += 1
        tally.abandoned_in_time += wait_s <= self._rules[call.waiting.queue].target_within_s
        tally.abandoned_short += wait_s <= self._manners.short_s
        self._carry_out(self.floor.leave(name, now_s), now_s)

    def _leaves(self, left: LeaveQueue, now_s: float) -> None:
        call = self._live[left.call]
        if isinstance(left.then, ToQueue):
            call.tally.sent_on += 1
            call.tally = self._tally(call.caller, left.then.queue)
            call.tally.sent_here += 1
            before = call.waiting
            call.waiting = WaitingCall(
                before.id, left.then.queue, before.language, before.first_entered_s, before.offers
            )
            self._enter(call, left.then.queue, now_s)
            return
        del self._live[left.call]
        if isinstance(left.then, ToVoicemail):
            call.tally.voicemail += 1
        else:
            call.tally.led_away += 1

    # --- agents

    def _picks_up(self, leg: str, now_s: float) -> None:
        answered = self.floor.answered(leg, now_s)
        if answered is None:
            return  # too late
        name = answered.call
        call, agent = self._live[name], self.floor.agent_at(leg)
        assert agent is not None
        call.leg, call.agent = leg, agent.profile.id
        queue, talk_s = call.waiting.queue, call.caller.talk_s
        wait_s = now_s - call.caller.at_s
        in_time = wait_s <= self._rules[queue].target_within_s
        call.tally.count_answer(wait_s, talk_s, in_time=in_time)
        there = queue, agent.profile.site
        at_site = self._by_site.get(there) or self._by_site.setdefault(there, Tally())
        at_site.count_answer(wait_s, talk_s, in_time=in_time)
        self._people[call.agent].hands.calls += 1
        self._note(now_s + talk_s, self._hangs_up, name)
        self._carry_out(answered.then, now_s)

    def _hangs_up(self, name: str, now_s: float) -> None:
        """The talk is over. Without a wrap-up the agent is free at once, and the floor does not say so."""
        call = self._live.pop(name)
        if not self._rules[call.waiting.queue].wrap_up_s:
            self._is_free(call.agent, now_s)
        self._carry_out(self.floor.talk_ended(call.leg, now_s), now_s)

    def _somebody_changes(self, _: str, now_s: float) -> None:
        change = self._change
        assert change is not None
        self._await_change()
        present = self._people.setdefault(change.agent.id, _Present(Hands(change.agent)))
        if change.is_here:
            present.since_s = now_s if present.since_s is None else present.since_s
            self._carry_out(self.floor.agent_available(change.agent, now_s), now_s)
            return
        decisions = self.floor.agent_unavailable(change.agent.id, Why.AGENT_LEFT, now_s)
        if present.since_s is not None:
            present.hands.here_s += now_s - present.since_s
            present.since_s = None
        if present.busy_since_s is not None:  # what they still do, they do in time of their own
            present.hands.busy_s += now_s - present.busy_since_s
            present.busy_since_s = None
        self._carry_out(decisions, now_s)

    def _is_ready_again(self, agent: str, now_s: float) -> None:
        """A pause after offers in vain is over; who has gone home meanwhile stays there."""
        present = self._people[agent]
        if present.since_s is not None:
            self._carry_out(self.floor.agent_available(present.hands.agent, now_s), now_s)

    def _is_free(self, agent: str, now_s: float) -> None:
        present = self._people[agent]
        if present.busy_since_s is not None:
            present.hands.busy_s += now_s - present.busy_since_s
            present.busy_since_s = None

    def _count_time(self, present: _Present, now_s: float) -> None:
        if present.since_s is not None:
            present.hands.here_s += now_s - present.since_s
            present.since_s = now_s
        if present.busy_since_s is not None:
            present.hands.busy_s += now_s - present.busy_since_s
            present.busy_since_s = now_s

    # --- what the floor decides

    def _carry_out(self, decisions: Iterable[Decision], now_s: float) -> None:
        for decision in decisions:
            kind = type(decision)
            if kind is Offer:
                self._rings(decision, now_s)  # type: ignore[arg-type]
            elif kind is EndOffer or kind is EndWrapUp:
                self._is_free(decision.agent, now_s)  # type: ignore[union-attr]
            elif kind is LeaveQueue:
                self._leaves(decision, now_s)  # type: ignore[arg-type]
            elif kind is PauseAgent:
                self._note(decision.until_s, self._is_ready_again, decision.agent)  # type: ignore[union-attr]

    def _rings(self, offer: Offer, now_s: float) -> None:
        if not self.floor.rang(offer.leg, now_s):
            return  # of several who were to be rung, one has answered already
        self._people[offer.agent].busy_since_s = now_s
        pick_up_s = self._manners.pick_up_s
        if not pick_up_s:
            self._picks_up(offer.leg, now_s)
            return
        after_s = self._chance.expovariate(1 / pick_up_s)
        if after_s < offer.ring_s:
            self._note(now_s + after_s, self._picks_up, offer.leg)

    # --- within

    def _tally(self, caller: Caller, queue: str) -> Tally:
        of = Of(queue, caller.entity, caller.language, caller.hour)
        return self._tallies.get(of) or self._tallies.setdefault(of, Tally())

    def _note(self, at_s: float, what: Callable[[str, float], None], whom: str) -> None:
        self._noted += 1
        _push(self._queue, (at_s, self._noted, what, whom))

    def _await_caller(self) -> None:
        self._caller = next(self._callers, None)
        if self._caller is not None:
            self._note(self._caller.at_s, self._somebody_calls, "")

    def _await_change(self) -> None:
        self._change = next(self._changes, None)
        if self._change is not None:
            self._note(self._change.at_s, self._somebody_changes, "")

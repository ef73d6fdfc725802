"""A call's wait: what its queue's rules make of it as time passes, and how long it is expected to last.

When a wait begins, the instants at which it will come to a rule are noted; at each, the floor asks here whether it has,
since the rules may be others by then.
"""

from acd.deadlines import Deadlines
from acd.decisions import LeaveQueue, Tell
from acd.expected import expected_wait_s, pace
from acd.goto import Back, Goto
from acd.groups import Group
from acd.hall import Hall
from acd.rules import QueueRules
from acd.telling import FIRST_TOLD_S, tell
from acd.waiting import Place, WaitingCall
from acd.why import Why


class Waits:
    """The waits of all calls in the hall."""

    def __init__(self, hall: Hall, deadlines: Deadlines) -> None:
        self._hall, self._deadlines = hall, deadlines

    def begin(self, call: WaitingCall, over_earliest_s: float) -> None:
        """The call stands in its place in the line."""
        self._hall.calls[call.id] = call
        self._hall.stand_in_line(call)
        self.watch(call, over_earliest_s)

    def watch(self, call: WaitingCall, over_earliest_s: float) -> None:
        """Note when the wait will come to a rule."""
        rules, since_s = self._rules_of(call), call.since_s
        if not call.is_call_back:
            if over := self._over(call):
                earliest_s = over_earliest_s if call.back_at_s is None else 0.0
                self._deadlines.add(max(over[0], earliest_s), "wait", call.id)
            self._plan_to_tell(call, over_earliest_s + FIRST_TOLD_S)
        for step in rules.relax[call.stage :]:
            self._deadlines.add(since_s + step.after_s, "relax", call.id)
        for site in rules.sites:
            if site.opening and site.opening.after_s is not None:
                self._deadlines.add(since_s + site.opening.after_s, "overdue", call.id, site.name)

    def count(self, call: WaitingCall, now_s: float, *, gave_up: bool) -> None:
        """The wait has ended. A call-back's says nothing of how long callers have the patience to wait."""
        if not call.is_call_back:
            self._hall.queues[call.queue].last_hour.waited(now_s - call.since_s, now_s, gave_up=gave_up)

    def relax(self, call_id: str, now_s: float) -> WaitingCall | None:
        """The call may have waited long enough for less to be needed. It, where it stands elsewhere in the line now."""
        call = self._hall.calls.get(call_id)
        if call is None:
            return None
        stage = self._rules_of(call).stage_at(call.since_s, now_s)
        if call.legs or stage == call.stage:
            call.stage = stage
            return None
        self._hall.group_of(call).line.remove(call)
        call.stage = stage
        self._hall.group_of(call).line.add(call)
        return call

    def note_overdue(self, call_id: str, site: str, now_s: float) -> str:
        """The call may have waited as long as the rule of a further site says. Its queue, where it has; else empty."""
        call = self._hall.calls.get(call_id)
        there = self._hall.queues[call.queue].sites.get(site) if call else None
        if call is None or there is None or there.rules.opening is None or there.rules.opening.after_s is None:
            return ""
        if now_s < call.since_s + there.rules.opening.after_s:
            return ""
        there.overdue.add(call_id)
        return call.queue

    def tell(self, call_id: str, at_s: float, now_s: float) -> list[Tell]:
        """Time to tell a caller where they stand, unless a phone rings for them."""
        call = self._hall.calls.get(call_id)
        if call is None or call.tell_at_s != at_s:
            return []
        rules = self._rules_of(call).while_waiting
        call.tell_at_s = None
        self._plan_to_tell(call, now_s + (rules.tell_every_s or 0.0))
        if rules.tell_every_s is None or call.legs:
            return []
        position = self._hall.queues[call.queue].line.position(call)
        expected_s = self.expected_s(self._hall.group_of(call), call.place, now_s) if rules.tells_wait else None
        return [tell(call, position, expected_s, now_s)]

    def over(self, call_id: str, now_s: float) -> LeaveQueue | None:
        """The call leaves the queue, where its wait is over; while a phone rings for it, as soon as none does."""
        call = self._hall.calls.get(call_id)
        over = self._over(call) if call else None
        if call is None or over is None or now_s < over[0]:
            return None
        _, then, why = over
        call.over = True
        return None if call.legs else LeaveQueue(call_id, call.queue, then, why)

    def expected_s(self, group: Group, place: Place, now_s: float) -> float | None:
        """How long a call of `group` at `place` is expected to wait while nobody is free; None: nobody can tell.

        Calls of other queues count as well, in so far as the same agents take them.
        """
        queues, shares = self._hall.queues, self._hall.shares(group)
        by_queue = dict[str, float]()
        for other, share in shares.items():
            by_queue[other.rules.name] = max(share, by_queue.get(other.rules.name, 0.0))
        lately = pace(queues[name].last_hour.sums(now_s) * share for name, share in by_queue.items())
        if lately is None:
            return None
        ahead = sum(share * other.line.ahead_of(place) for other, share in shares.items())
        return expected_wait_s(ahead, group.able(queues[group.rules.name].open_sites), lately)

    # --- within

    def _rules_of(self, call: WaitingCall) -> QueueRules:
        return self._hall.queues[call.queue].rules

    def _over(self, call: WaitingCall) -> tuple[float, Goto, Why] | None:
        """When the call's wait is over, where it goes then, and why; None: it may wait for ever."""
        rules = self._rules_of(call)
        if call.back_at_s is not None:
            return call.back_at_s, Back(), Why.NOBODY_CAME
        if rules.longest_wait_s is None or rules.longest_wait_then is None:
            return None
        return call.since_s + rules.longest_wait_s, rules.longest_wait_then, Why.WAITED_TOO_LONG

    def _plan_to_tell(self, call: WaitingCall, at_s: float) -> None:
        if call.tell_at_s is None and self._rules_of(call).while_waiting.tell_every_s is not None:
            call.tell_at_s = at_s
            self._deadlines.add(at_s, "tell", call.id)

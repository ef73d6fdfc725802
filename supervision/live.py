"""The house as people look at it: rows for queues, agents and calls, and which of them changed.

The rows are what the door tells (centralino/door.py); instants are seconds since 1970.
"""

from collections.abc import Callable, Iterable
from typing import Any

from acd.agent import AgentOnFloor
from acd.floor import Floor
from acd.rules import QueueRules
from acd.sites import Held
from acd.state import Doing
from agents.roster import Agent
from centralino.events import (
    AgentEvent,
    AsteriskConnected,
    AsteriskLost,
    CallEvent,
    Entry,
    PhoneReachable,
    PhoneUnreachable,
    SiteClosed,
    SiteHeld,
    SiteOpened,
)
from centralino.state import AgentNow, CallNow, House, QueueCount, SiteState

ENDS_AT_A_TIME = (Doing.RESERVED, Doing.RINGING, Doing.WRAPPING_UP, Doing.RESTING)
Row = dict[str, Any]
Who = Callable[[str], tuple[str, str]]  # a person's key → number, name


class LiveView:
    """Rows from what is true now. `entry` is told each journal entry; `changes` gives the rows that differ since."""

    def __init__(self, house: House, floor: Floor, agents: dict[str, Agent], who: Who) -> None:
        self._house, self._floor, self._agents, self._who = house, floor, agents, who
        self._calls: set[str] = set()
        self._queues: set[str] = set()
        self._told_positions: dict[str, int | None] = {}
        self._nodes_changed = False

    def adopt(self, agents: dict[str, Agent]) -> None:
        """Another roster is in force: agents who stand otherwise in it, and all queues, are told anew."""
        before, self._agents = self._agents, agents
        self._floor.touched.update(name for name, agent in agents.items() if before.get(name) != agent)
        self._queues.update(self._floor.rules)

    def entry(self, entry: Entry) -> None:
        """Note whom `entry` concerns."""
        event = entry.event
        match event:
            case CallEvent(call=call):
                self._calls.add(call)
                self._queues.add(getattr(event, "queue", "") or self._queue_of(call))
                agent = getattr(event, "agent", "")
                if agent:
                    self._floor.touched.add(agent)
            case AgentEvent(agent=agent):
                self._floor.touched.add(agent)
            case SiteOpened(queue=queue) | SiteClosed(queue=queue) | SiteHeld(queue=queue):
                self._queues.add(queue)
            case PhoneReachable(phone=phone) | PhoneUnreachable(phone=phone):
                self._floor.touched.update(a.id for a in self._house.agents.values() if a.phone == phone)
            case AsteriskConnected() | AsteriskLost():
                self._nodes_changed = True

    @property
    def has_changed(self) -> bool:
        return bool(self._calls or self._queues or self._floor.touched or self._nodes_changed)

    def everything(self) -> Row:
        """All rows."""
        return {
            "queues": {name: self._queue(rules) for name, rules in self._floor.rules.items()},
            "agents": {name: self.agent(name) for name in self._agents},
            "calls": {name: self._call(call) for name, call in self._house.calls.items()},
        }

    def changes(self) -> Row:
        """The rows that changed since the last look; a call that has ended is None."""
        agents = {name: self.agent(name) for name in self._floor.touched if name in self._agents}
        moved = self._moved(self._queues & set(self._floor.rules)) if self._queues else set()
        calls = {name: self._call_or_none(name) for name in self._calls | moved}
        # agents who came, went or finished are free, or not, in each queue that they serve
        rules_of = self._floor.rules
        queues = rules_of.values() if agents else [rules_of[name] for name in self._queues & rules_of.keys()]
        rows = {"agents": agents, "calls": calls, "queues": {rules.name: self._queue(rules) for rules in queues}}
        self._floor.touched.clear()
        self._calls.clear()
        self._queues.clear()
        self._nodes_changed = False
        return rows

    # --- within

    def _queue_of(self, call_id: str) -> str:
        call = self._house.calls.get(call_id)
        return call.queue if call else ""

    def _moved(self, queues: Iterable[str]) -> set[str]:
        """Calls whose position in a changed line is another than was told."""
        moved = set()
        for queue in queues:
            for position, call in enumerate(self._floor.line_of(queue), 1):
                if self._told_positions.get(call) != position:
                    moved.add(call)
        return moved

    def _queue(self, rules: QueueRules) -> Row:
        waiting = self._floor.line_of(rules.name)
        oldest = self._house.calls.get(waiting[0]) if waiting else None
        today = self._house.today.get(rules.name, QueueCount())
        agents = self._floor.agents
        able = self._floor.able(rules.name, "")
        return {
            "name": rules.name,
            "sites": [self.site(rules.name, site) for site in self._floor.further_sites_of(rules.name)],
            "waiting": len(waiting),
            "oldest_s": oldest.waits_since_s if oldest else None,
            "free": sum(1 for name in able if agents[name].can_take_a_call),
            "talking": sum(1 for a in agents.values() if a.queue == rules.name and a.doing == "talking"),
            "offered": today.offered,
            "answered": today.answered,
            "abandoned": today.abandoned,
            "in_time": today.in_time,
            "wait_sum_s": today.wait_sum_s,
            "target_answer": rules.target_answer,
            "target_within_s": rules.target_within_s,
        }

    def site(self, queue: str, site: str) -> Row:
        """A further site of a queue: whether it is open, since when, and why; who holds it so."""
        now = self._house.sites.get(f"{queue}/{site}", SiteState())
        on_floor = self._floor.sites_of(queue)[site].held
        held = {"held": on_floor, "by": now.by if on_floor in (Held.OPEN, Held.CLOSED) else ""}
        return {"site": site, "is_open": now.is_open, "since_s": now.since_s or None, "why": now.why, **held}

    def agent(self, name: str) -> Row:
        """What an agent of the roster does; `until_s`: when that ends by itself, None where it does not."""
        listed, now, on_floor = self._agents[name], self._house.agents.get(name), self._floor.agents.get(name)
        phone = (now.phone if now else "") or listed.phone or ""
        return {
            "id": name,
            "name": listed.name,
            "site": listed.site,
            "phone": phone,
            "reachable": self._house.reachable.get(phone, False),
            "chosen": now.chosen if now else "signed out",
            "reason": now.reason if now else "",
            "doing": on_floor.doing if on_floor else "free",
            "since_s": max(now.since_s if now else 0.0, on_floor.since_s if on_floor else 0.0) or None,
            "until_s": _until_s(now, on_floor),
            "call": on_floor.call if on_floor else "",
            "queue": on_floor.queue if on_floor else "",
            "own_call": bool(on_floor and on_floor.own_call),
            "asks_for_help": bool(on_floor and on_floor.call in self._house.asking_for_help),
        }

    def _call_or_none(self, name: str) -> Row | None:
        call = self._house.calls.get(name)
        if call is None:
            self._told_positions.pop(name, None)
            return None
        return self._call(call)

    def _call(self, call: CallNow) -> Row:
        number, name = self._who(call.person)
        position = self._told_positions[call.id] = self._floor.position(call.id)
        rung = list(call.rings.values())
        return {
            "id": call.id,
            "service": call.service,
            "caller": number,
            "name": name,
            "state": call.state,
            "on_hold": bool(call.held_since_s or call.set_aside),
            "since_s": call.since_s,
            "arrived_s": call.arrived_s,
            "step": call.place or call.step,
            "queue": call.queue,
            "position": position,
            "agent": rung[0] if len(rung) == 1 else "" if rung else call.agent,
            "rung": rung,
            "language": call.language,
            "why": call.why,
            "listeners": self._listeners(call.id),
        }

    def _listeners(self, call_id: str) -> list[Row]:
        """The supervisors who are with its talk, and how (an `agents.supervisors.How`); with none whose phone rings."""
        there = (one for one in self._house.listenings.values() if one.call == call_id and one.answered_s)
        return [{"supervisor": one.supervisor, "how": one.how, "since_s": one.answered_s} for one in there]


def _until_s(now: AgentNow | None, on_floor: AgentOnFloor | None) -> float | None:
    """When what calls cause at an agent ends by itself; else, when what they chose does."""
    if on_floor and on_floor.doing in ENDS_AT_A_TIME:
        return on_floor.until_s
    return (now.pause_until_s or None) if now else None

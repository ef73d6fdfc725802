"""When a further site opens for a queue, and when it closes again.

Opening is quick and closing slow: a site stays until its reason has been gone for `back_after_s`, in which none of its
agents has had a call of the queue either, so that it does not come and go with each caller.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from acd.decisions import CloseSite, OpenSite
from acd.expected import LastHour
from acd.rules import QueueRules, SiteRules
from acd.waiting import Line
from acd.why import Why


class Held(StrEnum):
    """What a supervisor, or an emergency, wants of a site: nothing (its rule decides), or what it says."""

    BY_RULE = "by rule"
    OPEN = "open"
    EMERGENCY = "open for an emergency"
    CLOSED = "closed"


@dataclass(slots=True)
class SiteNow:
    """A site for one queue. `overdue`: calls that have waited as long as its rule says."""

    rules: SiteRules
    is_open: bool
    held: Held = Held.BY_RULE
    overdue: set[str] = field(default_factory=set)
    calm_since_s: float | None = None  # open, and since then without a reason


@dataclass(slots=True)
class QueueFloor:
    """What is so in one queue. `line`: all its calls, those included for which a phone rings."""

    rules: QueueRules
    sites: dict[str, SiteNow]
    line: Line = field(default_factory=Line)
    here: Counter[str] = field(default_factory=Counter)  # able agents who are here, by site
    busy: Counter[str] = field(default_factory=Counter)  # agents who have a call of this queue, by site
    last_hour: LastHour = field(default_factory=LastHour)
    first_sites: list[str] = field(init=False)  # open from the start
    further_sites: list[SiteNow] = field(init=False)  # those that open and close
    opens_by_wait: bool = field(init=False)  # one of them, when a long wait is expected
    planned_look_s: float | None = None  # when a site is about to close

    def __post_init__(self) -> None:
        self.first_sites = [name for name, site in self.sites.items() if site.rules.opening is None]
        self.further_sites = [site for site in self.sites.values() if site.rules.opening is not None]
        openings = [site.rules.opening for site in self.further_sites if site.rules.opening]
        self.opens_by_wait = any(opening.expected_wait_over_s is not None for opening in openings)

    @property
    def open_sites(self) -> list[str]:
        if not self.further_sites:  # asked many times a call
            return self.first_sites
        return [name for name, site in self.sites.items() if site.is_open]

    @property
    def tiers(self) -> list[list[str]]:
        """Open sites in the order in which their agents are asked: those of the start together, then one by one."""
        return [self.first_sites, *([site.rules.name] for site in self.further_sites if site.is_open)]

    def tier_of(self, site: str) -> list[str]:
        """The open sites whose agents are asked together with those of `site`; none where it is not open."""
        return next((tier for tier in self.tiers if site in tier), [])


def queue_floor(rules: QueueRules) -> QueueFloor:
    return QueueFloor(rules, {site.name: SiteNow(site, is_open=site.opening is None) for site in rules.sites})


def look_at(queue: QueueFloor, expected_wait_s: float | None, now_s: float) -> list[OpenSite | CloseSite]:
    """Open and close the queue's further sites as their rules, and who holds them, want it now."""
    decisions = [_look_at(site, queue, expected_wait_s, now_s) for site in queue.further_sites]
    return [decision for decision in decisions if decision]


def next_look_s(queue: QueueFloor) -> float | None:
    """When a site closes if nothing happens before; None: none is about to."""
    calm = [(site.calm_since_s, site.rules.opening) for site in queue.further_sites if site.is_open]
    return min((since_s + rule.back_after_s for since_s, rule in calm if since_s is not None and rule), default=None)


def _look_at(
    site: SiteNow, queue: QueueFloor, expected_wait_s: float | None, now_s: float
) -> OpenSite | CloseSite | None:
    opening, name = site.rules.opening, site.rules.name
    if site.held is Held.CLOSED:
        return _close(site, queue, Why.HELD_CLOSED) if site.is_open else None
    why = _why_open(site, queue, expected_wait_s)
    if why is not None:
        site.calm_since_s = None
        if site.is_open:
            return None
        site.is_open = True
        return OpenSite(queue.rules.name, name, why, {"waiting": len(queue.line)})
    if not site.is_open or opening is None:
        return None
    if queue.busy[name]:  # those before it could not take this call: without it, the next would wait
        site.calm_since_s = None
        return None
    if site.calm_since_s is None:
        site.calm_since_s = now_s
    return _close(site, queue, Why.CALM_AGAIN) if now_s >= site.calm_since_s + opening.back_after_s else None


def _close(site: SiteNow, queue: QueueFloor, why: Why) -> CloseSite:
    site.is_open, site.calm_since_s = False, None
    return CloseSite(queue.rules.name, site.rules.name, why)


def _why_open(site: SiteNow, queue: QueueFloor, expected_wait_s: float | None) -> Why | None:
    """The reason for which the site should be open for the queue now; None: there is none."""
    opening = site.rules.opening
    if site.held is Held.EMERGENCY:
        return Why.EMERGENCY
    if site.held is Held.OPEN or opening is None:
        return Why.HELD_OPEN
    if opening.nobody_at is not None and not queue.here[opening.nobody_at]:
        return Why.NOBODY_AT_FIRST_SITE
    if site.overdue:
        return Why.CALLER_WAITED_LONG
    if opening.waiting_over is not None and len(queue.line) > opening.waiting_over:
        return Why.MANY_WAIT
    if opening.expected_wait_over_s is not None and (expected_wait_s or 0.0) > opening.expected_wait_over_s:
        return Why.LONG_WAIT_EXPECTED
    return None

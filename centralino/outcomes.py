"""What simulations came to: for all, each queue, site and entity; means of replications, and how sure they are."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from acd.rules import QueueRules
from acd.service_level import Tally, Variant, total
from acd.simulation import Hands, Result
from centralino.simulating import may_take

T_95 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10)
Key = tuple[str, str]  # scope (all, queue, site, entity) and name
Figures = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean of replications; the truth lies within `give_or_take` of it with 95 %; None: one replication tells not."""

    mean: float
    give_or_take: float | None = None


Row = dict[str, Estimate | None]


def estimate(values: Sequence[float | None]) -> Estimate | None:
    """By Student's t. None: in some replication there was nothing to measure."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    if len(known) == 1:
        return Estimate(known[0])
    quantile = T_95[len(known) - 2] if len(known) - 2 < len(T_95) else 1.96 + 2.5 / len(known)
    return Estimate(fmean(known), quantile * stdev(known) / math.sqrt(len(known)))


def rows(results: Sequence[Result], rules: Mapping[str, QueueRules]) -> dict[Key, Row]:
    """In order: all, queues, sites, entities. Who is not in a replication had no call there."""
    each = [dict(_figures(result, rules)) for result in results]
    keys, nobody = dict.fromkeys(key for one in each for key in one), _of(Tally(), (), 0)
    return {key: _row([one.get(key, nobody) for one in each]) for key in sorted(keys, key=_order)}


def differences(before: Sequence[Result], after: Sequence[Result], queue: str) -> Estimate | None:
    """By how much a queue's service level (of all) changes, replication by replication: they had the same callers."""
    pairs = zip((_level(each, queue) for each in before), (_level(each, queue) for each in after), strict=True)
    return estimate([None if one is None or two is None else two - one for one, two in pairs])


def _level(result: Result, queue: str) -> float | None:
    return total(tally for of, tally in result.calls.items() if of.queue == queue).service_level(Variant.OF_ALL)


def _row(each: Sequence[Figures]) -> Row:
    return {name: estimate([one[name] for one in each]) for name in each[0]}


def _order(key: Key) -> tuple[int, str]:
    return ("all", "queue", "site", "entity").index(key[0]), key[1]


def _figures(result: Result, rules: Mapping[str, QueueRules]) -> Iterator[tuple[Key, Figures]]:
    queues = {of.queue for of in result.calls}
    yield ("all", ""), _of(whole := total(result.calls.values()), _able(result, rules, queues), whole.came)
    for queue in queues:
        tally = total(tally for of, tally in result.calls.items() if of.queue == queue)
        yield ("queue", queue), _of(tally, _able(result, rules, {queue}), tally.came + tally.sent_here)
    for site in {site for _, site in result.by_site} | {hands.agent.site for hands in result.agents.values()}:
        tally = total(tally for (_, there), tally in result.by_site.items() if there == site)
        yield ("site", site), _of_site(tally, [h for h in result.agents.values() if h.agent.site == site])
    for entity in {of.entity for of in result.calls if of.entity}:
        tally = total(tally for of, tally in result.calls.items() if of.entity == entity)
        theirs = {of.queue for of in result.calls if of.entity == entity}
        yield ("entity", entity), _of(tally, _able(result, rules, theirs), tally.came)


def _of(tally: Tally, hands: Sequence[Hands], offered: int) -> Figures:
    here_s = sum(each.here_s for each in hands)
    return {
        "calls": offered,
        "answered": tally.answered,
        "abandoned": tally.abandoned,
        "voicemail": tally.voicemail,
        **{variant.name.lower(): tally.service_level(variant) for variant in Variant},
        "asa_s": tally.asa_s,
        "abandonment": tally.abandonment,
        "abandonment_without_short": tally.abandonment_without_short,
        "occupancy": sum(each.busy_s for each in hands) / here_s if here_s else None,
    }


def _of_site(tally: Tally, hands: Sequence[Hands]) -> Figures:
    """A call belongs to a site only once it is answered there; who gave up belongs to none."""
    known = ("answered", Variant.OF_ANSWERED.name.lower(), "asa_s", "occupancy")
    return {name: value if name in known else None for name, value in _of(tally, hands, 0).items()}


def _able(result: Result, rules: Mapping[str, QueueRules], queues: Iterable[str]) -> list[Hands]:
    """Those who may take calls of one of the queues."""
    wanted = [rules[queue] for queue in queues]
    return [hands for hands in result.agents.values() if any(may_take(hands.agent, each) for each in wanted)]


def by_hour(results: Sequence[Result], queue: str) -> list[float | None]:
    """The service level (of all) of each hour of the day, as a share."""
    told: list[float | None] = []
    for hour in range(24):
        tallies = (t for result in results for of, t in result.calls.items() if (of.queue, of.hour) == (queue, hour))
        told.append(total(tallies).service_level(Variant.OF_ALL))
    return told

"""Who calls when: callers by chance, from how many are expected in each hour. Chance is handed in."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple, Protocol


class Chance(Protocol):
    """What `random.Random(seed)` offers."""

    def random(self) -> float: ...

    def expovariate(self, lambd: float, /) -> float: ...

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float: ...


class Caller(NamedTuple):
    """A citizen whose call enters `queue` at `at_s`; they hang up after `patience_s` of waiting, and their talk lasts
    `talk_s`. `hour`: the hour of the day in which they call, from 0.
    """

    at_s: float
    queue: str
    talk_s: float
    patience_s: float = math.inf
    language: str = "it"
    entity: str = ""
    hour: int = 0


@dataclass(frozen=True, slots=True)
class Exponential:
    """The memoryless one, which the formulas of Erlang take."""

    mean_s: float

    def draw(self, chance: Chance) -> float:
        return chance.expovariate(1 / self.mean_s)


@dataclass(frozen=True, slots=True)
class LogNormal:
    """The one that talk times follow in real centres (Brown and others 2005)."""

    mean_s: float
    deviation_s: float
    _mu: float = field(init=False, repr=False)
    _sigma: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        spread2 = math.log1p((self.deviation_s / self.mean_s) ** 2)
        object.__setattr__(self, "_mu", math.log(self.mean_s) - spread2 / 2)
        object.__setattr__(self, "_sigma", math.sqrt(spread2))

    def draw(self, chance: Chance) -> float:
        return math.exp(chance.gauss(self._mu, self._sigma))


Time = Exponential | LogNormal


@dataclass(frozen=True, slots=True)
class Kind:
    """Callers of whom every `weight`-th part of all is one."""

    queue: str
    talk: Time
    weight: float = 1.0
    language: str = "it"
    entity: str = ""


@dataclass(frozen=True, slots=True)
class Patience:
    """When callers who wait hang up: after an exponential time; `short_share` of all within `short_s` anyway.

    `mean_s` None: never.
    """

    mean_s: float | None = None
    short_share: float = 0.0
    short_s: float = 5.0

    def draw(self, chance: Chance) -> float:
        if self.short_share and chance.random() < self.short_share:
            return chance.random() * self.short_s
        return chance.expovariate(1 / self.mean_s) if self.mean_s else math.inf


@dataclass(frozen=True, slots=True)
class Hour:
    """From `begin_s` until `end_s`, which may be less than an hour later, `calls` are expected."""

    begin_s: float
    end_s: float
    calls: float
    hour: int = 0


def callers(hours: Iterable[Hour], kinds: Sequence[Kind], patience: Patience, chance: Chance) -> Iterator[Caller]:
    """All callers in the order in which they call: independent of one another (Poisson) at each hour's rate."""
    weights = list(accumulate(kind.weight for kind in kinds))
    for hour in hours:
        if hour.calls <= 0:
            continue
        rate = hour.calls / (hour.end_s - hour.begin_s)
        at_s = hour.begin_s + chance.expovariate(rate)
        while at_s < hour.end_s:
            kind = kinds[bisect_right(weights, chance.random() * weights[-1], hi=len(kinds) - 1)]
            talk_s, patience_s = kind.talk.draw(chance), patience.draw(chance)
            yield Caller(at_s, kind.queue, talk_s, patience_s, kind.language, kind.entity, hour.hour)
            at_s += chance.expovariate(rate)

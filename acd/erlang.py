"""How many agents a load of calls needs: Erlang B, C and A.

All take calls that come by chance (Poisson) and exponential handling times. Sources: Erlang (1917) for B and C;
Palm (1957) and Garnett, Mandelbaum, Reiman, "Designing a call center with impatient customers" (2002) for A, the model
M/M/N+M in which each caller who waits gives up after an exponential time. Times are in seconds.
"""

import math
from bisect import bisect_left
from dataclasses import dataclass

RARE = 1e-15  # a state of the line that is so rare counts no more
HUGE = 1e100
AGENTS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Load:
    """Calls that come at `calls_per_s`, each of which keeps an agent busy for `handling_s` (talk, hold, wrap-up).

    `patience_s`: after which callers give up on average; None: nobody ever does.
    """

    calls_per_s: float
    handling_s: float
    patience_s: float | None = None

    @property
    def erlangs(self) -> float:
        """How many agents would be busy on average if nobody gave up."""
        return self.calls_per_s * self.handling_s


@dataclass(frozen=True, slots=True)
class Expected:
    """What a number of agents makes of a load; shares of all calls that come.

    `asa_s`: the mean wait of those who are answered; infinite where the line grows without end.
    """

    answered_in_time: float
    abandoned_in_time: float
    abandoned: float
    waits: float
    asa_s: float
    occupancy: float


def erlang_b(erlangs: float, agents: int) -> float:
    """The share of calls that find all agents busy where nobody can wait: B(n) = A·B(n-1) / (n + A·B(n-1))."""
    blocked = 1.0
    for n in range(1, agents + 1):
        blocked = erlangs * blocked / (n + erlangs * blocked)
    return blocked


def erlang_c(erlangs: float, agents: int) -> float:
    """The share of calls that wait where nobody gives up: C = N·B / (N - A(1 - B)); 1 where A reaches N."""
    if erlangs >= agents:
        return 1.0
    blocked = erlang_b(erlangs, agents)
    return agents * blocked / (agents - erlangs * (1 - blocked))


def expected(load: Load, agents: int, within_s: float) -> Expected:
    """What `agents` (1 or more) make of the load: by Erlang A where callers give up, else by Erlang C."""
    if load.patience_s is None:
        return _by_erlang_c(load, agents, within_s)
    return _by_erlang_a(load, load.patience_s, agents, within_s)


def agents_needed(load: Load, target: float, within_s: float) -> int | None:
    """The fewest agents who answer the share `target` of all calls within `within_s`; None: not even 10,000 do.

    More agents answer no fewer calls in time, and fewer than `target` of the load cannot answer as many at all.
    """
    numbers = range(max(1, math.floor(target * load.erlangs)), AGENTS_MAX + 1)
    n = bisect_left(numbers, True, key=lambda agents: expected(load, agents, within_s).answered_in_time >= target)
    return numbers[n] if n < len(numbers) else None


def _by_erlang_c(load: Load, agents: int, within_s: float) -> Expected:
    """ASA = C·AHT/(N - A) and SL(T) = 1 - C·e^(-(N - A)·T/AHT)."""
    spare, waits = agents - load.erlangs, erlang_c(load.erlangs, agents)
    if spare <= 0:
        return Expected(0.0, 0.0, 0.0, 1.0, math.inf, 1.0)
    late = waits * math.exp(-spare * within_s / load.handling_s)
    return Expected(1 - late, 0.0, 0.0, waits, waits * load.handling_s / spare, load.erlangs / agents)


def _by_erlang_a(load: Load, patience_s: float, agents: int, within_s: float) -> Expected:
    """The line as a chain of births and deaths: with n calls there, one leaves at rate min(n, N)/AHT + max(0, n - N)·θ.

    Who finds N busy and k waiting is offered an agent after V, the sum of exponential times of the rates N/AHT + iθ for
    i from 0 to k. Then e^(-θV) is distributed as Beta(c, k + 1) with c = N/(AHT·θ), and who waits so long is still
    there with the probability e^(-θV): the shares below are incomplete beta functions, which grow by a term with k.
    """
    blocked = erlang_b(load.erlangs, agents)
    if blocked < RARE:
        return Expected(1.0, 0.0, 0.0, 0.0, 0.0, load.erlangs / agents)
    c, still_there = agents * patience_s / load.handling_s, math.exp(-within_s / patience_s)
    at_once, weight, k = 1 / blocked - 1, 1.0, 0  # of being free, and of k waiting, against that of nobody waiting
    waits = in_time = gave_up_in_time = answered = answered_wait = 0.0
    late = late_but_there = harmonic = 0.0
    while weight > RARE * (at_once + waits):
        late += _beta_term(c, k, still_there)  # P(V > T)
        late_but_there += _beta_term(c + 1, k, still_there)
        harmonic += 1 / (c + 1 + k)
        takes, takes_in_time = c / (c + k + 1), c / (c + k + 1) * (1 - late_but_there)
        waits += weight
        answered += weight * takes
        answered_wait += weight * takes * harmonic * patience_s
        in_time += weight * takes_in_time
        gave_up_in_time += weight * (1 - takes_in_time - still_there * late)
        k += 1
        weight *= load.calls_per_s / (agents / load.handling_s + k / patience_s)
        if weight > HUGE:
            at_once, weight, waits, in_time = at_once / HUGE, weight / HUGE, waits / HUGE, in_time / HUGE
            gave_up_in_time, answered, answered_wait = gave_up_in_time / HUGE, answered / HUGE, answered_wait / HUGE
    total = at_once + waits
    abandoned = (waits - answered) / total
    return Expected(
        answered_in_time=(at_once + in_time) / total,
        abandoned_in_time=gave_up_in_time / total,
        abandoned=abandoned,
        waits=waits / total,
        asa_s=answered_wait / (at_once + answered),
        occupancy=load.erlangs * (1 - abandoned) / agents,
    )


def _beta_term(a: float, k: int, x: float) -> float:
    """What I_x(a, k + 1) has more than I_x(a, k): x^a·(1 - x)^k·Γ(a + k)/(Γ(a)·k!)."""
    if not x:
        return 0.0  # x^a, too small for a number
    gone = k * math.log1p(-x) if k and x < 1 else -math.inf if k else 0.0
    return math.exp(a * math.log(x) + gone + math.lgamma(a + k) - math.lgamma(a) - math.lgamma(k + 1))

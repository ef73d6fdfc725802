"""What queues.yaml says: the rules of each queue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from acd.goto import Goto


class Pick(StrEnum):
    """Which of several free and able agents is rung; among equals always the longest idle."""

    LONGEST_IDLE = "longest_idle"
    BEST_SKILL = "best_skill"  # the highest levels in what the queue needs
    LEAST_BUSY = "least_busy"  # the least time today in talks and wrap-ups
    ROUND_ROBIN = "round_robin"  # whose last call of this queue is the longest ago
    FIXED_ORDER = "fixed_order"  # as they stand in agents.yaml
    RING_ALL = "ring_all"  # none of them: all are rung at once, and the first to answer has the call


@dataclass(frozen=True, slots=True)
class Relax:
    """A call that has waited `after_s` may go to whoever has `needs`."""

    after_s: float
    needs: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Opening:
    """When a further site takes calls of a queue: as soon as one of these holds; none set: only by hand.

    `after_s`: a caller has waited so long; `waiting_over`: more calls wait; `expected_wait_over_s`: somebody who enters
    now is expected to wait longer; `nobody_at`: no able agent is there. It closes when for `back_after_s` none has held
    and none of its agents has had a call of the queue.
    """

    after_s: float | None = None
    waiting_over: int | None = None
    expected_wait_over_s: float | None = None
    nobody_at: str | None = None
    back_after_s: float = 300.0


@dataclass(frozen=True, slots=True)
class SiteRules:
    """A site that serves a queue, from the start, or from its `opening` on.

    At most `agents_at_most` of its agents have calls of the queue at a time; `keep_free` of its free agents are left
    for its own callers.
    """

    name: str
    opening: Opening | None = None
    agents_at_most: int | None = None
    keep_free: int = 0

    @property
    def is_limited(self) -> bool:
        """Whether an able agent there may be free while a call waits."""
        return self.agents_at_most is not None or self.keep_free > 0


@dataclass(frozen=True, slots=True)
class HeadStart:
    """A call for which all that is set here holds counts as if it had waited `by_s` longer.

    The service `number`; the `entity`; the dialplan's `step` that led to the queue (so: the key pressed); how the
    caller's number begins (E.164); at least the `nth_call_today` of the same caller; `open_case`: they have one for the
    number.
    """

    by_s: float
    number: str = ""
    entity: str = ""
    step: str = ""
    caller: str = ""
    nth_call_today: int = 0
    open_case: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """What head starts are given for."""

    number: str
    entity: str
    step: str
    caller: str
    calls_today: int
    has_open_case: bool = False


@dataclass(frozen=True, slots=True)
class WhileWaiting:
    """What callers hear while they wait, and what they may choose; empty keys and None: nothing of the kind.

    Every `tell_every_s` the place in the line, and with `tells_wait` how long it may take. `voicemail_key` leads to the
    voicemail at once; `call_back_key`, offered after `call_back_after_s`, to the promise of a call-back.
    """

    tell_every_s: float | None = None
    tells_wait: bool = False
    voicemail_key: str = ""
    call_back_key: str = ""
    call_back_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class CallBackRules:
    """A person who is to be called back is rung for `ring_s` (5 to 60); where nobody answers, again after each of
    `again_after_s` in turn. Nobody is called but from `begin_minute` to `end_minute` of a day, by local time.
    """

    ring_s: float = 30.0
    again_after_s: tuple[float, ...] = (600.0, 3600.0)
    begin_minute: int = 8 * 60
    end_minute: int = 21 * 60


@dataclass(frozen=True, slots=True)
class Recording:
    """Talks are recorded unless the caller presses `refuse_key`; recordings older than `keep_s` are deleted. Agents may
    pause one for `longest_pause_s` at most; 0: never.
    """

    refuse_key: str
    keep_s: float
    longest_pause_s: float = 300.0


@dataclass(frozen=True, slots=True)
class QueueRules:
    """The rules of one queue.

    `needs`: skill → lowest level (1 to 5), less and less after the steps of `relax`. `ring_s` 5 to 120, `wrap_up_s` 0
    to 3600, and with what an agent adds to it at most `longest_wrap_up_s` (not less). Aim: `target_answer` (0 to 1) of
    all calls answered within `target_within_s`. `sites`: where its agents sit, in the order in which they open; the
    loader never leaves it empty. A call that has waited `longest_wait_s` goes to `longest_wait_then`; one that finds
    `full_waiting` others waiting goes to `full_then`; each pair is set together or not at all. `voicemail_say`:
    language → greeting; `voicemail_mail`: where each message goes too, empty: nowhere; messages older than
    `voicemail_keep_s` are deleted (0: they stay). Who does not take `unanswered_most` offers in a row (1 or more) is
    paused for `unanswered_pause_s`. `recording`: None where talks are not recorded. `dialled`: what an agent keys in to
    hand a caller on to it; empty: nothing. `whisper`: agents hear who calls before they are joined.
    """

    name: str
    needs: Mapping[str, int] = field(default_factory=dict)
    relax: tuple[Relax, ...] = ()
    pick: Pick = Pick.LONGEST_IDLE
    ring_s: float = 20.0
    wrap_up_s: float = 30.0
    longest_wrap_up_s: float = 300.0
    target_answer: float = 0.8
    target_within_s: float = 20.0
    sites: tuple[SiteRules, ...] = ()
    longest_wait_s: float | None = None
    longest_wait_then: Goto | None = None
    full_waiting: int | None = None
    full_then: Goto | None = None
    voicemail_say: Mapping[str, str] = field(default_factory=dict)
    voicemail_keep_s: float = 0.0
    voicemail_mail: str = ""
    while_waiting: WhileWaiting = WhileWaiting()
    call_backs: CallBackRules = CallBackRules()
    recording: Recording | None = None
    head_starts: tuple[HeadStart, ...] = ()
    unanswered_most: int = 3
    unanswered_pause_s: float = 300.0
    whisper: bool = False
    dialled: str = ""

    def head_start_s(self, who: Caller) -> float:
        """The longest head start that holds; 0 where none does."""
        return max((one.by_s for one in self.head_starts if _holds(one, who)), default=0.0)

    def needs_at(self, stage: int) -> Mapping[str, int]:
        """What is needed after `stage` of the steps of `relax`."""
        return self.relax[stage - 1].needs if stage else self.needs

    def stage_at(self, first_entered_s: float, now_s: float) -> int:
        """How many steps of `relax` a wait has come to."""
        return sum(now_s >= first_entered_s + step.after_s for step in self.relax)


def _holds(one: HeadStart, who: Caller) -> bool:
    wanted = ((one.number, who.number), (one.entity, who.entity), (one.step, who.step))
    return (
        all(value in ("", is_so) for value, is_so in wanted)
        and who.caller.startswith(one.caller)
        and who.calls_today >= one.nth_call_today
        and (who.has_open_case or not one.open_case)
    )


@dataclass(frozen=True, slots=True)
class Rules:
    """All queues, by name."""

    queues: Mapping[str, QueueRules]

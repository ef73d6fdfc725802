"""What queues.yaml says: the rules of each queue."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from acd.goto import Goto


@dataclass(frozen=True, slots=True)
class QueueRules:
    """The rules of one queue.

    `needs`: skill → lowest level (1 to 5). `ring_s` 5 to 120, `wrap_up_s` 0 to 3600. Aim: `target_answer` (0 to 1) of
    all calls answered within `target_within_s`. `sites`: where its agents sit; the loader never leaves
    it empty. A call that has waited `longest_wait_s` goes to `longest_wait_then`; one that finds `full_waiting` others
    waiting goes to `full_then`; each pair is set together or not at all. `voicemail_say`: language → greeting.
    """

    name: str
    needs: Mapping[str, int] = field(default_factory=dict)
    ring_s: float = 20.0
    wrap_up_s: float = 30.0
    target_answer: float = 0.8
    target_within_s: float = 20.0
    sites: tuple[str, ...] = ()
    longest_wait_s: float | None = None
    longest_wait_then: Goto | None = None
    full_waiting: int | None = None
    full_then: Goto | None = None
    voicemail_say: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rules:
    """All queues, by name."""

    queues: Mapping[str, QueueRules]

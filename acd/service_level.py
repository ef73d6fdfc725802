"""The service level, in the four variants that people mean by the word; and what is counted for it.

`T` is the time within which the queue's target wants calls answered. The convention of 80/20 says nothing of which
variant it means, so all are shown. Asterisk's ServicelevelPerf is `OF_ANSWERED`, its ServicelevelPerf2 `ALL_IN_TIME`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Self


class Variant(StrEnum):
    ALL_IN_TIME = "(answered ≤ T + abandoned ≤ T) / (answered + abandoned)"
    OF_ANSWERED = "answered ≤ T / answered"
    OF_ALL = "answered ≤ T / (answered + abandoned)"
    WITHOUT_EARLY_ABANDONED = "answered ≤ T / (answered + abandoned > T)"


@dataclass(slots=True)
class Tally:
    """What became of calls: counters, so that a year of them takes no more room than a day.

    `came` first, or were `sent_here` by another queue; all others are ends, and `sent_on` to another queue.
    `abandoned_short` are among `abandoned`, and `in_time` among each.
    """

    came: int = 0
    sent_here: int = 0
    sent_on: int = 0
    answered: int = 0
    answered_in_time: int = 0
    abandoned: int = 0
    abandoned_in_time: int = 0
    abandoned_short: int = 0
    voicemail: int = 0
    led_away: int = 0  # back to the menu, or to the end
    waited_s: float = 0.0  # by those who were answered
    talked_s: float = 0.0

    def count_answer(self, wait_s: float, talk_s: float, *, in_time: bool) -> None:
        self.answered += 1
        self.answered_in_time += in_time
        self.waited_s += wait_s
        self.talked_s += talk_s

    def add(self, other: Self) -> None:
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    @property
    def asa_s(self) -> float | None:
        """The average speed of answer; None: nobody was answered, as in what follows."""
        return _share(self.waited_s, self.answered)

    @property
    def abandonment(self) -> float | None:
        """Of all who were answered or gave up."""
        return _share(self.abandoned, self.answered + self.abandoned)

    @property
    def abandonment_without_short(self) -> float | None:
        """The same, as if those who hung up almost at once had never called."""
        late = self.abandoned - self.abandoned_short
        return _share(late, self.answered + late)

    def service_level(self, variant: Variant) -> float | None:
        in_time, given_up = self.answered_in_time, self.abandoned
        match variant:
            case Variant.ALL_IN_TIME:
                return _share(in_time + self.abandoned_in_time, self.answered + given_up)
            case Variant.OF_ANSWERED:
                return _share(in_time, self.answered)
            case Variant.OF_ALL:
                return _share(in_time, self.answered + given_up)
            case Variant.WITHOUT_EARLY_ABANDONED:
                return _share(in_time, self.answered + given_up - self.abandoned_in_time)


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them, counted together."""
    whole = Tally()
    for tally in tallies:
        whole.add(tally)
    return whole


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None

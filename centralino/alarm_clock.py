"""An alarm clock on the event loop: it calls once, at an instant that is set anew after each thing that happens."""

import asyncio
from collections.abc import Callable

from centralino.clock import Clock


class AlarmClock:
    """Calls `due` at the instant that was set last."""

    def __init__(self, clock: Clock, due: Callable[[], None]) -> None:
        self._clock, self._due = clock, due
        self._at_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def set(self, at_s: float | None) -> None:
        """Call at `at_s`, in seconds since 1970; None: not at all."""
        now_s = self._clock.now_s()
        if self._timer:
            # What is due is left alone: put off with each of many events, it would come only after the last of them.
            if at_s is not None and (at_s == self._at_s or self._at_s <= now_s):
                return
            self.stop()
        if at_s is not None:
            self._at_s = at_s
            self._timer = asyncio.get_running_loop().call_later(max(0.0, at_s - now_s), self._rings)

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _rings(self) -> None:
        self._timer = None
        self._due()

"""The postman takes what waits in the outbox to the relay or the gateway, one message after the other.

A message is claimed before it is handed over (a claim is kept for longer than any try lasts) and marked after, again
and again until the database takes it. So none is lost, and none is sent twice unless we die between the relay's `250`
and our mark; both mails then have the same Message-ID, by which most servers show it once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from cases import outbox
from cases.outbox import Sending, Way
from centralino.database import Database, DatabaseAway

LOOK_EVERY_S = 5.0  # for what other processes put there, and what is due again
AT_ONCE_MAX = 100
TRY_WITHIN_S = 120.0
CLAIM = timedelta(minutes=10)
REST = timedelta(seconds=30)  # until another message is tried where the way was closed to one
# After the first try, the second, …: for four days, as mail servers do; then somebody has to look.
PAUSES = (*(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60)), *(24 * (timedelta(hours=4),)))

log = logging.getLogger(__name__)


class Refused(Exception):
    """This message will never be taken, and why."""


class NotNow(Exception):
    """This message is not taken now, and why."""


class Closed(NotNow):
    """No message is taken now, and why: the relay is away, or our password is wrong."""


Send = Callable[[Sending], Awaitable[None]]


class Postman:
    """For all messages of one way. `send` takes one there: raises Refused, NotNow, Closed."""

    def __init__(
        self, database: Database, way: Way, send: Send, now: Callable[[], datetime], within_s: float = TRY_WITHIN_S
    ) -> None:
        self._database, self._way, self._send, self._now, self._within_s = database, way, send, now, within_s
        self._written = asyncio.Event()
        self._closed_at: datetime | None = None
        self._is_stopped = False
        self._unmarked: Callable[[], Awaitable[None]] | None = None  # what came of the last try

    def stop(self) -> None:
        """End after the message that is on its way."""
        self._is_stopped = True
        self._written.set()

    async def run(self) -> None:
        """Until `stop`. What this process puts into the outbox is taken at once."""
        self._database.when_written.append(self._written.set)
        while not self._is_stopped:
            self._written.clear()
            try:
                await self.look()
            except DatabaseAway as away:
                log.warning("no %s can be sent: the database is away: %s", self._way, away)
            except Exception:
                log.exception("the outbox cannot be looked at")
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._written.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Try each message that is due, once. Raises DatabaseAway."""
        await self._mark()
        if self._closed_at and self._closed_at <= self._now() < self._closed_at + REST:
            return
        self._closed_at = None
        for sending in await outbox.due(self._database, self._way, self._now(), AT_ONCE_MAX):
            if self._closed_at or self._is_stopped:
                return
            if await outbox.is_claimed(self._database, sending, self._now() + CLAIM):
                self._unmarked = await self._try(sending)
                await self._mark()

    async def _mark(self) -> None:
        if self._unmarked:
            try:
                await self._unmarked()
            except DatabaseAway:
                raise  # it is marked as soon as the database is there
            except Exception:  # ours; when its claim is over it is tried again, and others go out meanwhile
                log.exception("what came of a %s cannot be noted", self._way)
            self._unmarked = None

    async def _try(self, sending: Sending) -> Callable[[], Awaitable[None]]:
        """What is to be marked."""
        try:
            async with asyncio.timeout(self._within_s):
                await self._send(sending)
        except Refused as refused:
            return self._given_up(sending, str(refused))
        except NotNow as why:
            return self._put_off(sending, why)
        except TimeoutError:
            return self._put_off(sending, Closed(f"no answer within {self._within_s:g} s"))
        except Exception as fault:
            log.exception("%s %d cannot be sent", sending.channel, sending.id)
            return self._put_off(sending, NotNow(f"a fault of ours, which the log tells: {type(fault).__name__}"))
        return partial(outbox.mark_sent, self._database, sending, self._now())

    def _put_off(self, sending: Sending, why: NotNow) -> Callable[[], Awaitable[None]]:
        if isinstance(why, Closed):
            self._closed_at = self._now()
        if sending.tries >= len(PAUSES):
            return self._given_up(sending, f"not taken in {sending.tries + 1} tries, the last time: {why}")
        log.warning("%s %d is tried again later: %s", sending.channel, sending.id, why)
        return partial(outbox.put_off, self._database, sending, self._now() + PAUSES[sending.tries], str(why))

    def _given_up(self, sending: Sending, why: str) -> Callable[[], Awaitable[None]]:
        log.error("%s %d is not sent; `centralino outbox` lists it: %s", sending.channel, sending.id, why)
        return partial(outbox.give_up, self._database, sending, self._now(), why)

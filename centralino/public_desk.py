"""What the pages for citizens ask for: what they write is taken in, and they are told how their case stands."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from cases.case_number import is_case_number
from cases.channels import Channel
from cases.deadlines import Seen
from cases.intake import Sender
from cases.proof import code_of, proves
from cases.requester import Region, Requester
from cases.standing import CitizensView, citizens_view
from centralino.settings import Configuration
from web.public import Taken
from web.public_form import Site

AT_ONCE_MAX = 4  # so that agents' pages always find a connection to the database free
WITHIN_S = 10.0
MERGED_MAX = 10
NO_CASE = "0"  # the number of none

Result = TypeVar("Result")


class Cases(Protocol):
    """See web/cases.py. Raises ConnectionError, ChangeRefused."""

    async def case(self, number: str) -> Seen | None: ...

    async def take_in(self, written: dict[str, Any]) -> Seen: ...


class PublicDesk:
    """`prove` has the engine count a proof of a case, right or not, and say whether its giver is let in (raises
    ConnectionError). `codes`: the secret that the codes of cases are of.
    """

    def __init__(
        self,
        cases: Cases,
        configuration: Callable[[], Configuration],
        prove: Callable[[str, bool], Awaitable[bool]],
        codes: str,
        now: Callable[[], datetime],
    ) -> None:
        self._cases, self._configuration, self._prove, self._codes = cases, configuration, prove, codes
        self._now = now
        self._at_once = asyncio.Semaphore(AT_ONCE_MAX)

    def site(self) -> Site | None:
        configuration = self._configuration()
        public, known = configuration.settings.public, configuration.entities
        if public is None:
            return None
        names = {id: known.entities[id].name for id in public.entities or known.entities}
        return Site(public.host, public.privacy_notice, names, known.topics)

    def secret(self) -> str:
        return self._codes

    def now_s(self) -> float:
        return self._now().timestamp()

    async def take_in(self, values: Mapping[str, str], once: str, language: str) -> Taken:
        as_written = ("entity", "topic", "subject", "words", "name", "phone", "mail")
        written: dict[str, Any] = {name: values[name] for name in as_written}
        written |= {"channel": Channel.FORM, "by": "web form", "sender": Sender.UNPROVEN}
        written |= {"once": once, "language": language}
        written["requester"] = Requester(values["requester"]) if values["requester"] else None
        written["region"] = Region(values["region"]) if values["region"] else None
        seen = await self._in_turn(self._cases.take_in(written))
        return Taken(seen.case.id, code_of(seen.case.id, self._codes))

    async def look(self, number: str, proof: str) -> CitizensView | None:
        return await self._in_turn(self._look(number, proof))

    async def _look(self, number: str, proof: str) -> CitizensView | None:
        """All that is done is done for any number, so that the time says nothing."""
        seen = await self._cases.case(number if is_case_number(number) else NO_CASE)
        case = seen.case if seen else None
        proven = case is not None and proves(proof, case.id, case.number, self._codes)
        is_let_in = await self._prove(case.id if case else "", proven)
        if seen is None or not is_let_in:
            return None
        view, zone = citizens_view(await self._merged(seen)), self._configuration().settings.time_zone
        due_at = view.due_at.astimezone(zone) if view.due_at else None
        return replace(view, since=view.since.astimezone(zone), due_at=due_at)

    async def _merged(self, seen: Seen) -> Seen:
        """The case in which it goes on."""
        for _ in range(MERGED_MAX):
            into = seen.case.merged_into
            found = await self._cases.case(into) if into else None
            if found is None:
                break
            seen = found
        return seen

    async def _in_turn(self, asking: Awaitable[Result]) -> Result:
        try:
            async with asyncio.timeout(WITHIN_S), self._at_once:
                return await asking
        except TimeoutError:
            raise ConnectionError("too many citizens ask at once") from None

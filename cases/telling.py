"""Citizens are told of the progress of their case: put into the outbox in the transaction of what they are told of."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import phonenumbers
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cases.entities import Entities
from cases.joining import JoinWhy
from cases.outbox import Outgoing, Way, put, told_lately
from cases.progress import DEFAULT, News, Progress, mail_of, sms_of
from cases.proof import code_of
from cases.store import cases_table, contacts, intakes, people
from centralino.people import cleaned

FORMS_TOLD_MAX = 5  # an hour, to one address


@dataclass(frozen=True, slots=True)
class Service:
    """A number of ours: its name, and the language of most of its callers."""

    name: str
    language: str


@dataclass(frozen=True, slots=True)
class Received:
    """A mail that is answered by itself."""

    sender: str
    message_id: str
    at: datetime


async def unknown(_connection: AsyncConnection, _call: str) -> str:
    """Nobody can say in which language a call was."""
    return ""


@dataclass(frozen=True, slots=True)
class Telling:
    """Who is told of what, as the deployment has it. `services` by number; `secret`: that of the codes of cases;
    `by_sms`: a gateway takes SMS; `spoken` gives the language of a call, empty where it is not known.
    """

    entities: Entities
    services: Mapping[str, Service] = field(default_factory=dict)
    secret: str = ""
    by_sms: bool = False
    spoken: Callable[[AsyncConnection, str], Awaitable[str]] = unknown

    async def tell(
        self, connection: AsyncConnection, case: str, progress: tuple[Progress, ...], at: datetime, words: str = ""
    ) -> None:
        """Tell the citizen of `case` the first of `progress` that is to be told; nobody where they left no address.

        `words`: those of whoever did it; they are told as an office's answer, and else not at all.
        """
        row = (await connection.execute(select(cases_table).where(cases_table.c.id == case))).one()
        told = next((one for one in progress if one in self.entities.told(row.entity, row.service)), None)
        if told is None:
            return
        news = self._news(row, told, words)
        if mail := await _mail_of(connection, case):
            await _send_mail(connection, mail, news, await self._language(connection, row), at)
        elif self.by_sms and (mobile := await _mobile_of(connection, row)):
            text = sms_of(news, await self._language(connection, row))
            await put(connection, Outgoing(channel=Way.SMS, to=mobile, subject=told, words=text, at=at, case=case))

    async def acknowledge_mail(
        self, connection: AsyncConnection, case: str, progress: Progress, mail: Received
    ) -> None:
        """Answer a mail that stands with `case` now."""
        row = (await connection.execute(select(cases_table).where(cases_table.c.id == case))).one()
        subject, words = mail_of(self._news(row, progress, ""), await self._language(connection, row))
        reply: dict[str, Any] = {"channel": Way.MAIL, "to": mail.sender, "in_reply_to": mail.message_id, "at": mail.at}
        await put(connection, Outgoing(subject=subject, words=words, case=case, **reply))

    async def acknowledge_form(self, connection: AsyncConnection, case: str, at: datetime, language: str) -> None:
        """What came by our own page is acknowledged by mail, where they left an address: a few times an hour, since
        anybody may name any; never by SMS, which costs.
        """
        row = (await connection.execute(select(cases_table).where(cases_table.c.id == case))).one()
        mail = await _mail_of(connection, case)
        if mail and await told_lately(connection, mail, at) < FORMS_TOLD_MAX:
            language = language or await self._language(connection, row)
            await _send_mail(connection, mail, self._news(row, Progress.TAKEN_IN, ""), language, at)

    def _news(self, row: Any, told: Progress, words: str) -> News:
        entity, service = self.entities.of_case(row.entity, row.service), self.services.get(row.service)
        name = entity.name if entity else service.name if service else row.service
        return News(told, row.id, code_of(row.id, self.secret), name, row.service, words)

    async def _language(self, connection: AsyncConnection, row: Any) -> str:
        """That of the call that opened the case, else of most who call its number."""
        spoken = await self.spoken(connection, row.opened_by_call) if row.opened_by_call else ""
        service = self.services.get(row.service)
        return spoken or (service.language if service else DEFAULT)


NOBODY = Telling(Entities({}))  # is told anything


def is_mobile(number: str) -> bool:
    """Whether an SMS can be sent to `number` (E.164, or whatever a carrier sent)."""
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False
    return bool(kind == phonenumbers.PhoneNumberType.MOBILE)


# --- within


async def _send_mail(connection: AsyncConnection, to: str, news: News, language: str, at: datetime) -> None:
    subject, text = mail_of(news, language)
    await put(connection, Outgoing(channel=Way.MAIL, to=to, subject=subject, words=text, at=at, case=news.case))


async def _mail_of(connection: AsyncConnection, case: str) -> str:
    """Of whoever wrote first about it: later ones may be others, an office say."""
    return await _first(connection, case, "mail")


async def _mobile_of(connection: AsyncConnection, row: Any) -> str:
    """Of whoever wrote first about it, or else called; none that was typed into an open page: an SMS costs money."""
    if row.why == JoinWhy.UNPROVEN:
        return ""
    phone = await _first(connection, row.id, "phone", intakes.c.once.is_(None))
    if not phone:
        found = await connection.execute(select(people.c.number).where(people.c.key == row.person))
        phone = found.scalar_one_or_none() or ""
    return phone if is_mobile(phone) else ""


async def _first(connection: AsyncConnection, case: str, column: str, *which: ColumnElement[bool]) -> str:
    of_case = select(intakes.c[column]).join(contacts, contacts.c.intake == intakes.c.id)
    wanted = of_case.where(contacts.c.case_id == case, intakes.c[column] != "", *which).order_by(intakes.c.id).limit(1)
    found = (await connection.execute(wanted)).scalar_one_or_none() or ""
    return cleaned(found, len(found))

"""What owners are sent by mail: messages of the voicemail, where a queue says so, and which sheets are out of date.

Each is put into the outbox once, whatever is started or projected again: the outbox knows what it has had.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path

from cases import outbox, sheets_store, voicemails
from cases.case_number import in_groups
from cases.outbox import Outgoing, Way
from cases.sheets import Sheet
from cases.voicemails import Message
from centralino.database import Database, DatabaseAway
from centralino.mails import address_in
from centralino.settings import Configuration
from recordings.files import path_of

EVERY_S = 10.0
NOT_OLDER = timedelta(days=3)  # a queue that begins to send its messages does not send those of last year

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sources:
    """The configuration in force, the instant, and the folder of the recordings."""

    configuration: Callable[[], Configuration]
    now: Callable[[], datetime]
    recordings: Path


class Mailings:
    def __init__(self, database: Database, sources: Sources) -> None:
        self._database, self._sources = database, sources
        self._known: frozenset[str] = frozenset()  # those that were put at the last look

    async def run(self) -> None:
        """Until cancelled. Waits first: after a start, the sheets that are in force come into the database."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.look()
            except DatabaseAway as away:
                log.warning("no mail to owners can be written: the database is away: %s", away)
            except Exception:
                log.exception("no mail to owners can be written")

    async def look(self) -> None:
        """Raises DatabaseAway."""
        mails = [*await self._of_messages(), *await self._of_sheets()]
        if any(mail.once not in self._known for mail in mails):
            async with self._database.writing() as connection:
                for mail in mails:
                    await outbox.put(connection, mail)
        self._known = frozenset(mail.once for mail in mails if mail.once)

    async def _of_messages(self) -> list[Outgoing]:
        configuration, now = self._sources.configuration(), self._sources.now()
        to = {name: queue.voicemail_mail for name, queue in configuration.rules.queues.items() if queue.voicemail_mail}
        if not to:
            return []
        left = await voicemails.waiting_since(self._database, now, now - NOT_OLDER)
        return [self._of_message(message, to[message.box], configuration) for message in left if message.box in to]

    def _of_message(self, message: Message, to: str, configuration: Configuration) -> Outgoing:
        number = configuration.dialplans.get(message.service)
        at = message.at.astimezone(configuration.settings.time_zone)
        subject, words = message_in_words(message, at, number.languages[0] if number else "it")
        sound = str(path_of(self._sources.recordings, message.recording))
        return Outgoing(
            channel=Way.MAIL,
            to=to,
            subject=subject,
            words=words,
            at=message.at,
            case=message.case,
            attachments=(sound,),
            once=f"message of {message.call}",
        )

    async def _of_sheets(self) -> list[Outgoing]:
        now, zone = self._sources.now(), self._sources.configuration().settings.time_zone
        found = await sheets_store.outdated(self._database, now.astimezone(zone).date())
        return list(_to_owners(found, now))


def message_in_words(message: Message, at: datetime, language: str) -> tuple[str, str]:
    """Subject and words. `at`: when it was left, as clocks there show it."""
    facts = {"box": message.box, "who": " ".join((message.number or "?", message.name)).strip()}
    facts |= {"at": f"{at:%d/%m/%Y %H:%M}", "long": f"{message.duration_s:.0f}", "case": in_groups(message.case)}
    subject, words = MESSAGE.get(language, MESSAGE["it"])
    return subject.format(**facts), words.format(**facts)


def sheets_in_words(sheets: Iterable[Sheet], valid_until: date, language: str) -> tuple[str, str]:
    """Subject and words, of sheets that were right until the same day."""
    named = "\n".join(f"- {sheet.title} ({sheet.id})" for sheet in sheets)
    subject, words = SHEETS.get(language, SHEETS["it"])
    return subject, words.format(day=f"{valid_until:%d/%m/%Y}", sheets=named)


def _to_owners(outdated: Iterable[Sheet], now: datetime) -> Iterator[Outgoing]:
    """One mail to each owner that is a mail address, of all sheets that ran out on the same day."""

    def owner_and_day(sheet: Sheet) -> tuple[str, date]:
        return address_in(sheet.owner), sheet.valid_until or date.max

    for (owner, day), group in groupby(sorted(outdated, key=owner_and_day), key=owner_and_day):
        sheets = list(group)
        if owner:
            subject, words = sheets_in_words(sheets, day, sheets[0].language)
            once = f"sheets of {owner} until {day}"
            yield Outgoing(channel=Way.MAIL, to=owner, subject=subject, words=words, at=now, once=once)


MESSAGE = {
    "it": (
        "Messaggio in segreteria per {box}",
        "Un messaggio in segreteria per {box}.\n\nDa: {who}\nQuando: {at}\nDurata: {long} s\nPratica: {case}\n\n"
        "Resta nell'elenco dei messaggi finché qualcuno non dice che è evaso.",
    ),
    "en": (
        "Voicemail for {box}",
        "A message for {box}.\n\nFrom: {who}\nWhen: {at}\nLength: {long} s\nCase: {case}\n\n"
        "It stays on the list of messages until somebody says that it is done.",
    ),
}
SHEETS = {
    "it": (
        "Schede della base di conoscenza da aggiornare",
        "Queste schede valevano fino al {day}; gli operatori le leggono con un avviso:\n\n{sheets}\n\n"
        "Chi le cura le controlli, e scriva un nuovo `valid_until`.",
    ),
    "en": (
        "Sheets of the knowledge base that are out of date",
        "These sheets were right until {day}; agents read them with a warning:\n\n{sheets}\n\n"
        "Whoever keeps them should look at them, and write another `valid_until`.",
    ),
}

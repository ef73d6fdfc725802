"""The desk for mail: each mail that comes in is put away, stands with a case, and its sender is told."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from cases import mail_intake
from cases.attachments import Filed
from cases.incoming_mails import Mail, mail_address, read_mail
from cases.mail_intake import Arrived, House
from cases.telling import Telling
from centralino.database import Database, DatabaseAway
from centralino.mail_addresses import MailAddress, MailIn
from centralino.mail_files import put_away
from centralino.settings import Configuration

REST_S = 2.0  # after the database was away, in which no mail is tried

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AroundMail:
    """What a MailDesk works with: the configuration in force, the instant, who is told what, and the STATE folder."""

    configuration: Callable[[], Configuration]
    now: Callable[[], datetime]
    telling: Callable[[Configuration], Telling]
    state: Path


@dataclass(frozen=True, slots=True)
class Envelope:
    """`sender`: the return path, empty: none. `address`: what mail to `recipient`, an address of ours, is for."""

    sender: str
    recipient: str
    address: MailAddress


class MailDesk:
    def __init__(self, database: Database, around: AroundMail) -> None:
        self._database, self._around = database, around
        self._reading, self._keeping = asyncio.Lock(), asyncio.Lock()  # one mail at a time, so memory has a bound
        self._away_until_s = 0.0

    @property
    def mail_in(self) -> MailIn:
        """As it is configured now."""
        return self._around.configuration().settings.mail_in

    @property
    def host(self) -> str:
        """As what we greet: where our mail comes from."""
        return self._around.configuration().settings.mail.sender.domain

    async def accept(self, came_in: Path, envelope: Envelope) -> None:
        """Once this returns, the mail in the file `came_in` is on record, once, whatever happens then. Where it raises
        DatabaseAway or OSError, whoever brings it is to bring it again.
        """
        try:
            await self._accept(came_in, envelope)
        except DatabaseAway:
            now_s = asyncio.get_running_loop().time()
            if now_s >= self._away_until_s:
                self._away_until_s = now_s + REST_S
            raise

    async def _accept(self, came_in: Path, envelope: Envelope) -> None:
        async with self._reading:
            self._look_whether_it_rests()
            mail = await asyncio.to_thread(lambda: read_mail(came_in.read_bytes()))
            id = sha256(f"{envelope.recipient}\n{mail.fingerprint}".encode()).hexdigest()
            if await mail_intake.is_kept(self._database, id):
                await self._database.sync()
                log.info("a mail came again: it is on record already", extra={"mail": id[:12]})
                return
            whole, files = await asyncio.to_thread(put_away, self._around.state, id, came_in, mail.attachments)
        arrived = self._arrived(id, mail, envelope, (whole, files))
        async with self._keeping:
            self._look_whether_it_rests()
            taken = await mail_intake.take_in(self._database, arrived, self._house())
            await self._database.sync()
        if taken:
            facts = {"mail": id[:12], "case": taken.case, "why": taken.why, "told": taken.told}
            log.info("a mail came in", extra=facts)

    def _look_whether_it_rests(self) -> None:
        """why: each would wait for the database in turn, and whoever brings mail would be tired of waiting."""
        if asyncio.get_running_loop().time() < self._away_until_s:
            raise DatabaseAway("it was away a moment ago")

    def _arrived(self, id: str, mail: Mail, envelope: Envelope, filed: tuple[Filed, tuple[Filed, ...]]) -> Arrived:
        whole, files = filed
        number = envelope.address.number
        entity = self._around.configuration().entities.of_case(envelope.address.entity, number)
        return Arrived(
            id=id,
            mail=mail,
            envelope=mail_address(envelope.sender) or envelope.sender,
            recipient=envelope.recipient,
            service=number,
            entity=entity.id if entity else "",
            files=files,
            whole=whole,
            at=self._around.now(),
        )

    def _house(self) -> House:
        configuration = self._around.configuration()
        settings, entities = configuration.settings, configuration.entities
        ours = {*settings.mail_in.addresses, settings.mail.sender.addr_spec.lower()}
        return House(self._around.telling(configuration), frozenset(ours), entities.reopening_s)

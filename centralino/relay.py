"""Mail, on its way out: through the relay of the deployment, or, where it has none, into files in STATE/mail/."""

import asyncio
import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib

from cases.outbox import Sending
from centralino.instance import MissingSecret
from centralino.mail_settings import Mail, Tls
from centralino.mails import NoAddress, composed, envelope_sender, read_files
from centralino.people import cleaned
from centralino.postman import Closed, NotNow, Refused
from recordings.sealed import Keys

STEP_WITHIN_S = 30.0  # a relay's answer to one command
GOODBYE_WITHIN_S = 2.0
COME_BACK_LATER = 421
SAID_MAX = 500


def path_of_kept(folder: Path, id: int) -> Path:
    """Where this message of the outbox stands as a file."""
    return folder / f"{id:06d}.eml"


@dataclass(frozen=True, slots=True)
class MailWay:
    """`mail` gives what is configured now, `password` the secret of that name (raises MissingSecret); `folder`: for the
    files where there is no relay; `keys` open recordings.
    """

    mail: Callable[[], Mail]
    password: Callable[[str], str]
    folder: Path
    keys: Callable[[], Keys]

    async def send(self, sending: Sending) -> None:
        """Raises Refused, NotNow, Closed."""
        mail = self.mail()
        try:
            files = await asyncio.to_thread(read_files, sending.attachments, self.keys)
            message = composed(sending, mail.sender, files)
        except NoAddress as wrong:
            raise Refused(str(wrong)) from wrong
        if not mail.relay_host:
            await asyncio.to_thread(self._keep, sending, message)
            return
        await self._hand_over(mail, envelope_sender(sending, mail.sender), message)

    def _keep(self, sending: Sending, message: EmailMessage) -> None:
        """As a whole or not at all; once, however often it is tried."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = self.folder / f".{sending.id}.new"
            new.unlink(missing_ok=True)
            new.touch(mode=0o600)
            new.write_bytes(message.as_bytes())
            os.replace(new, path_of_kept(self.folder, sending.id))
        except OSError as error:
            raise Closed(f"no mail can be kept in {self.folder}: {error.strerror}") from error

    async def _hand_over(self, mail: Mail, envelope: str, message: EmailMessage) -> None:
        try:
            password = await asyncio.to_thread(self.password, mail.secret) if mail.user else None
        except MissingSecret as missing:
            raise Closed(str(missing)) from missing
        client = aiosmtplib.SMTP(
            hostname=mail.relay_host,
            port=mail.relay_port,
            local_hostname=mail.sender.domain,  # else a look-up would hold up the desk
            username=mail.user or None,
            password=password,
            use_tls=mail.tls is Tls.FROM_THE_START,
            start_tls=mail.tls is Tls.STARTTLS,
            tls_context=ssl.create_default_context() if mail.tls is not Tls.NONE else None,
            timeout=STEP_WITHIN_S,
        )
        try:
            await client.connect()
            await client.send_message(message, sender=envelope)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _about_this_mail(refused.recipients[0]) from refused
        except aiosmtplib.SMTPDataError as refused:
            raise _about_this_mail(refused) from refused
        except aiosmtplib.SMTPSenderRefused as refused:
            raise NotNow(f"the relay takes nothing from us: {_said(refused)}") from refused
        except aiosmtplib.SMTPResponseException as odd:
            raise Closed(f"the relay says: {_said(odd)}") from odd
        except (aiosmtplib.SMTPException, OSError) as away:
            raise Closed(f"the relay {mail.relay_host} cannot be used: {away or type(away).__name__}") from away
        else:  # it has the mail: what it does from now on changes nothing
            with suppress(aiosmtplib.SMTPException, OSError):
                async with asyncio.timeout(GOODBYE_WITHIN_S):
                    await client.quit()
        finally:
            client.close()


def _about_this_mail(refused: aiosmtplib.SMTPResponseException) -> Exception:
    said = f"the relay says: {_said(refused)}"
    if refused.code == COME_BACK_LATER:
        return Closed(said)
    return Refused(said) if refused.code >= 500 else NotNow(said)


def _said(answer: aiosmtplib.SMTPResponseException) -> str:
    return cleaned(f"{answer.code} {' '.join(answer.message.split())}", SAID_MAX)

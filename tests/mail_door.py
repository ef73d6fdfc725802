"""The real SMTP server in a process of its own, on a database of the test's choice, and mails to bring to it."""

import asyncio
import json
import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

WITHIN_S = 30.0
TRIBUTI, CONTATTI = "tributi@comune.example", "contatti@comune.example"
ANA = "ana@example.org"
SHIPPED = Path(__file__).parents[1]

PROGRAM = """
import asyncio, json, sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from centralino import desk, shown
from centralino.case_desk import telling_of
from centralino.database import open_database
from centralino.mail_desk import AroundMail, MailDesk
from centralino.settings import load
state, deployment, url, tweaks = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
shown.log_to_file(state / "log" / "desk.log")
configuration = load(deployment)
listener = desk.listen_at("127.0.0.1", 0)
port = listener.getsockname()[1]
desk.listen_at = lambda host, port: listener
async def work(stop):
    from centralino import mail_intake
    for name, value in tweaks.items():
        setattr(mail_intake, name, value)
    for name in ("timeout", "MAX_LENGTH"):
        if name in tweaks:
            setattr(mail_intake.Connection, name, tweaks[name])
    database = open_database(url)
    around = AroundMail(lambda: configuration, lambda: datetime.now(UTC), partial(telling_of, case_codes="s"), state)
    async with desk.mail_beside(desk.Place(state, deployment, mail=("127.0.0.1", port)), MailDesk(database, around)):
        print(port, flush=True)
        await stop.wait()
    await database.close()
sys.exit(desk.on_reactor(work))
"""


@dataclass
class MailDoor:
    """The server, from outside."""

    state: Path
    port: int
    process: "subprocess.Popen[str]"

    def connected(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.port, timeout=WITHIN_S)

    def bring_now(self, raw: bytes, sender: str = ANA, to: str = TRIBUTI) -> int:
        """The code of the answer to the whole mail, or to what was refused before."""
        with self.connected() as smtp:
            try:
                smtp.sendmail(sender, [to], raw)
            except smtplib.SMTPRecipientsRefused as refused:
                return next(iter(refused.recipients.values()))[0]
            except smtplib.SMTPResponseException as refused:
                return refused.smtp_code
        return 250

    async def bring(self, mail: bytes | EmailMessage, sender: str = ANA, to: str = TRIBUTI) -> int:
        raw = mail if isinstance(mail, bytes) else mail.as_bytes(policy=SMTP)
        return await asyncio.to_thread(self.bring_now, raw, sender, to)

    def log(self) -> str:
        return (self.state / "log" / "desk.log").read_text()

    def kept_mails(self) -> list[Path]:
        return sorted((self.state / "mail" / "in").rglob("*.eml"))

    def unfinished(self) -> list[Path]:
        return sorted(self.state.rglob(".new-*"))


@asynccontextmanager
async def open_door(state: Path, url: str, deployment: Path = SHIPPED, **tweaks: Any) -> AsyncIterator[MailDoor]:
    words = [sys.executable, "-c", PROGRAM, str(state), str(deployment), url, json.dumps(tweaks)]
    process = subprocess.Popen(  # noqa: ASYNC220  # it begins at once
        words, stdout=subprocess.PIPE, text=True, cwd=SHIPPED, env=dict(os.environ)
    )
    try:
        assert process.stdout
        said = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), WITHIN_S)
        assert said, "the server ended"
        yield MailDoor(state, int(said), process)
        if process.poll() is None:  # else the test has killed it
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, WITHIN_S) == 0
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def mail(
    words: str = "La TARI è troppo cara.", subject: str = "TARI", sender: str = ANA, **headers: str
) -> EmailMessage:
    """One from Ana. `Message_ID="…"` and the like are headers; an empty one is left out."""
    made = EmailMessage()
    said = {
        "From": f"Ana Rossi <{sender}>",
        "To": TRIBUTI,
        "Subject": subject,
        "Message-ID": f"<{os.urandom(8).hex()}@x>",
    }
    for name, value in {**said, **{name.replace("_", "-"): value for name, value in headers.items()}}.items():
        if value:
            made[name] = value
    made.set_content(words)
    return made

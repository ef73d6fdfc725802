"""The SMTP server at its limits: who may bring what, how large, how slowly, and what is no SMTP at all.

On SQLite alone: which database it is makes no difference here.
"""

import asyncio
import smtplib
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import psutil
import pytest

from cases.attachments import attachments_of
from cases.store import cases
from centralino.database import database_url
from tests.mail_door import ANA, SHIPPED, TRIBUTI, WITHIN_S, MailDoor, mail, open_door
from tests.ports import MOVED_BY
from tests.records import House


@pytest.fixture
def url(tmp_path: Path) -> str:
    return database_url("sqlite", tmp_path)


@pytest.fixture
async def door(house: House, url: str, tmp_path: Path) -> AsyncIterator[MailDoor]:
    await house.projected()
    async with open_door(tmp_path, url) as opened:
        yield opened


async def test_nobody_relays_through_us(house: House, door: MailDoor) -> None:
    for to in ("eve@example.org", "tributi@comune.example.org", "postmaster", '"tributi@comune.example"@example.org'):
        assert await door.bring(mail(), to=to) in (550, 553, 501), to
    assert await door.bring(mail(), to="Tributi@COMUNE.example") == 250


async def test_fifty_megabytes_are_refused_while_they_come_and_fill_no_memory(house: House, door: MailDoor) -> None:
    server = psutil.Process(door.process.pid)
    assert await door.bring(mail()) == 250
    before = server.memory_info().rss
    with door.connected() as smtp:
        smtp.ehlo()
        assert smtp.esmtp_features["size"] == "25000000"
        assert smtp.docmd("MAIL", "FROM:<ana@example.org> SIZE=50000000")[0] == 552
        assert smtp.mail(ANA)[0] == 250
        assert smtp.rcpt(TRIBUTI)[0] == 250
        code, _ = await asyncio.to_thread(smtp.data, b"Subject: large\r\n\r\n" + (b"x" * 998 + b"\r\n") * 50_000)
        assert code == 552
        smtp.mail(ANA)
        smtp.rcpt(TRIBUTI)
        code, _ = await asyncio.to_thread(smtp.data, b"Subject: one line\r\n\r\n" + b"x" * 50_000_000)
        assert code == 552
        assert server.memory_info().rss - before < 10_000_000
        smtp.sendmail(ANA, [TRIBUTI], mail("Small.", "Small").as_bytes())
    assert len(await cases(house.database)) == 2
    assert not door.unfinished()


async def test_a_line_of_a_megabyte_with_dots_wherever_it_is_cut_is_kept_as_it_came(
    house: House, door: MailDoor
) -> None:
    raw = b"Subject: dots\r\n\r\n" + b"." * 1_000_000 + b"\r\n.\r\n..\r\nend\r\n"
    assert await door.bring(raw) == 250
    [file] = door.kept_mails()
    assert file.read_bytes() == raw


async def test_a_mail_of_nearly_the_largest_size_is_kept_whole(house: House, door: MailDoor) -> None:
    large = mail()
    content = bytes(range(256)) * 70_000
    large.add_attachment(content, maintype="application", subtype="zip", filename="large.zip")
    assert await door.bring(large) == 250
    found, _whole = await attachments_of(house.database, (await cases(house.database))[0].id)
    assert (found.name, found.size_bytes) == ("large.zip", len(content))
    assert (door.state / found.file).read_bytes() == content


def make_mistakes(smtp: smtplib.SMTP, times: int) -> None:
    for _ in range(times):
        smtp.docmd("NONSENSE")


async def test_many_recipients_and_many_mistakes_end_a_connection(house: House, door: MailDoor) -> None:
    with door.connected() as smtp:
        smtp.ehlo()
        smtp.mail(ANA)
        assert [smtp.rcpt(TRIBUTI)[0] for _ in range(21)] == [*20 * [250], 452]
        with pytest.raises(smtplib.SMTPServerDisconnected):
            make_mistakes(smtp, 30)


async def test_what_is_no_smtp_is_ended_without_a_traceback(house: House, door: MailDoor) -> None:
    for said in (b"\xff\xfe\x00" * 1000, b"AUTH\r\n" * 3, b"x" * 2_000_000, b"MAIL FROM:<\xe0@b>\r\n"):
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", door.port), 10) as line,
        ):  # it may be cut off first
            line.sendall(said + b"\r\n")
            line.shutdown(socket.SHUT_WR)
            while await asyncio.to_thread(line.recv, 65536):
                pass
    assert await door.bring(mail()) == 250
    assert "Traceback" not in door.log()


async def test_a_mail_that_breaks_off_is_not_kept(house: House, door: MailDoor) -> None:
    smtp = door.connected()
    smtp.ehlo()
    smtp.mail(ANA)
    smtp.rcpt(TRIBUTI)
    assert smtp.docmd("DATA")[0] == 354
    smtp.send(b"Subject: half\r\n\r\nHalf a ma")
    smtp.close()
    assert await door.bring(mail()) == 250
    assert len(await cases(house.database)) == 1
    assert not door.unfinished()


async def test_who_says_nothing_and_who_is_one_too_many_is_told(house: House, url: str, tmp_path: Path) -> None:
    await house.projected()
    async with open_door(tmp_path, url, timeout=1.0, CONNECTIONS_MAX=2) as door:
        first, second = door.connected(), door.connected()
        with pytest.raises(smtplib.SMTPConnectError) as full:
            door.connected()
        assert full.value.smtp_code == 421
        assert (await asyncio.to_thread(first.getreply))[0] == 421
        for one in (first, second):
            one.close()


async def test_whoever_kills_the_server_loses_no_mail_and_none_is_there_twice(
    house: House, url: str, tmp_path: Path
) -> None:
    await house.projected()
    mails = [mail(f"Number {n}.", f"{n}", f"citizen{n}@example.org") for n in range(40)]
    taken: list[int] = []

    async def bring(door: MailDoor, n: int) -> None:
        with suppress(OSError, smtplib.SMTPException):
            assert await door.bring(mails[n]) == 250
            taken.append(n)
            if len(taken) == 15:
                door.process.kill()

    async with open_door(tmp_path, url) as door:
        await asyncio.gather(*(bring(door, n) for n in range(40)))
    assert 15 <= len(taken) < 40
    there = {case.title for case in await cases(house.database, 100)}
    assert {str(n) for n in taken} <= there, "250 was true"
    async with open_door(tmp_path, url) as door:
        assert not door.unfinished()
        for one in mails:
            assert await door.bring(one) == 250
    assert sorted(case.title or "" for case in await cases(house.database, 100)) == sorted(str(n) for n in range(40))


async def test_the_whole_desk_takes_a_mail_in_and_writes_the_answer(house: House, tmp_path: Path) -> None:
    await house.projected()
    words = ("desk", "--config", str(SHIPPED), "--state", str(tmp_path), "--port-offset", str(MOVED_BY))
    desk = await asyncio.create_subprocess_exec(sys.executable, "-m", "centralino", *words, cwd=SHIPPED)
    try:
        async with asyncio.timeout(WITHIN_S):
            assert await taken_by(2525 + MOVED_BY, mail("La lampada è rotta.", "Lampada").as_bytes()) == 250
            answer = message_from_bytes(await answered(tmp_path / "mail"), policy=SMTP)
        case = (await cases(house.database))[0]
        assert answer["Subject"] == f"[#{case.id}] Abbiamo ricevuto la sua richiesta"
        assert (answer["To"], answer["From"]) == (ANA, "Contatti <contatti@comune.example>")
    finally:
        desk.terminate()
        assert await asyncio.wait_for(desk.wait(), WITHIN_S) == 0


async def answered(folder: Path) -> bytes:
    """The first mail that went out, once it did."""
    while True:
        for out in folder.glob("*.eml"):
            return out.read_bytes()
        await asyncio.sleep(0.05)


async def taken_by(port: int, raw: bytes) -> int:
    """The code, once somebody listens there."""
    while True:
        try:
            with await asyncio.to_thread(smtplib.SMTP, "127.0.0.1", port, timeout=WITHIN_S) as smtp:
                return 250 if not await asyncio.to_thread(smtp.sendmail, ANA, [TRIBUTI], raw) else 0
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)

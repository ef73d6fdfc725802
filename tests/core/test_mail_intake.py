"""Mails by real SMTP: each is on record once, with its case; nothing hostile stops us, and no two machines loop."""

import asyncio
import re
from collections.abc import AsyncIterator
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cases import mail_intake
from cases.attachments import attachments_of
from cases.history import Work, histories, work_on
from cases.intake import kept
from cases.joining import JoinWhy
from cases.mail_rules import ACKNOWLEDGED_PER_HOUR_MAX
from cases.outbox import Sending, waiting
from cases.proof import code_of
from cases.state import Act, Role, Worker
from cases.store import Case, cases
from centralino.clock import as_utc
from centralino.database import Database
from centralino.mails import composed, envelope_sender
from centralino.meanings import Mail as MailSettings
from tests.mail_door import ANA, CONTATTI, TRIBUTI, MailDoor, mail, open_door
from tests.records import House

BOSS = Worker("capo", Role.SUPERVISOR)
US = MailSettings().sender


@pytest.fixture
async def door(house: House, url: str, tmp_path: Path) -> AsyncIterator[MailDoor]:
    await house.projected()
    async with open_door(tmp_path, url) as opened:
        yield opened


async def only_case(house: House) -> Case:
    [case] = await cases(house.database)
    return case


async def by_why(house: House) -> dict[str, int]:
    found: dict[str, int] = {}
    for case in await cases(house.database, 500):
        found[case.why] = found.get(case.why, 0) + 1
    return found


async def told(house: House) -> tuple[Sending, ...]:
    return await waiting(house.database)


async def records(house: House) -> list[Any]:
    async with house.database.reading() as connection:
        return list((await connection.execute(select(mail_intake.mails).order_by(mail_intake.mails.c.at))).all())


async def test_a_mail_opens_a_case_and_its_sender_is_told_number_and_code(house: House, door: MailDoor) -> None:
    assert await door.bring(mail(Message_ID="<1@example.org>")) == 250
    case = await only_case(house)
    assert (case.title, case.number, case.name, case.why) == ("TARI", ANA, "Ana Rossi", JoinWhy.NO_CASE_NAMED)
    assert (case.entity, case.service, case.state, [c.kind for c in case.contacts]) == (
        "comune-firenze",
        "055055",
        "open",
        ["mail"],
    )
    [wrote] = await kept(house.database, case.id)
    assert (wrote.words.strip(), wrote.mail, wrote.by) == ("La TARI è troppo cara.", ANA, "mail")
    [answer] = await told(house)
    out = composed(answer, US)
    assert (out["To"], out["In-Reply-To"], out["Auto-Submitted"]) == (ANA, "<1@example.org>", "auto-replied")
    assert envelope_sender(answer, US) == ""
    assert out["Subject"].startswith(f"[#{case.id}] Abbiamo ricevuto")
    assert code_of(case.id, "s") in out.get_content()
    assert "troppo cara" not in out.get_content(), "we send nobody's words on"


async def test_the_mail_itself_is_kept_as_it_came_for_its_owner_alone(house: House, door: MailDoor) -> None:
    raw = mail().as_bytes(policy=SMTP)
    assert await door.bring(raw) == 250
    [file] = door.kept_mails()
    assert file.read_bytes() == raw
    assert file.stat().st_mode & 0o777 == 0o600
    assert not door.unfinished()
    [whole] = await attachments_of(house.database, (await only_case(house)).id)
    assert (whole.name, door.state / whole.file, whole.size_bytes) == ("mail.eml", file, len(raw))


async def test_the_same_mail_brought_again_is_answered_250_and_kept_once(house: House, door: MailDoor) -> None:
    once = mail()
    assert [await door.bring(once) for _ in range(3)] == [250, 250, 250]
    again = once.as_bytes(policy=SMTP)
    assert await door.bring(b"Received: by another server\r\n" + again) == 250
    assert len((await only_case(house)).contacts) == len(await told(house)) == 1
    other = mail("Another matter.", Message_ID=once["Message-ID"])
    assert await door.bring(other) == 250
    assert len(await cases(house.database)) == 2, "a Message-ID that is used twice loses nothing"
    assert await door.bring(once, to=CONTATTI) == 250
    assert len(await cases(house.database)) == 3, "each of our addresses has its own"


async def test_an_answer_joins_the_case_by_its_number_or_its_thread(house: House, door: MailDoor) -> None:
    assert await door.bring(mail()) == 250
    case = await only_case(house)
    [answer] = await told(house)
    ours = composed(answer, US)
    by_number = mail("More.", f"R: [#{case.id}] TARI")
    in_groups = mail("More.", f"Pratica {case.id[:4]} {case.id[4:]}")
    by_thread = mail("More.", "TARI", In_Reply_To=ours["Message-ID"])
    by_references = mail("More.", "TARI", References=f"<a@b> {ours['Message-ID']} <c@d>")
    capitals = mail("More.", f"[#{case.id}]", sender="ANA@Example.ORG")
    for one in (by_number, in_groups, by_thread, by_references, capitals):
        assert await door.bring(one) == 250
    assert len((await only_case(house)).contacts) == 6
    assert [row.why for row in await records(house)][1:] == [
        *2 * [JoinWhy.BY_NUMBER],
        *2 * [JoinWhy.BY_THREAD],
        JoinWhy.BY_NUMBER,
    ]
    assert len(await told(house)) == 1, "told of this case a moment ago"


async def test_two_mails_of_one_address_are_two_matters(house: House, door: MailDoor) -> None:
    assert await door.bring(mail()) == await door.bring(mail("The lamp is broken.", "Lamp")) == 250
    assert len(await cases(house.database)) == 2


async def test_a_case_number_of_somebody_else_opens_a_new_case_and_tells_the_other_nothing(
    house: House, door: MailDoor
) -> None:
    assert await door.bring(mail()) == 250
    anas = await only_case(house)
    [answer] = await told(house)
    thread = composed(answer, US)["Message-ID"]
    before = await histories(house.database, [anas.id])
    assert await door.bring(mail("Tell me all.", f"[#{anas.id}]", sender="eve@example.org"), "eve@example.org") == 250
    assert await door.bring(mail("Me too.", sender="eve@example.org", In_Reply_To=thread), "eve@example.org") == 250
    assert await by_why(house) == {JoinWhy.NO_CASE_NAMED: 1, JoinWhy.NOT_THEIRS: 2}
    there = {case.id: case for case in await cases(house.database)}
    assert len(there.pop(anas.id).contacts) == 1
    assert await histories(house.database, [anas.id]) == before
    for new in there:
        [note] = (await histories(house.database, [new]))[new]
        assert f"{anas.id[:4]} {anas.id[4:]}" in note.words
    for one in await told(house):
        if one.to == "eve@example.org":
            assert anas.id not in f"{one.subject} {one.words}"
            assert code_of(anas.id, "s") not in one.words


async def test_digits_that_are_no_case_number_name_no_case(house: House, door: MailDoor) -> None:
    assert await door.bring(mail(subject="Fattura 12345678 del 2026, tel. 3331234567")) == 250
    assert (await only_case(house)).why == JoinWhy.NO_CASE_NAMED
    assert not (await histories(house.database, [(await only_case(house)).id]))[(await only_case(house)).id]


async def test_an_answer_to_a_closed_case_opens_a_new_one_that_says_so(house: House, door: MailDoor) -> None:
    assert await door.bring(mail()) == 250
    case = await only_case(house)
    await work_on(house.database, Work(case.id, Act.CLOSE, BOSS, as_utc(house.clock.now_s()), "Paid."), ())
    assert await door.bring(mail("And now?", f"[#{case.id}]")) == 250
    [new] = [one for one in await cases(house.database) if one.id != case.id]
    assert new.why == JoinWhy.CLOSED_BEFORE
    [note] = (await histories(house.database, [new.id]))[new.id]
    assert case.id[4:] in note.words


async def test_an_answer_to_a_merged_case_joins_the_one_that_stays(house: House, door: MailDoor) -> None:
    for subject in ("One", "Two"):
        assert await door.bring(mail(subject=subject)) == 250
    two, one = await cases(house.database)
    await work_on(house.database, Work(one.id, Act.MERGE, BOSS, as_utc(house.clock.now_s()), into=two.id), ())
    assert await door.bring(mail("More.", f"[#{one.id}]")) == 250
    found = {case.id: len(case.contacts) for case in await cases(house.database)}
    assert found == {one.id: 0, two.id: 3}


BY_MACHINES = (
    ({"Auto_Submitted": "auto-replied"}, ANA),
    ({"Auto_Submitted": "auto-generated (vacation)"}, ANA),
    ({"Precedence": "bulk"}, ANA),
    ({"List_Id": "<news.example.org>"}, ANA),
    ({"X_Auto_Response_Suppress": "All"}, ANA),
    ({}, ""),
    ({"From": TRIBUTI}, ANA),
    ({"From": "noreply@example.org"}, ANA),
    ({"From": "MAILER-DAEMON@example.org"}, ANA),
)


async def test_no_machine_no_list_and_none_of_us_is_answered_but_each_mail_is_kept(
    house: House, door: MailDoor
) -> None:
    for headers, sender in BY_MACHINES:
        assert await door.bring(mail(**headers), sender) == 250
        assert not await told(house), headers
    assert len(await cases(house.database)) == len(BY_MACHINES)


async def test_a_person_who_says_that_no_machine_wrote_it_is_answered(house: House, door: MailDoor) -> None:
    assert await door.bring(mail(Auto_Submitted="no")) == 250
    assert len(await told(house)) == 1


@pytest.mark.parametrize("is_honest", [True, False])
async def test_an_auto_responder_ends_after_one_answer(house: House, door: MailDoor, is_honest: bool) -> None:
    assert await door.bring(mail()) == 250
    for _ in range(5):
        *_, answer = await told(house)
        ours = composed(answer, US)
        reply = mail("I am on holiday.", f"Re: {ours['Subject']}", In_Reply_To=ours["Message-ID"])
        if is_honest:
            reply["Auto-Submitted"] = "auto-replied"
        assert await door.bring(reply, "" if is_honest else ANA) == 250
    assert len(await told(house)) == 1
    assert len((await only_case(house)).contacts) == 6, "all is kept, with the one case"


async def test_one_address_is_answered_so_often_an_hour(house: House, door: MailDoor) -> None:
    for n in range(ACKNOWLEDGED_PER_HOUR_MAX + 3):
        assert await door.bring(mail(subject=f"{n}")) == 250
    assert len(await told(house)) == ACKNOWLEDGED_PER_HOUR_MAX
    assert len(await cases(house.database)) == ACKNOWLEDGED_PER_HOUR_MAX + 3


def bounce(about: str) -> bytes:
    return (
        "From: Mail Delivery System <MAILER-DAEMON@mx.example.org>\r\nTo: centralino@localhost\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
        "Final-Recipient: rfc822; ana@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 no such user\r\n\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\n"
        f"From: centralino@localhost\r\nMessage-ID: {about}\r\n\r\nHello\r\n--b--\r\n"
    ).encode()


async def test_a_bounce_of_our_mail_stands_in_the_history_of_its_case(house: House, door: MailDoor) -> None:
    assert await door.bring(mail()) == 250
    case = await only_case(house)
    [answer] = await told(house)
    ours = composed(answer, US)["Message-ID"]
    assert await door.bring(bounce(ours), "") == 250
    assert await door.bring(bounce(ours), "") == 250
    assert len((await only_case(house)).contacts) == 1
    [event] = (await histories(house.database, [case.id]))[case.id]
    assert event.act == "mail server reports"
    assert "5.1.1" in event.words
    assert "550 no such user" in event.words
    assert len(await told(house)) == 1
    assert len(door.kept_mails()) == 2


async def test_a_bounce_that_cannot_be_traced_is_a_case_of_its_own_and_is_not_answered(
    house: House, door: MailDoor
) -> None:
    assert await door.bring(mail()) == 250
    case = await only_case(house)
    guessed = f"<case.{case.id}.1.20200101000000@localhost>"
    for about in ("<somebody@elses>", guessed):
        assert await door.bring(bounce(about), "") == 250
    assert len(await cases(house.database)) == 3
    assert not (await histories(house.database, [case.id]))[case.id]
    assert len(await told(house)) == 1


# --- odd mails


def flat(parts: int) -> bytes:
    part = b"--b\r\nContent-Type: application/octet-stream\r\n\r\nx\r\n"
    return head('multipart/mixed; boundary="b"') + parts * part + b"--b--\r\n"


def nested(depth: int) -> bytes:
    part = b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n'
    return head("")[:-2] + b"".join(part % (n, n) for n in range(depth)) + b"\r\nDeep.\r\n"


def head(content_type: str, more: bytes = b"") -> bytes:
    kind = f"Content-Type: {content_type}\r\n".encode() if content_type else b""
    return b"From: ana@example.org\r\nSubject: Odd\r\nMIME-Version: 1.0\r\n" + kind + more + b"\r\n"


ODD = (
    flat(10_000),
    nested(1_000),
    nested(30_000),
    head("text/plain") + b"\0" * 10_000,
    head("text/plain") + b"x" * 100_000,
    head("text/html") + b"<div>" * 200_000,
    head("text/plain; charset=klingon") + bytes(range(128, 256)),
    head("text/plain; charset=utf-7") + b"+AAA" * 1_000,
    head("text/plain; charset=idna") + b"xn--" * 10_000,
    head("message/rfc822") + head("message/rfc822") * 2_000,
    head("multipart/mixed"),
    head('multipart/mixed; boundary=""') + b"--\r\n",
    b"From: " + b"(" * 50_000 + b"\r\nSubject: " + b"=?utf-8?q?a?= " * 50_000 + b"\r\n\r\nhello",
    b"\r\n",
    b"no header at all",
    b".\r\n..\r\n",
    bytes(byte for byte in range(256) if byte not in b"\r\n.") * 100,
)


async def test_no_mail_stops_us_and_each_is_kept(house: House, door: MailDoor) -> None:
    for n, raw in enumerate(ODD, 1):
        assert await door.bring(raw) == 250, raw[-40:]
        assert len(await cases(house.database)) == len(door.kept_mails()) == n
    assert await door.bring(mail("And then?", "Then")) == 250
    assert "Traceback" not in door.log()


async def test_lines_of_a_header_in_a_subject_or_a_name_inject_nothing(house: House, door: MailDoor) -> None:
    evil = "=?utf-8?q?x=0D=0ABcc=3A_eve=40example=2Eorg=0D=0A=0D=0Aboo?="
    raw = f"From: {evil} <ana@example.org>\r\nSubject: {evil}\r\nMessage-ID: <a\tb@c>\r\n\r\nHello\r\n".encode()
    assert await door.bring(raw) == 250
    case = await only_case(house)
    assert not re.search("[\r\n]", f"{case.title}{case.name}")
    [answer] = await told(house)
    out = composed(answer, US)
    assert (out["To"], out["Bcc"]) == (ANA, None)


# --- the database goes away


async def test_while_the_database_is_away_a_mail_is_put_off_and_then_kept_once(
    house: House, door: MailDoor, request: pytest.FixtureRequest
) -> None:
    once = mail()
    async with away(house.database, request):
        assert await door.bring(once) == 451
    assert not door.unfinished()
    await until_back(door, once)
    assert len((await only_case(house)).contacts) == 1
    assert len(door.kept_mails()) == 1


async def test_of_200_mails_on_20_connections_each_is_on_record_once_though_the_database_goes_away(
    house: House, door: MailDoor, request: pytest.FixtureRequest
) -> None:
    mails = [mail(f"Number {n}.", f"{n}", f"citizen{n}@example.org") for n in range(200)]
    tried = 0
    gone, put_off = asyncio.Event(), asyncio.Event()

    async def one_connection(mine: list[Any]) -> None:
        nonlocal tried
        for one in mine:
            for _ in range(50):
                tried += 1
                if tried == 60:
                    gone.set()
                if await door.bring(one, one["From"].addresses[0].addr_spec) == 250:
                    break
                put_off.set()
                await asyncio.sleep(0.2)
            else:
                raise AssertionError("never taken")

    async def goes_away() -> None:
        await gone.wait()
        async with away(house.database, request):
            await put_off.wait()

    await asyncio.gather(goes_away(), *(one_connection(mails[n::20]) for n in range(20)))
    assert tried > 200, "some were put off"
    titles = sorted(case.title or "" for case in await cases(house.database, 500))
    assert titles == sorted(str(n) for n in range(200))
    assert len(await told(house)) == len(await records(house)) == 200
    assert not door.unfinished()


def away(database: Database, request: pytest.FixtureRequest) -> Any:
    kind = "sqlite" if database.file else "postgresql"
    return locked(database) if kind == "sqlite" else stopped(request.getfixturevalue("postgres"))


class locked:
    """SQLite, while somebody else writes for long."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __aenter__(self) -> None:
        import sqlite3

        assert self._database.file
        self._line = sqlite3.connect(self._database.file, isolation_level=None, timeout=10)
        self._line.execute("BEGIN EXCLUSIVE")

    async def __aexit__(self, *_: object) -> None:
        self._line.execute("ROLLBACK")
        self._line.close()


class stopped:
    """PostgreSQL, as a machine that dies, and comes back."""

    def __init__(self, server: Any) -> None:
        self._server = server

    async def __aenter__(self) -> None:
        await asyncio.to_thread(self._server.stop)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._server.start)


async def until_back(door: MailDoor, once: Any) -> None:
    for _ in range(50):
        if await door.bring(once) == 250:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the database never came back")

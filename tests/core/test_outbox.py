"""What is put into the outbox is sent once, or it is known why not: through real servers on loopback."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from email.headerregistry import Address
from pathlib import Path
from random import Random

import pytest

from cases import outbox
from cases.history import CaseEvent, histories
from cases.outbox import NothingToSend, Outgoing, Sending, Way
from centralino.clock import as_utc
from centralino.database import Database, DatabaseAway
from centralino.instance import Instance, MissingSecret
from centralino.mail_settings import Mail, Sms, Tls
from centralino.mails import FILES_BYTES_MAX
from centralino.postman import PAUSES, REST, Postman
from centralino.relay import MailWay
from centralino.sms_gateway import SmsWay
from recordings.sealed import Keys
from tests.certificates import made_certificate
from tests.core.test_case_work import with_case
from tests.records import House
from tests.relays import DROP, HANG, TAKE, Gateway, Relay, open_gateway, open_relay

KEYS = Keys("k1", {"k1": bytes(32)})
HERE = Address("Comune di Prova", "contatti", "comune.example.org")
DEADLINE_S = 20.0


def now(house: House) -> datetime:
    return as_utc(house.clock.now_s())


def a_mail(house: House, case: str | None = None) -> Outgoing:
    return Outgoing(
        channel=Way.MAIL, to="ana@example.org", subject="Perché", words="È fatto.", at=now(house), case=case
    )


async def put(house: House, *messages: Outgoing) -> None:
    async with house.database.writing() as connection:
        for message in messages:
            await outbox.put(connection, message)


def no_password(name: str) -> str:
    raise MissingSecret(f"secret {name} is nowhere")


def mail_way(house: House, mail: Mail) -> MailWay:
    return MailWay(lambda: mail, no_password, house.folder / "mail", lambda: KEYS)


def through(relay: Relay) -> Mail:
    return Mail(HERE, "127.0.0.1", relay.port, Tls.NONE)


def postman(house: House, send: Callable[[Sending], Awaitable[None]], within_s: float = DEADLINE_S) -> Postman:
    return Postman(house.database, Way.MAIL, send, lambda: now(house), within_s)


async def history_of(house: House, case: str) -> list[CaseEvent]:
    return list((await histories(house.database, [case]))[case])


async def left(house: House) -> list[tuple[int, str | None]]:
    """Tries, and why not, of all that waits."""
    return [(sending.tries, sending.failed_why) for sending in await outbox.waiting(house.database)]


async def test_a_mail_goes_through_the_relay_once_and_its_case_says_so(house: House) -> None:
    case = await with_case(house)
    await put(house, a_mail(house, case))
    async with open_relay(Relay()) as relay:
        carrier = postman(house, mail_way(house, through(relay)).send)
        await carrier.look()
        await carrier.look()
    [taken] = relay.taken
    mail = taken.mail
    assert (taken.sender, taken.to) == ("contatti@comune.example.org", ["ana@example.org"])
    assert mail["From"] == "Comune di Prova <contatti@comune.example.org>"
    assert (mail["To"], mail["Subject"]) == ("ana@example.org", f"[#{case}] Perché")
    assert mail["Message-ID"].startswith(f"<case.{case}.1.")
    assert mail["References"] == f"<case.{case}@comune.example.org>"
    assert (mail["Auto-Submitted"], mail["In-Reply-To"]) == ("auto-generated", None)
    assert mail.get_content().strip() == "È fatto."
    assert await left(house) == []
    [told] = await history_of(house, case)
    assert (told.act, told.about, told.words, told.by) == ("mail was sent", "message 1", "Perché", "desk")


async def test_an_automatic_reply_names_what_it_answers_and_cannot_be_returned_to_us(house: House) -> None:
    await house.projected()
    theirs = f"<{'A' * 90}@mail.example.org>"  # longer than a line
    await put(house, replace(a_mail(house), in_reply_to=theirs))
    async with open_relay(Relay()) as relay:
        await postman(house, mail_way(house, through(relay)).send).look()
    [taken] = relay.taken
    assert taken.sender == "<>"
    assert taken.mail["Auto-Submitted"] == "auto-replied"
    assert f"In-Reply-To: {theirs}\r\n".encode() in taken.raw, "whole: neither folded nor encoded"


async def test_what_is_not_kept_is_not_sent(house: House) -> None:
    await house.projected()

    async def fails_in_the_end() -> None:
        async with house.database.writing() as connection:
            await outbox.put(connection, a_mail(house))
            raise LookupError("what it tells of could not be done")

    with pytest.raises(LookupError):
        await fails_in_the_end()
    assert await outbox.waiting(house.database) == ()


@pytest.mark.parametrize("answer", ["451 try later", "421 closing", HANG, DROP])
async def test_what_is_not_taken_now_is_tried_again_after_a_pause_that_grows(house: House, answer: str) -> None:
    await house.projected()
    await put(house, a_mail(house))
    async with open_relay(Relay(to_rcpt=answer)) as relay:
        carrier = postman(house, mail_way(house, through(relay)).send, within_s=0.5)
        await carrier.look()
        for nth, pause in enumerate(PAUSES[:3], start=1):
            house.clock.advance(pause.total_seconds() - 1)
            await carrier.look()
            assert relay.tried == nth
            house.clock.advance(1)
            await carrier.look()
        [(tries, why)] = await left(house)
        assert (tries, relay.tried, relay.taken) == (4, 4, [])
        assert why
        relay.to_rcpt = "250 OK"
        house.clock.advance(PAUSES[3].total_seconds())
        await carrier.look()
    assert len(relay.taken) == 1
    assert await left(house) == []


async def test_a_mail_that_is_not_taken_for_days_is_given_up_and_the_case_says_why(house: House) -> None:
    case = await with_case(house)
    await put(house, a_mail(house, case))
    begun = now(house)
    async with open_relay(Relay(to_rcpt="450 mailbox busy")) as relay:
        carrier = postman(house, mail_way(house, through(relay)).send)
        while await left(house):
            await carrier.look()
            house.clock.advance(4 * 3600)
    assert relay.tried == len(PAUSES) + 1
    assert timedelta(days=4) <= now(house) - begun < timedelta(days=6)
    [told] = await history_of(house, case)
    assert told.act == "mail could not be sent"
    assert "450 mailbox busy" in told.words


@pytest.mark.parametrize("where", ["rcpt", "data"])
async def test_a_mail_that_is_refused_for_good_is_not_tried_again_unless_somebody_says_so(
    house: House, where: str
) -> None:
    case = await with_case(house)
    await put(house, a_mail(house, case))
    async with open_relay(Relay()) as relay:
        setattr(relay, f"to_{where}", "550 no such user")
        carrier = postman(house, mail_way(house, through(relay)).send)
        await carrier.look()
        house.clock.advance(86_400)
        await carrier.look()
        assert (relay.tried, await left(house)) == (1, [])
        [failed] = await outbox.failed(house.database, 10)
        assert failed.failed_why == "the relay says: 550 no such user"
        setattr(relay, f"to_{where}", "250 OK")
        await outbox.again(house.database, failed.id, now(house))
        await carrier.look()
    assert len(relay.taken) == 1
    assert [told.act for told in await history_of(house, case)] == ["mail could not be sent", "mail was sent"]
    for id, why in ((failed.id, "sent already"), (99, "no message 99")):
        with pytest.raises(NothingToSend, match=why):
            await outbox.again(house.database, id, now(house))


async def test_one_message_that_is_refused_holds_up_no_other(house: House) -> None:
    await house.projected()
    await put(house, replace(a_mail(house), to="nobody"), a_mail(house))
    async with open_relay(Relay()) as relay:
        await postman(house, mail_way(house, through(relay)).send).look()
    assert len(relay.taken) == 1
    [failed] = await outbox.failed(house.database, 10)
    assert "no mail address" in (failed.failed_why or "")


async def test_while_the_relay_is_away_one_message_asks_for_all(house: House) -> None:
    await house.projected()
    await put(house, *(a_mail(house) for _ in range(5)))
    async with open_relay(Relay()) as relay:
        port = relay.port
    carrier = postman(house, mail_way(house, through(relay)).send)
    await carrier.look()
    await carrier.look()
    assert sorted(tries for tries, _ in await left(house)) == [0, 0, 0, 0, 1]
    house.clock.advance(REST.total_seconds())
    async with open_relay(relay, port=port):
        await carrier.look()
        house.clock.advance(PAUSES[0].total_seconds())
        await carrier.look()
    assert len(relay.taken) == 5


async def test_a_relay_that_hangs_up_after_its_250_has_the_mail(house: House) -> None:
    await house.projected()
    await put(house, a_mail(house))
    async with open_relay(Relay()) as relay:
        relay.handle_QUIT = lambda server, *_: relay._act(DROP, server)  # type: ignore[attr-defined]
        await postman(house, mail_way(house, through(relay)).send).look()
    assert (len(relay.taken), await left(house)) == (1, [])


async def test_a_database_that_goes_away_after_the_250_has_no_mail_sent_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.projected()
    await put(house, a_mail(house))

    is_away, mark_sent = [True], outbox.mark_sent

    async def may_be_away(database: Database, sending: Sending, at: datetime) -> None:
        if is_away[0]:
            raise DatabaseAway("gone")
        await mark_sent(database, sending, at)

    async with open_relay(Relay()) as relay:
        carrier = postman(house, mail_way(house, through(relay)).send)
        monkeypatch.setattr(outbox, "mark_sent", may_be_away)
        for _ in range(2):
            with pytest.raises(DatabaseAway):
                await carrier.look()
        is_away[0] = False
        house.clock.advance(3600)
        await carrier.look()
    assert (len(relay.taken), await left(house)) == (1, [])


async def test_two_postmen_never_take_the_same_message(house: House) -> None:
    await house.projected()
    await put(house, *(a_mail(house) for _ in range(10)))
    async with open_relay(Relay()) as relay:
        send = mail_way(house, through(relay)).send
        await asyncio.gather(*(postman(house, send).look() for _ in range(3)))
    assert len(relay.taken) == 10
    assert await left(house) == []


async def test_a_desk_that_died_while_it_sent_has_the_message_sent_later(house: House) -> None:
    await house.projected()
    await put(house, a_mail(house))
    async with open_relay(Relay(to_rcpt=HANG)) as relay:
        send = mail_way(house, through(relay)).send
        dying = asyncio.create_task(postman(house, send).look())
        async with asyncio.timeout(DEADLINE_S):
            await relay.is_asked.wait()
        dying.cancel()
        await asyncio.wait([dying])
        relay.to_rcpt = "250 OK"
        await postman(house, send).look()
        assert relay.taken == []
        house.clock.advance(600)
        await postman(house, send).look()
    assert len(relay.taken) == 1


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_dies_and_whatever_the_relay_says_none_is_lost_and_one_is_doubled_at_most_for_each_death(
    house: House, seed: int
) -> None:
    await house.projected()
    await put(house, *(a_mail(house) for _ in range(20)))
    random, deaths = Random(seed), 0
    async with open_relay(Relay()) as relay:
        send = mail_way(house, through(relay)).send
        while await left(house):
            relay.to_rcpt, relay.to_data = (random.choice((TAKE, TAKE, "451 later", DROP)) for _ in range(2))
            looking = asyncio.create_task(postman(house, send).look())
            await asyncio.wait([looking], timeout=random.choice((0.01, 0.03, DEADLINE_S)))
            deaths += looking.cancel()
            await asyncio.wait([looking])
            house.clock.advance(3600)
    sent = [taken.mail["Message-ID"] for taken in relay.taken]
    assert len(set(sent)) == 20
    assert len(sent) <= 20 + deaths
    assert await outbox.failed(house.database) == ()


async def test_what_is_put_there_in_this_process_is_sent_at_once_and_a_stop_waits_for_it(house: House) -> None:
    await house.projected()
    async with open_relay(Relay()) as relay:
        carrier = postman(house, mail_way(house, through(relay)).send)
        running = asyncio.create_task(carrier.run())
        for nth in (1, 2):
            relay.has_taken.clear()
            await put(house, a_mail(house))
            async with asyncio.timeout(4):  # a look of its own comes after 5 s
                await relay.has_taken.wait()
            assert len(relay.taken) == nth
        carrier.stop()
        async with asyncio.timeout(DEADLINE_S):
            await running
    assert await left(house) == []


async def test_of_those_that_are_to_be_sent_once_only_the_first_is(house: House) -> None:
    await house.projected()
    await put(house, replace(a_mail(house), once="voicemail c1"), a_mail(house), a_mail(house))
    await put(house, replace(a_mail(house), once="voicemail c1", words="again"))
    assert len(await outbox.waiting(house.database)) == 3


@pytest.mark.parametrize("to", ["ana@example.org\r\nBcc: all@example.org", "", "a\x00b@example.org"])
async def test_nobody_can_be_written_to_through_a_line_break(house: House, to: str) -> None:
    await house.projected()
    with pytest.raises(ValueError, match="nobody to send to"):
        await put(house, replace(a_mail(house), to=to))


async def test_no_header_can_be_put_into_a_mail(house: House) -> None:
    await house.projected()
    sly = "x\r\nBcc: all@example.org\r\n\r\nbody"
    await put(house, replace(a_mail(house), subject=sly, in_reply_to=f"<a@b>{sly}"))
    async with open_relay(Relay()) as relay:
        await postman(house, mail_way(house, through(relay)).send).look()
    [taken] = relay.taken
    assert (taken.mail["Bcc"], taken.mail["In-Reply-To"], taken.to) == (None, None, ["ana@example.org"])
    assert taken.mail["Subject"] == "xBcc: all@example.orgbody"


async def test_files_are_attached_and_those_that_cannot_be_are_named(house: House) -> None:
    await house.projected()
    sound, big = house.folder / "message.wav", house.folder / "big.wav"
    sound.write_bytes(b"RIFFsound")
    with big.open("wb") as file:
        file.truncate(FILES_BYTES_MAX)
    files = (str(sound), str(big), str(house.folder / "gone.wav"))
    await put(house, replace(a_mail(house), attachments=files))
    async with open_relay(Relay()) as relay:
        await postman(house, mail_way(house, through(relay)).send).look()
    [taken] = relay.taken
    [attached] = taken.mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("message.wav", b"RIFFsound")
    body = taken.mail.get_body()
    assert body
    assert "not attached: big.wav, gone.wav" in body.get_content()


async def test_without_a_relay_each_mail_is_a_file_of_its_own(house: House) -> None:
    case = await with_case(house)
    await put(house, a_mail(house, case), a_mail(house))
    await postman(house, mail_way(house, Mail(HERE)).send).look()
    first, second = sorted((house.folder / "mail").iterdir())
    assert (first.name, second.name, first.stat().st_mode & 0o777) == ("000001.eml", "000002.eml", 0o600)
    assert f"[#{case}]".encode() in first.read_bytes()
    assert await left(house) == []


@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.FROM_THE_START])
async def test_the_relay_is_met_by_tls_and_with_our_password(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: Tls
) -> None:
    await house.projected()
    certificate, key = made_certificate(tmp_path / "tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    relay = Relay(users={"desk": "s3cret"})
    async with open_relay(relay, context, is_safe_from_the_start=tls is Tls.FROM_THE_START):
        mail = replace(through(relay), tls=tls, user="desk", secret="RELAY_PASSWORD")
        way = MailWay(lambda: mail, Instance(tmp_path, tmp_path).secret_of_service, tmp_path / "mail", lambda: KEYS)
        carrier = postman(house, way.send)
        await put(house, a_mail(house))
        await is_not_taken(house, carrier, "secret RELAY_PASSWORD is nowhere")
        monkeypatch.setenv("RELAY_PASSWORD", "wrong")
        await is_not_taken(house, carrier, "CERTIFICATE_VERIFY_FAILED")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        await is_not_taken(house, carrier, "535")
        monkeypatch.setenv("RELAY_PASSWORD", "s3cret")
        await carrier.look()
    assert len(relay.taken) == 1
    assert await left(house) == []


async def is_not_taken(house: House, carrier: Postman, why: str) -> None:
    await carrier.look()
    [(_, said)] = await left(house)
    assert why in (said or "")
    house.clock.advance(4 * 3600)


async def test_a_relay_without_tls_is_given_neither_mail_nor_password_unless_that_is_allowed(house: House) -> None:
    await house.projected()
    await put(house, a_mail(house))
    async with open_relay(Relay()) as relay:
        mail = replace(through(relay), tls=Tls.STARTTLS, user="desk", secret="RELAY_PASSWORD")
        carrier = postman(house, MailWay(lambda: mail, str, house.folder / "mail", lambda: KEYS).send)
        await is_not_taken(house, carrier, "STARTTLS")
    assert relay.tried == 0


def an_sms(house: House) -> Outgoing:
    return Outgoing(channel=Way.SMS, to="+393331234567", subject="", words="Pratica aperta.", at=now(house))


def sms_postman(house: House, gateway: Gateway, secret: str = "", within_s: float = DEADLINE_S) -> Postman:
    way = SmsWay(lambda: Sms(gateway.url, secret), Instance(house.folder, house.folder).secret_of_service)
    return Postman(house.database, Way.SMS, way.send, lambda: now(house), within_s)


async def test_an_sms_is_posted_to_the_gateway_with_its_token(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.projected()
    monkeypatch.setenv("SMS_TOKEN", "t0ken")
    await put(house, an_sms(house), a_mail(house))
    async with open_gateway(Gateway()) as gateway:
        await sms_postman(house, gateway, "SMS_TOKEN").look()
    [(headers, said)] = gateway.asked
    assert (said["to"], said["text"]) == ("+393331234567", "Pratica aperta.")
    assert headers["authorization"] == "Bearer t0ken"
    assert headers["idempotency-key"] == said["id"]
    assert [waits.channel for waits in await outbox.waiting(house.database)] == [Way.MAIL]


@pytest.mark.parametrize("answer", [500, 503, 429, 302, 401, HANG, DROP])
async def test_an_sms_that_is_not_taken_now_is_tried_again(house: House, answer: int | str) -> None:
    await house.projected()
    await put(house, an_sms(house))
    async with open_gateway(Gateway(answer)) as gateway:
        carrier = sms_postman(house, gateway, within_s=0.5)
        await carrier.look()
        [(tries, why)] = await left(house)
        assert tries == 1
        assert why
        gateway.answer = 200
        house.clock.advance(PAUSES[0].total_seconds())
        await carrier.look()
    assert (len(gateway.asked), await left(house)) == (2, [])
    [first, second] = gateway.asked
    assert first[1]["id"] == second[1]["id"]


async def test_an_sms_that_the_gateway_refuses_is_given_up(house: House) -> None:
    await house.projected()
    await put(house, an_sms(house))
    async with open_gateway(Gateway(422)) as gateway:
        await sms_postman(house, gateway).look()
    [failed] = await outbox.failed(house.database, 10)
    assert failed.failed_why == "the gateway says: 422 why"


async def test_sms_wait_while_no_gateway_is_named(house: House) -> None:
    await house.projected()
    await put(house, an_sms(house))
    await sms_postman(house, Gateway()).look()
    assert await left(house) == [(1, "centralino.yaml names no gateway for SMS")]

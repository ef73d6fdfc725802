"""Owners are written to once: of each message that is left, where the queue says so, and of sheets that run out."""

from dataclasses import replace
from datetime import date, timedelta
from email.headerregistry import Address
from pathlib import Path

import pytest

from cases import outbox
from cases.case_number import in_groups
from cases.outbox import Sending, Way
from cases.sheets import Sheet
from cases.sheets_store import keep_sheets
from centralino.mail_settings import Mail, Tls
from centralino.mailings import Mailings, Sources
from centralino.mails import address_in
from centralino.postman import Postman
from centralino.relay import MailWay
from centralino.settings import Configuration, examine, load
from recordings.sealed import Keys, seal
from tests.core.test_settings import SMALL
from tests.core.test_voicemails import ANA, Act, case_of, do, leave_message, now
from tests.records import House
from tests.relays import Relay, open_relay

ROOT = Path(__file__).parents[2]
KEYS = Keys("k1", {"k1": bytes(32)})
TRIBUTI = "tributi@example.org"
SHEET = Sheet("id", "Title", "service", "Ufficio", "Words.")


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    shipped = load(ROOT)
    queues = {**shipped.rules.queues, "tributi": replace(shipped.rules.queues["tributi"], voicemail_mail=TRIBUTI)}
    return replace(shipped, rules=replace(shipped.rules, queues=queues))


def mailings(house: House, configuration: Configuration) -> Mailings:
    """As a desk has them that has just started."""
    return Mailings(house.database, Sources(lambda: configuration, lambda: now(house), house.folder / "recordings"))


async def waiting(house: House) -> tuple[Sending, ...]:
    return await outbox.waiting(house.database)


async def test_each_message_for_a_queue_that_wants_it_is_mailed_with_its_sound(
    house: House, configuration: Configuration
) -> None:
    leave_message(house, "c1")
    leave_message(house, "c2", "3337654321", "anagrafe")
    await house.projected()
    sound = house.folder / "recordings" / "d" / "c1.wav"
    sound.parent.mkdir(parents=True)
    sound.write_bytes(b"RIFF" + bytes(40) + b"hello")
    seal(sound, KEYS)
    await mailings(house, configuration).look()
    case = (await case_of(house, "c1")).id
    async with open_relay(Relay()) as relay:
        mail = Mail(Address("", "desk", "example.org"), "127.0.0.1", relay.port, Tls.NONE)
        way = MailWay(lambda: mail, str, house.folder / "mail", lambda: KEYS)
        await Postman(house.database, Way.MAIL, way.send, lambda: now(house)).look()
    [taken] = relay.taken
    assert (taken.to, taken.mail["Subject"]) == ([TRIBUTI], f"[#{case}] Messaggio in segreteria per tributi")
    body = taken.mail.get_body()
    assert body
    for said in ("+393331234567", "23/11/2026 10:01", "8 s", in_groups(case)):
        assert said in body.get_content()
    [attached] = taken.mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("c1.wav", "audio/x-wav")
    assert attached.get_content() == b"RIFF" + bytes(40) + b"hello"


async def test_a_message_is_mailed_once_whatever_is_started_or_projected_again(
    house: House, configuration: Configuration
) -> None:
    leave_message(house, "c1")
    await house.projected()
    desk = mailings(house, configuration)
    await desk.look()
    await desk.look()
    await mailings(house, configuration).look()
    await house.projector.rebuild()
    await mailings(house, configuration).look()
    assert len(await waiting(house)) == 1


async def test_neither_old_messages_are_mailed_nor_those_that_are_done(
    house: House, configuration: Configuration
) -> None:
    leave_message(house, "c1")
    house.clock.advance(timedelta(days=4).total_seconds())
    leave_message(house, "c2", "3337654321")
    leave_message(house, "c3", "3337654322")
    await house.projected()
    await do(house, "c2", Act.DONE, ANA)
    await mailings(house, configuration).look()
    [mail] = await waiting(house)
    assert mail.case == (await case_of(house, "c3")).id


async def test_an_owner_is_written_to_once_of_all_sheets_that_run_out_on_a_day(
    house: House, configuration: Configuration
) -> None:
    await house.projected()
    owner, ends = "Ufficio Tributi <tributi@example.org>", date(2026, 11, 20)
    await keep_sheets(
        house.database,
        [
            replace(SHEET, id="tari", title="TARI", owner=owner, valid_until=ends),
            replace(SHEET, id="imu", title="IMU", owner="tributi@example.org", valid_until=ends),
            replace(SHEET, id="cie", title="CIE", owner=owner, valid_until=date(2026, 11, 23)),
            replace(SHEET, id="lost", owner="Ufficio Tributi", valid_until=ends),
        ],
    )
    desk = mailings(house, configuration)
    await desk.look()
    await mailings(house, configuration).look()
    [mail] = await waiting(house)
    assert (mail.to, mail.case) == ("tributi@example.org", None)
    for said in ("20/11/2026", "- TARI (tari)", "- IMU (imu)"):
        assert said in mail.words
    assert "CIE" not in mail.words, "it is right to the end of this day"
    house.clock.advance(86_400)
    await desk.look()
    assert [each.to for each in await waiting(house)] == ["tributi@example.org"] * 2
    await keep_sheets(house.database, [replace(SHEET, id="tari", owner=owner, valid_until=date(2026, 11, 21))])
    await desk.look()
    assert len(await waiting(house)) == 3, "it ran out another time"


@pytest.mark.parametrize(
    ("owner", "address"),
    [
        ("anagrafe@example.org", "anagrafe@example.org"),
        ("Ufficio Anagrafe <anagrafe@example.org>", "anagrafe@example.org"),
        ("Ufficio Anagrafe", ""),
        ("Ufficio Anagrafe, anagrafe@example.org o chi c'è", ""),
        ("via@", ""),
        ("", ""),
    ],
)
def test_an_owner_has_an_address_or_none(owner: str, address: str) -> None:
    assert address_in(owner) == address


def test_a_queue_names_where_its_messages_go(tmp_path: Path) -> None:
    def said(voicemail: str) -> list[str]:
        (tmp_path / "dialplans").mkdir(exist_ok=True)
        for name, text in SMALL.items():
            (tmp_path / name).write_text(text)
        queue = SMALL["queues.yaml"].replace("    ring: 20s\n", f"    ring: 20s\n    voicemail: {voicemail}\n")
        (tmp_path / "queues.yaml").write_text(queue)
        return [problem.what for problem in examine(tmp_path)[1]]

    assert said("{mail: tributi@example.org}") == []
    assert load(tmp_path).rules.queues["tributi"].voicemail_mail == TRIBUTI
    assert said("{mail: tributi}") == ["`tributi` is no mail address"]
    assert said("{}") == ["nothing is said here"]

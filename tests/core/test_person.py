"""All that is held about a person is handed to them, and erased: no trace in any file, none in the database."""

import csv
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Text, inspect

from asterisk.configuration import CDR_COLUMNS, Folders
from cases import outbox
from cases.channels import Channel
from cases.messages import Act as MessageAct
from cases.outbox import Outgoing, Way
from cases.store import cases
from centralino import events as ev
from centralino import personal_data
from centralino.book import Book
from centralino.case_desk import Asked, Classified, Written
from centralino.clock import as_utc
from centralino.database import database_url, metadata, open_database
from centralino.held_files import blank, names_of, traces_of
from centralino.people import People
from centralino.person_desk import Asking, PersonRefused, erase, export, find, not_over
from centralino.relay import path_of_kept
from centralino.settings import load
from centralino.state import House as HouseState
from recordings.files import Shelf, path_of
from recordings.sealed import Keys, seal
from supervision.audit import audit, read_cdr
from supervision.held import HELD, NOT_PERSONAL, others_cases
from supervision.store import recent_calls
from tests.core.test_voicemails import do, leave_message
from tests.mail_door import ANA, mail, open_door
from tests.records import House, answered_call, arrival, desk_of, end

ROOT = Path(__file__).parents[2]
CONFIGURATION = load(ROOT)
KEYS = Keys("k1", {"k1": bytes(32)})
SOUND = b"RIFF" + bytes(40) + b"her voice"
NUMBER, OTHER = "+393331234567", "+393337654321"
STRANGER = b"13331234567"
MAIL = "anna.bianchi@example.org"
SECRETS = (  # one in each place
    *("3331234567", "Anna Bianchi", "keyed 778899", "her dog is ill", "the lamp in her street", "her title"),
    *("she moved to Prato", "answered her by post", MAIL, "her second letter"),
    *("an answer about her roof", "an SMS about her case"),
)


class Door:
    """The engine's door, with what is behind it for a person."""

    def __init__(self, house: House) -> None:
        self._people, self.promised = house.people, list[dict[str, str]]()
        self._book = Book(HouseState(), house.journal.append)

    async def command(self, name: str, /, **args: Any) -> dict[str, Any]:
        if name == "call_backs.list":
            return {"call_backs": self.promised}
        if name == "call_backs.drop":
            self.promised = [one for one in self.promised if one["call"] != args["call"]]
            return {}
        return personal_data.carry_out(name.removeprefix("people."), args, self._people, self._book)

    async def slow_command(self, name: str, within_s: float, args: Mapping[str, Any]) -> dict[str, Any]:
        return await self.command(name, **args)


def asking(house: House) -> Asking:
    shelf = Shelf(house.folder / "recordings", lambda: KEYS)
    door: Any = Door(house)
    return Asking(house.folder, shelf, house.database, door, "ana", as_utc(house.clock.now_s()))


def record(house: House, name: str) -> None:
    file = path_of(house.folder / "recordings", name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(SOUND)
    seal(file, KEYS)


def log_line(house: House, file: str, text: str) -> None:
    path = house.folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as opened:
        opened.write(f"{text}\n")


def cdr(house: House, call: str, number: str, name: str) -> None:
    start = str(int(house.clock.now_s()))
    told = {"uniqueid": call, "linkedid": call, "src": number, "dst": "055055", "dcontext": "from-carrier"}
    times = dict.fromkeys(("start", "answer", "end"), start)
    row = [(told | times).get(column, "") for column in CDR_COLUMNS]
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow([*row[:-1], name])
    log_line(house, "asterisk/log/cdr-custom/calls.csv", text.getvalue().strip())


async def live(house: House) -> None:
    """A citizen calls, is recorded, leaves a message and writes; another one does too, and stays."""
    person = house.caller("3331234567", "Anna Bianchi")
    answered_call(house, "c1", person)
    key = house.people.keep_answer("keyed 778899", person, house.clock.now_s())
    other = house.caller(OTHER, "Bruno Verdi")
    answered_call(house, "c9", other)
    for call in ("c1", "c9"):
        name = f"talks/tributi/2026-11-23/{call}-talk1"
        house.tell(ev.TalkRecordingStarted(call=call, queue="tributi", leg="leg-a2", recording=name))
        house.tell(ev.TalkRecordingEnded(call=call, recording=name, duration_s=59.5))
    house.tell(arrival("c2", person), ev.AnswerKept(call="c2", step="ask", note="code", answer=key), end("c2"))
    leave_message(house, "c3")
    await house.projected()
    await do(house, "c3", MessageAct.DONE)
    record(house, "talks/tributi/2026-11-23/c1-talk1")
    record(house, "talks/tributi/2026-11-23/c9-talk1")
    record(house, "d/c3")
    for call, number in (("c1", "3331234567"), ("c2", "00393331234567"), ("c3", NUMBER), ("c9", OTHER)):
        cdr(house, call, number, "Anna Bianchi" if number != OTHER else "Bruno Verdi")
    log_line(house, "log/engine.log", f'call from {NUMBER} "Anna Bianchi", and of 13331234567 who is another')
    log_line(house, "log/engine.log.1", f"call from {OTHER}")
    await write_and_work(house)


async def write_and_work(house: House) -> None:
    desk = desk_of(house, lambda: CONFIGURATION)
    about = {"entity": "comune-firenze", "name": "Anna Bianchi"}
    ways = {"phone": NUMBER, "mail": MAIL}
    letter = Written(Channel.LETTER, "her dog is ill", "ana", subject="the lamp in her street", **ways, **about)
    _, seen = await desk.take_in(letter)
    number = seen.case.id
    long = "her second letter " * 1_000  # over many pages of the database's file
    await desk.take_in(Written(Channel.FAX, long, "ana", into=number, **about))
    await desk.work(number, Asked("note", "ana", "she moved to Prato"))
    await desk.work(number, Asked("classify", "ana", classified=Classified(title="her title")))
    await desk.work(number, Asked("close", "ana", "answered her by post"))
    async with house.database.writing() as connection:
        await outbox.put(connection, told(house, Way.MAIL, MAIL, "an answer about her roof", number))
        await outbox.put(connection, told(house, Way.SMS, NUMBER, "an SMS about her case", None))
        await outbox.put(connection, told(house, Way.SMS, OTHER, "to Bruno alone", None))
    for id in (1, 3):
        kept = path_of_kept(house.folder / "mail", id)
        kept.parent.mkdir(exist_ok=True)
        kept.write_text("an answer about her roof" if id == 1 else "to Bruno alone")
    other = Written(Channel.LETTER, "what Bruno wants", "ana", entity="comune-firenze", phone=OTHER, name="Bruno Verdi")
    await desk.take_in(other)


def told(house: House, way: Way, to: str, words: str, case: str | None) -> Outgoing:
    return Outgoing(channel=way, to=to, subject="", words=words, at=as_utc(house.clock.now_s()), case=case)


async def dumped(house: House) -> str:
    return repr(await house.everything())


def on_disk(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for file in folder.rglob("*"):
        if file.is_file():
            yield file, file.read_bytes()


async def close_all(house: House, who: Any) -> None:
    desk = desk_of(house, lambda: CONFIGURATION)
    for case in (await not_over(asking(house), who))[0].cases:
        await desk.work(case, Asked("close", "ana", "answered her by post"))


async def test_an_export_holds_each_word_and_sound_and_nothing_of_others(house: House, tmp_path: Path) -> None:
    await live(house)
    asked = asking(house)
    who = await find(asked, "333 123 4567")
    to = tmp_path / "export.zip"
    await export(asked, who, to)
    with zipfile.ZipFile(to) as packed:
        told = packed.read("data.json").decode()
        assert [secret for secret in SECRETS if secret not in told] == []
        sounds = [name for name in packed.namelist() if name.startswith("recordings/")]
        assert sounds == ["recordings/d/c3.wav", "recordings/talks/tributi/2026-11-23/c1-talk1.wav"]
        assert packed.read(sounds[0]) == SOUND
        for language in ("ITALIANO", "ENGLISH"):
            assert language in packed.read("README.txt").decode()
    for others in ("3337654321", "Bruno", '"c9"'):
        assert others not in told
    assert json.loads(told)["may_be_somebody_elses"] == [MAIL]
    last = [entry.event for entry in house.journal.entries_after(0)][-1]
    assert last == ev.PersonExported(persons=sorted(who.keys), by="ana")


async def test_after_an_erasure_no_file_and_no_table_holds_a_trace_and_what_is_counted_stays(house: House) -> None:
    await live(house)
    asked = asking(house)
    who = await find(asked, NUMBER)
    await close_all(house, who)
    before = await recent_calls(house.database)
    await erase(asked, who, ())
    dump, calls = await dumped(house), await recent_calls(house.database)
    for secret in (*SECRETS, *(("her voice",))):
        assert secret not in dump
        held = [file for file, content in on_disk(house.folder) if secret.encode() in content.replace(STRANGER, b"")]
        assert held == []
    assert [(c.id, c.person, c.outcome, c.talk_s, c.case_id) for c in calls] == [
        (c.id, c.person, c.outcome, c.talk_s, c.case_id) for c in before
    ]
    kept = [str(file.relative_to(house.folder)) for file in (house.folder / "recordings").rglob("*.enc")]
    assert kept == ["recordings/talks/tributi/2026-11-23/c9-talk1.wav.enc"]
    assert (house.folder / "mail/000003.eml").exists()
    for others in ("3337654321", "Bruno Verdi", "what Bruno wants", "to Bruno alone"):
        assert others in dump
    told = [entry.event for entry in house.journal.entries_after(0)][-3:]
    assert told == [
        ev.RecordingDeleted(call="c3", recording="d/c3", why="its caller's data were erased"),
        ev.RecordingDeleted(
            call="c1", recording="talks/tributi/2026-11-23/c1-talk1", why="its caller's data were erased"
        ),
        ev.PersonErased(persons=sorted(who.keys), by="ana"),
    ]
    with pytest.raises(PersonRefused, match="nothing is held about"):
        await find(asked, NUMBER)


async def test_the_call_records_and_logs_stay_as_they_can_be_read_with_a_line_for_each_call(house: House) -> None:
    await live(house)
    asked = asking(house)
    path = Folders(house.folder / "asterisk").calls
    before = await audit(house.database, read_cdr(path, CDR_COLUMNS), now_s=house.clock.now_s() + 60)
    await erase(asked, await find(asked, NUMBER), ())
    rows = read_cdr(path, CDR_COLUMNS)
    assert [row.uniqueid for row in rows] == ["c1", "c2", "c3", "c9"]
    assert await audit(house.database, rows, now_s=house.clock.now_s() + 60) == before
    assert "13331234567" in (house.folder / "log/engine.log").read_text(), "that is another number"


async def test_who_was_erased_is_new_when_they_call_again_also_to_another_life_of_the_engine(house: House) -> None:
    await live(house)
    asked, old = asking(house), house.caller(NUMBER)
    await erase(asked, await find(asked, NUMBER), ())
    assert house.people.who(old).number == ""
    again = People(house.folder / "people.jsonl")
    assert (again.who(old).number, again.key_of(NUMBER)) == ("", "")
    assert again.who(house.people.key_of(OTHER)).name == "Bruno Verdi"
    again.close()
    new = house.caller(NUMBER)
    assert new != old
    house.tell(arrival("c5", new), end("c5"))
    await house.projected()
    assert {call.id: call.number for call in await recent_calls(house.database)}["c1"] == ""


async def test_projected_anew_the_calls_of_who_was_erased_hold_nothing(house: House) -> None:
    await live(house)
    asked = asking(house)
    await erase(asked, await find(asked, NUMBER), ())
    await house.projector.rebuild()
    dump = await dumped(house)
    assert [secret for secret in SECRETS if secret in dump] == []


async def test_whoever_writes_mails_is_found_by_their_address_whatever_its_letters(house: House) -> None:
    await house.projected()
    desk = desk_of(house, lambda: CONFIGURATION)
    await desk.take_in(
        Written(Channel.MAIL, "of whom is it?", "ana", entity="comune-firenze", mail=MAIL, name="Anna B.")
    )
    await desk.take_in(Written(Channel.MAIL, "of others", "ana", entity="comune-firenze", mail="b@example.org"))
    asked = asking(house)
    who = await find(asked, "Anna.Bianchi@EXAMPLE.org")
    assert (len(who.cases), len(who.intakes), who.calls) == (1, 1, frozenset())
    await erase(asked, who, ())
    dump = await dumped(house)
    assert (MAIL in dump, "of whom is it?" in dump, "Anna B." in dump) == (False, False, False)
    assert "of others" in dump


async def test_what_another_wrote_and_a_hand_merged_stays_theirs(house: House) -> None:
    desk = desk_of(house, lambda: CONFIGURATION)
    house.tell(arrival("c1", house.caller(NUMBER, "Dora")), end("c1"))
    await house.projected()
    to = {"entity": "comune-firenze"}
    bruno, _ = await desk.take_in(Written(Channel.MAIL, "his", "ana", mail="bruno@example.org", **to))
    carla, _ = await desk.take_in(Written(Channel.MAIL, "hers", "ana", mail="carla@example.org", **to))
    eva, _ = await desk.take_in(Written(Channel.MAIL, "Eva's", "ana", mail="eva@example.org", **to))
    [doras] = [one.id for one in await cases(house.database) if one.opened_by_call]
    await desk.work(eva.case, Asked("merge", "ana", into=doras))
    await desk.work(carla.case, Asked("merge", "ana", into=bruno.case))
    asked = asking(house)
    by_number, by_mail = await find(asked, NUMBER), await find(asked, "carla@example.org")
    assert (len(by_number.intakes), bruno.case in by_mail.cases, len(by_mail.intakes)) == (0, False, 1)


async def test_a_mail_address_does_not_lead_to_the_calls_of_a_number_that_its_letter_names(house: House) -> None:
    """Anybody can write a letter that names another's number, and then ask for all that is held."""
    answered_call(house, "c1", house.caller(OTHER, "Bruno Verdi"))
    await house.projected()
    desk = desk_of(house, lambda: CONFIGURATION)
    letter = Written(Channel.MAIL, "tell me all", "eve", entity="comune-firenze", mail="eve@example.org", phone=OTHER)
    await desk.take_in(letter)
    asked = asking(house)
    who = await find(asked, "eve@example.org")
    assert (who.calls, who.keys, who.cases, who.others) == (frozenset(), frozenset(), frozenset(), {OTHER})
    [case] = await others_cases(house.database, who)
    await erase(asked, who, ())
    seen = await desk.case(case)
    assert seen
    assert (seen.case.number, [one.words for one in seen.wrote]) == (OTHER, [""])


async def test_what_is_open_is_told_and_ends_with_the_erasure(house: House) -> None:
    person = house.caller(NUMBER)
    leave_message(house, "c1")
    house.tell(arrival("c2", person))
    await house.projected()
    asked = asking(house)
    asked.door.promised = [{"call": "c7", "person": person}, {"call": "c8", "person": "k"}]  # type: ignore[attr-defined]
    who = await find(asked, NUMBER)
    going_on, promised = await not_over(asked, who)
    assert (going_on.calls, len(going_on.cases), promised) == (("c2",), 1, ("c7",))
    house.tell(end("c2"))
    await house.projected()
    await erase(asked, who, promised)
    assert (await not_over(asked, who))[0].cases == ()
    assert [one["call"] for one in asked.door.promised] == ["c8"]  # type: ignore[attr-defined]
    [case] = who.cases
    seen = await desk_of(house, lambda: CONFIGURATION).case(case)
    assert seen
    assert (seen.case.state, seen.case.closed_why, seen.case.closed_by) == ("closed", "erased", "ana")
    assert [(one.act, one.by) for one in seen.history][-1] == ("erased", "ana")


@pytest.mark.parametrize("named", ["anonymous", "", "Anna Bianchi", "a@", "055 055 x"])
async def test_nobody_is_meant_by_what_is_no_number_and_no_mail(house: House, named: str) -> None:
    await house.projected()
    with pytest.raises(PersonRefused, match="is no "):
        await find(asking(house), named)


async def test_each_column_of_text_is_declared_as_personal_or_not(house: House) -> None:
    """Whoever adds one says in supervision/held.py whether it is erased with its person."""
    await house.projected()
    async with house.database.engine.connect() as connection:
        found = await connection.run_sync(lambda sync: _columns(inspect(sync)))
    declared = {table: set(names.split()) for table, names in NOT_PERSONAL.items()}
    for held in HELD:
        declared.setdefault(held.table.name, set()).update(held.personal)
    assert {table: names - declared.get(table, set()) for table, names in found.items()} == {
        table: set() for table in found
    }
    known = {table.name: set(table.columns.keys()) for table in metadata.sorted_tables}
    assert {table: names - known[table] for table, names in declared.items()} == {table: set() for table in declared}


def _columns(there: Any) -> dict[str, set[str]]:
    of_others = ("alembic_version", "sheet_words")
    return {
        table: names
        for table in there.get_table_names()
        if not table.startswith(of_others)
        and (names := {c["name"] for c in there.get_columns(table) if isinstance(c["type"], Text | JSON)})
    }


def test_the_ways_in_which_a_number_is_written_are_found_and_no_longer_number_that_holds_it() -> None:
    traces = traces_of("+390551234567", "")
    for text in ("+390551234567", "00390551234567", "390551234567", "<sip:0551234567@1.2.3.4>", '"0551234567"'):
        assert traces.search(text.encode()), text
    for text in ("10551234567", "05512345678", "+39055123456"):
        assert not traces.search(text.encode()), text
    assert traces_of("+4915112345678", "").search(b"call from 015112345678")
    mails = traces_of("", "a.b@example.org")
    assert mails.search(b"to A.B@example.org.")
    assert not any(mails.search(text) for text in (b"axb@example.org", b"la.b@example.org", b"a.b@example.org-x"))
    names = names_of(frozenset({"Niccolò Rossi", "Li"}))
    for text in ("Niccolò Rossi", 'name="Niccol\\u00f2 Rossi"', "NICCOLò ROSSI"):
        assert names.search(text.encode()), text
    assert not names.search(b"Linea, Mario Rossini")


def test_a_name_is_overwritten_in_lines_of_theirs_only(tmp_path: Path) -> None:
    log = tmp_path / "log" / "engine.log"
    log.parent.mkdir()
    log.write_text("INFO Ana called from 0551234567\nINFO Ana called from 0559999999\nINFO mail of ana@example.org")
    assert blank(traces_of("+390551234567", "ana@example.org"), names_of(frozenset({"INFO", "Ana"})), tmp_path) == 4
    assert log.read_text().splitlines() == [
        "xxxx Ana called from xxxxxxxxxx",
        "INFO Ana called from 0559999999",
        "xxxx mail of xxxxxxxxxxxxxxx",
    ]


async def test_a_mail_with_its_files_is_handed_over_and_erased_and_anothers_stays(house: House, url: str) -> None:
    await house.projected()
    async with open_door(house.folder, url) as door:
        hers, his = (
            mail("her roof leaks", Message_ID="<ana.1@example.org>"),
            mail("his garden", sender="bo@example.org"),
        )
        hers.add_attachment(b"a photo of her roof", maintype="image", subtype="png", filename="her_roof.png")
        assert (await door.bring(hers), await door.bring(his, sender="bo@example.org")) == (250, 250)
    asked = asking(house)
    who = await find(asked, ANA)
    to = house.folder.parent / "ana.zip"
    try:
        await export(asked, who, to)
        with zipfile.ZipFile(to) as packed:
            told = packed.read("data.json").decode()
            files = [packed.read(name) for name in packed.namelist() if name.startswith("files/")]
    finally:
        to.unlink(missing_ok=True)
    assert ("her roof leaks" in told, "her_roof.png" in told, "his garden" in told) == (True, True, False)
    assert sorted(files, key=len)[0] == b"a photo of her roof"
    assert b"her roof leaks" in sorted(files, key=len)[1]
    await erase(asked, who, ())
    dump = await dumped(house)
    for trace in (ANA, "her roof leaks", "her_roof.png", "a photo of her roof", "ana.1@example.org"):
        assert trace not in dump
        assert [file for file, content in on_disk(house.folder) if trace.encode() in content] == []
    assert "his garden" in dump
    assert len(door.kept_mails()) == 1


async def test_nothing_that_was_deleted_is_left_in_the_file_of_sqlite(tmp_path: Path) -> None:
    file, secret = tmp_path / "centralino.db", "her dog is ill " * 1_000
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA secure_delete=OFF")  # Debian's SQLite empties pages by itself; others do not
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE letters (words TEXT)")
        connection.execute("INSERT INTO letters VALUES (?)", (secret,))
        connection.execute("DELETE FROM letters")
        connection.commit()
    assert b"her dog is ill" in file.read_bytes()
    database = open_database(database_url("sqlite", tmp_path))
    await database.forget_traces()
    await database.close()
    assert [path for path, content in on_disk(tmp_path) if b"her dog is ill" in content] == []

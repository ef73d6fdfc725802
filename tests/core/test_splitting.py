"""A case that holds two matters is split: what is chosen goes to a new one, with all that belongs to it."""

import asyncio
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, select, text

from cases.case_number import FROM_SPLIT, is_case_number
from cases.channels import Channel
from cases.splitting import Piece, going
from cases.state import CaseRefused, State
from cases.store import Case, case, cases, cases_table, contacts, move_contacts
from centralino import database as database_module
from centralino.case_desk import Asked, CaseDesk, Written
from centralino.clock import as_utc
from centralino.events import CallDisposed, VoicemailEnded, VoicemailStarted
from centralino.settings import load
from centralino.voicemail_desk import VoicemailDesk
from tests.records import House, arrival, desk_of, end

SHIPPED = Path(__file__).parents[2]
ANAS, BEAS = "3331234567", "3337654321"
CALL, MESSAGE, LETTER = Piece("call", "c1", True), Piece("voicemail", "c1", True), Piece("letter", "", True)


@pytest.fixture
def desk(house: House) -> CaseDesk:
    configuration = load(SHIPPED)
    return desk_of(house, lambda: configuration)


def handed_on(house: House, call: str, number: str = ANAS, service: str = "055055") -> None:
    person = house.caller(number)
    house.tell(arrival(call, person, service, service), after_s=60)
    house.tell(CallDisposed(call=call, kind="report", level="handed on", by="a1"), end(call))


async def split(desk: CaseDesk, number: str, *places: int, words: str = "two matters") -> Case:
    """The new case."""
    left = await desk.work(number, Asked("split", "ana", words, contacts=frozenset(places)))
    seen = await desk.case(left.history[-1].about)
    assert seen
    return seen.case


async def the_case(house: House) -> str:
    [found] = await cases(house.database)
    return found.id


def calls_of(found: Case) -> list[str | None]:
    return [contact.call for contact in found.contacts]


def test_a_message_goes_with_its_call() -> None:
    assert going([CALL, MESSAGE, LETTER], [1]) == going([CALL, MESSAGE, LETTER], [2]) == [1, 2]
    assert going([CALL, MESSAGE, LETTER], [3]) == [3]


@pytest.mark.parametrize(
    ("pieces", "places", "says"),
    [
        ([CALL, LETTER], [], "which contacts"),
        ([CALL, LETTER], [1, 3], "there is no contact 3 in it; there are 2"),
        ([CALL, LETTER], [0], "there is no contact 0"),
        ([CALL, LETTER], [1, 2], "nothing would be left"),
        ([CALL, MESSAGE], [2], "nothing would be left"),
        ([LETTER, Piece("call", "c2", False)], [2], "contact 2 is a call that goes on"),
        ([], [1], "there is no contact 1"),
    ],
)
def test_what_cannot_be_split_is_refused(pieces: list[Piece], places: list[int], says: str) -> None:
    with pytest.raises(CaseRefused, match=says):
        going(pieces, places)


async def test_a_call_and_its_message_go_to_a_new_case_and_stay_there(house: House, desk: CaseDesk) -> None:
    handed_on(house, "c1")
    house.tell(arrival("c2", house.caller(ANAS)), after_s=60)
    arrived = as_utc(house.clock.now_s())
    house.tell(VoicemailStarted(call="c2", box="tributi", recording="vm"))
    house.tell(VoicemailEnded(call="c2", recording="vm", kept=True, duration_s=8.5, why="hash"), end("c2"), after_s=5)
    await house.projected()
    number = await the_case(house)
    new = await split(desk, number, 2)
    assert is_case_number(new.id)
    assert new.id.startswith(str(FROM_SPLIT))
    assert (calls_of(new), new.state, new.opened_at, new.number) == (["c2", "c2"], "open", arrived, f"+39{ANAS}")
    left = await desk.case(number)
    assert left
    assert (calls_of(left.case), left.case.state) == (["c1"], "open")
    voicemails = VoicemailDesk(house.database, lambda: load(SHIPPED), lambda: as_utc(house.clock.now_s()), house.folder)
    [message] = await voicemails.to_be_worked_through("")
    assert message.case == new.id
    before = await house.everything()
    await house.projector.rebuild()
    assert await house.everything() == before


async def test_both_histories_tell_of_it(house: House, desk: CaseDesk) -> None:
    handed_on(house, "c1")
    handed_on(house, "c2")
    await house.projected()
    number = await the_case(house)
    new = await split(desk, number, 1, words="the lamp is another matter")
    seen = [await desk.case(each) for each in (number, new.id)]
    told = [(event.act, event.about, event.by, event.words) for one in seen if one for event in one.history]
    words = "the lamp is another matter"
    assert told == [("split", new.id, "ana", words), ("split from", number, "ana", words)]


async def test_a_later_call_joins_the_newer_of_the_two(house: House, desk: CaseDesk) -> None:
    handed_on(house, "c1")
    handed_on(house, "c2")
    await house.projected()
    number = await the_case(house)
    new = await split(desk, number, 2)
    handed_on(house, "c3")
    await house.projected()
    joined, left = await case(house.database, new.id), await case(house.database, number)
    assert joined
    assert left
    assert (calls_of(joined), calls_of(left)) == (["c2", "c3"], ["c1"])


async def test_a_wrong_merge_is_undone_and_each_caller_has_their_own_again(house: House, desk: CaseDesk) -> None:
    handed_on(house, "c1")
    handed_on(house, "c2", BEAS, "800840840")
    handed_on(house, "c3", BEAS, "800840840")
    await house.projected()
    beas, anas = [each.id for each in await cases(house.database)]
    await desk.work(beas, Asked("merge", "ana", "", into=anas))
    new = await split(desk, anas, 3)
    assert (new.number, new.service, calls_of(new)) == (f"+39{BEAS}", "800840840", ["c3"])
    handed_on(house, "c4", BEAS, "800840840")
    await house.projected()
    joined = await case(house.database, new.id)
    assert joined
    assert calls_of(joined) == ["c3", "c4"]


async def test_a_letter_that_a_hand_put_into_anothers_case_is_nobodys_again(house: House, desk: CaseDesk) -> None:
    handed_on(house, "c1")
    await house.projected()
    number = await the_case(house)
    letter = Written(Channel.LETTER, "Not Ana's.", "ana", number="055055", mail="bea@example.org", into=number)
    await desk.take_in(letter)
    new = await split(desk, number, 2)
    assert (new.number, new.person != (await cases(house.database))[-1].person) == ("bea@example.org", True)
    handed_on(house, "c2")
    await house.projected()
    left = await case(house.database, number)
    assert left
    assert calls_of(left) == ["c1", "c2"], "Ana's call does not join it"


async def test_a_letter_of_a_known_telephone_is_theirs(house: House, desk: CaseDesk) -> None:
    handed_on(house, "c1")
    handed_on(house, "c2", BEAS)
    await house.projected()
    beas, anas = [each.id for each in await cases(house.database)]
    await desk.take_in(Written(Channel.LETTER, "Bea's.", "ana", number="055055", phone=BEAS, into=anas))
    new = await split(desk, anas, 2)
    found = await case(house.database, beas)
    assert found
    assert (new.person, new.number) == (found.person, f"+39{BEAS}")


async def test_a_closed_case_may_be_split_and_the_new_one_is_open(house: House, desk: CaseDesk) -> None:
    handed_on(house, "c1")
    handed_on(house, "c2")
    await house.projected()
    number = await the_case(house)
    await desk.work(number, Asked("close", "ana", "done"))
    assert (await split(desk, number, 2)).state == State.OPEN
    left = await case(house.database, number)
    assert left
    assert left.state == State.CLOSED


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (Asked("split", "ana", "why"), "needs their places"),
        (Asked("note", "ana", "x", contacts=frozenset({1})), "are for `split`"),
        (Asked("split", "ana", " ", contacts=frozenset({2})), "needs words"),
        (Asked("split", "ana", "why", contacts=frozenset({3})), "no contact 3"),
        (
            Asked("split", "rita", "why", office="protezione-civile/esperti", contacts=frozenset({2})),
            "not for the role",
        ),
    ],
)
async def test_what_may_not_be_is_refused_and_changes_nothing(
    house: House, desk: CaseDesk, asked: Asked, says: str
) -> None:
    handed_on(house, "c1")
    handed_on(house, "c2")
    await house.projected()
    number, before = await the_case(house), await house.everything()
    with pytest.raises(CaseRefused, match=says):
        await desk.work(number, asked)
    assert await house.everything() == before


async def test_a_call_that_goes_on_stays(house: House, desk: CaseDesk) -> None:
    handed_on(house, "c1")
    house.tell(arrival("c2", house.caller(ANAS)), after_s=60)
    await house.projected()
    number = await the_case(house)
    with pytest.raises(CaseRefused, match="goes on"):
        await split(desk, number, 2)


async def test_contacts_of_before_a_case_could_be_split_know_whose_they_are(house: House) -> None:
    handed_on(house, "c1")
    house.tell(arrival("c2", house.caller(BEAS)), VoicemailStarted(call="c2", box="tributi", recording="vm"))
    house.tell(VoicemailEnded(call="c2", recording="vm", kept=True, duration_s=8.5, why="hash"), end("c2"))
    await house.projected()
    before = await house.everything()

    def down_and_up(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(database_module.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.downgrade(config, "0013")
        connection.execute(text("update contacts set person = null where kind <> 'call-back'"))
        command.upgrade(config, "head")

    async with house.database.engine.begin() as connection:
        await connection.run_sync(down_and_up)
    assert await house.everything() == before


async def test_what_is_said_of_a_call_while_it_goes_to_another_case_stands_with_that_one(
    house: House, desk: CaseDesk
) -> None:
    handed_on(house, "c1")
    handed_on(house, "c2", BEAS)
    await house.projected()
    first, second = [found.id for found in reversed(await cases(house.database))]
    async with house.database.writing() as connection:
        await connection.execute(select(cases_table).where(cases_table.c.id == first).with_for_update())
        house.tell(CallDisposed(call="c1", kind="complaint", level="handed on", by="a1"))
        if connection.dialect.name == "postgresql":
            await somebody_waits(house)
        await move_contacts(connection, contacts.c.call == "c1", second)
    await house.projected()
    kinds = {found.id: found.kind for found in await cases(house.database)}
    assert kinds == {first: "report", second: "complaint"}


async def somebody_waits(house: House) -> None:
    """For a lock of PostgreSQL's."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    async with asyncio.timeout(10):
        while True:
            async with house.database.reading() as connection:
                if (await connection.execute(waiting)).scalar():
                    return
            await asyncio.sleep(0.01)

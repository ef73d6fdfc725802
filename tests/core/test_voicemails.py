"""Messages that callers left stand on a list until somebody is done with them, and their case closes with the last."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from cases.history import Work, histories
from cases.history import work_on as work_on_case
from cases.messages import Act, Doing, How, State
from cases.state import Act as CaseAct
from cases.state import CaseRefused, Role, Worker
from cases.store import Case, case, cases
from cases.voicemails import Message, message, newest, to_be_worked_through, work_on
from centralino import database as database_module
from centralino.clock import as_utc
from centralino.events import VoicemailEnded, VoicemailStarted
from tests.records import House, arrival, end

ANA, BO = Worker("a1001", Role.AGENT), Worker("a1002", Role.AGENT)


def now(house: House) -> datetime:
    return as_utc(house.clock.now_s())


def leave_message(house: House, call: str, number: str = "3331234567", box: str = "tributi", day: str = "d") -> None:
    person, recording = house.caller(number), f"{day}/{call}"
    house.tell(arrival(call, person), VoicemailStarted(call=call, box=box, recording=recording))
    told = {"recording": recording, "box": box, "person": person, "why": "hash"}
    house.tell(VoicemailEnded(call=call, kept=True, duration_s=8.5, **told), end(call), after_s=60)


async def do(house: House, call: str, act: Act, worker: Worker = ANA) -> Message:
    how = How.CALLED_BACK if act is Act.DONE else None
    await work_on(house.database, call, Doing(act, now(house), how), worker)
    return await message(house.database, now(house), call)


async def calls_on_the_list(house: House, box: str = "") -> list[str]:
    return [each.call for each in await to_be_worked_through(house.database, now(house), box)]


async def case_of(house: House, call: str) -> Case:
    found = await message(house.database, now(house), call)
    its = await case(house.database, found.case)
    assert its
    return its


async def test_messages_wait_until_they_are_done_however_old_the_longest_waiting_first(house: House) -> None:
    leave_message(house, "c1")
    house.clock.advance(timedelta(days=400).total_seconds())
    leave_message(house, "c2", "3337654321", "anagrafe")
    await house.projected()
    assert await calls_on_the_list(house) == ["c1", "c2"]
    assert await calls_on_the_list(house, "anagrafe") == ["c2"]
    first, _ = await to_be_worked_through(house.database, now(house))
    assert (first.number, first.box, first.recording, first.duration_s) == ("+393331234567", "tributi", "d/c1", 8.5)
    assert (first.state, first.waited_s) == (State.WAITING, 400 * 86_400 + 180)
    await do(house, "c1", Act.DONE)
    house.clock.advance(60)
    done = await message(house.database, now(house), "c1")
    assert (done.state, done.waited_s) == (State.DONE, 400 * 86_400 + 180)
    assert await calls_on_the_list(house) == ["c2"]
    assert [each.call for each in await newest(house.database, now(house), 2)] == ["c2", "c1"]
    assert [each.call for each in await newest(house.database, now(house), 1)] == ["c2"]


async def test_each_act_stands_in_the_history_of_the_case_which_closes_with_the_last_message(house: House) -> None:
    leave_message(house, "c1")
    leave_message(house, "c2")
    await house.projected()
    for act in (Act.CLAIM, Act.LISTEN, Act.GIVE_BACK, Act.DONE):
        await do(house, "c1", act)
    assert (await case_of(house, "c1")).state == "open", "c2 is still to be heard"
    await do(house, "c2", Act.DONE)
    closed = await case_of(house, "c2")
    assert (closed.state, closed.closed_why, closed.closed_by) == ("closed", "nothing left to do", None)
    history = (await histories(house.database, [closed.id]))[closed.id]
    assert [(event.act, event.about, event.by, event.words) for event in history] == [
        ("claimed the message of", "c1", "a1001", ""),
        ("listened to the message of", "c1", "a1001", ""),
        ("gave back the message of", "c1", "a1001", ""),
        ("is done with the message of", "c1", "a1001", "called back"),
        ("is done with the message of", "c2", "a1001", "called back"),
    ]
    await do(house, "c2", Act.UNDO)
    again = await case_of(house, "c2")
    assert (again.state, again.closed_at, again.closed_why) == ("open", None, None)
    assert await calls_on_the_list(house) == ["c2"]


async def test_a_case_stays_open_with_a_later_call_that_goes_on_or_once_somebody_worked_on_it(house: House) -> None:
    leave_message(house, "c1")
    house.tell(arrival("c2", house.caller("3331234567")))
    await house.projected()
    await do(house, "c1", Act.DONE)
    assert (await case_of(house, "c1")).state == "open"
    house.tell(end("c2"))
    await house.projected()
    assert (await case_of(house, "c1")).state == "closed", "the message keeps it open no more"
    leave_message(house, "c3")
    await house.projected()
    its = await case_of(house, "c3")
    note = Work(its.id, CaseAct.NOTE, ANA, now(house), words="she will write")
    await work_on_case(house.database, note, ())
    await do(house, "c3", Act.DONE)
    assert (await case_of(house, "c3")).state == "open"


async def test_a_message_is_on_the_list_also_where_its_case_was_closed_by_somebody(house: House) -> None:
    leave_message(house, "c1")
    await house.projected()
    its = await case_of(house, "c1")
    close = Work(its.id, CaseAct.CLOSE, ANA, now(house), words="answered by mail")
    await work_on_case(house.database, close, ())
    assert await calls_on_the_list(house) == ["c1"]
    await do(house, "c1", Act.DONE)
    await do(house, "c1", Act.UNDO)
    assert (await case_of(house, "c1")).closed_why == "answered by mail"
    assert await calls_on_the_list(house) == ["c1"]


async def test_a_message_goes_with_its_case_into_another_and_keeps_its_callers_number(house: House) -> None:
    leave_message(house, "c1")
    leave_message(house, "c2", "3337654321")
    await house.projected()
    first, second = await case_of(house, "c1"), await case_of(house, "c2")
    merge = Work(second.id, CaseAct.MERGE, ANA, now(house), into=first.id)
    await work_on_case(house.database, merge, ())
    found = await do(house, "c2", Act.CLAIM)
    assert (found.case, found.number) == (first.id, "+393337654321")


async def test_a_message_left_after_its_case_was_merged_has_its_callers_number(house: House) -> None:
    leave_message(house, "c1")
    person = house.caller("3337654321")
    house.tell(arrival("c2", person))
    await house.projected()
    [second] = [one for one in await cases(house.database) if one.opened_by_call == "c2"]
    merge = Work(second.id, CaseAct.MERGE, ANA, now(house), into=(await case_of(house, "c1")).id)
    await work_on_case(house.database, merge, ())
    kept = VoicemailEnded(call="c2", recording="d/c2", kept=True, duration_s=3, why="hash", box="x", person=person)
    house.tell(kept, end("c2"))
    await house.projected()
    assert (await message(house.database, now(house), "c2")).number == "+393337654321"


async def test_a_call_has_one_message_whatever_the_journal_tells_twice(house: House) -> None:
    leave_message(house, "c1")
    house.tell(VoicemailEnded(call="c1", recording="d/c1", kept=True, duration_s=0, why="a fault"), after_s=1)
    await house.projected()
    first = await message(house.database, now(house), "c1")
    assert (await calls_on_the_list(house), first.duration_s) == (["c1"], 8.5)
    assert len((await case_of(house, "c1")).contacts) == 3, "nothing of the journal was left out"
    await do(house, "c1", Act.DONE)
    assert (await case_of(house, "c1")).state == "closed"


async def test_of_many_who_claim_at_once_one_wins_and_the_others_are_told_who(house: House) -> None:
    leave_message(house, "c1")
    await house.projected()
    told = await asyncio.gather(
        *(do(house, "c1", Act.CLAIM, Worker(f"a{n}", Role.AGENT)) for n in range(8)), return_exceptions=True
    )
    refusals = [str(one) for one in told if isinstance(one, CaseRefused)]
    assert len(refusals) == 7
    found = await message(house.database, now(house), "c1")
    assert set(refusals) == {f"{found.claimed_by} has the message of c1, since 0 minutes ago"}


async def test_what_people_do_while_calls_come_is_lost_on_neither_side(house: House) -> None:
    for n in range(10):
        leave_message(house, f"c{n}")
    await house.projected()
    for n in range(10, 20):
        leave_message(house, f"c{n}")
    await asyncio.gather(*(do(house, f"c{n}", Act.DONE) for n in range(10)), house.projected())
    assert await calls_on_the_list(house) == [f"c{n}" for n in range(10, 20)]
    assert {(await case_of(house, f"c{n}")).state for n in range(10, 20)} == {"open"}, "c0's may be another, and closed"


async def test_what_people_did_survives_that_the_calls_are_projected_anew(house: House) -> None:
    for n in range(3):
        leave_message(house, f"c{n}")
    await house.projected()
    await do(house, "c0", Act.DONE)
    await do(house, "c1", Act.CLAIM)
    await do(house, "c2", Act.LISTEN)
    before = await house.everything()
    await house.projector.rebuild()
    assert await house.everything() == before


async def test_there_is_no_message_where_none_was_kept(house: House) -> None:
    house.tell(arrival("c1", house.caller("3331234567")), VoicemailStarted(call="c1", box="tributi", recording="d/c1"))
    house.tell(VoicemailEnded(call="c1", recording="d/c1", kept=False, duration_s=0, why="silence"), end("c1"))
    await house.projected()
    assert await calls_on_the_list(house) == []
    with pytest.raises(CaseRefused, match="no message was left in a call `c1`"):
        await do(house, "c1", Act.CLAIM)


async def test_messages_of_before_there_was_a_list_come_onto_it(house: House) -> None:
    leave_message(house, "c1")
    leave_message(house, "c2", "3337654321", "anagrafe")
    await house.projected()
    before = await house.everything()

    def down_and_up(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(database_module.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.downgrade(config, "0009")
        command.upgrade(config, "head")

    async with house.database.engine.begin() as connection:
        await connection.run_sync(down_and_up)
    assert await house.everything() == before

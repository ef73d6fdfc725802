"""Asterisk's records against our calls: each thing that can be missing is found and said."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cases.store import cases_table
from centralino.database import Database, database_url, open_database
from supervision.audit import CdrRow, FindingKind, UnreadableCdr, audit, read_cdr
from supervision.calls_view import CallRow, CallState
from supervision.store import save_calls

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NOW_S = (START + timedelta(hours=1)).timestamp()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_database(database_url("sqlite", tmp_path))
    await opened.upgrade()
    async with opened.engine.begin() as connection:
        case = {"id": "10000011", "state": "open", "opened_at": START, "service": "055055", "person": "k", "why": "x"}
        await connection.execute(cases_table.insert(), [case])
    yield opened
    await opened.close()


async def put_call(
    database: Database, call: str, *, ended: bool = True, case: str | None = "10000011", back_of: str | None = None
) -> None:
    row = CallRow(
        id=call,
        node="main",
        dialled="055055",
        service="055055",
        person="k",
        withheld=False,
        language="it",
        arrived_at=START,
        state=CallState.ENDED if ended else CallState.TALKING,
        ended_at=START + timedelta(minutes=2) if ended else None,
        case_id=case,
        call_back_of=back_of,
    )
    async with database.engine.begin() as connection:
        await save_calls(connection, [row])


def cdr(call: str, context: str = "from-carrier", ended_before_s: float = 3480) -> CdrRow:
    return CdrRow(call, context, "055055", START, datetime.fromtimestamp(NOW_S - ended_before_s, UTC))


async def kinds(database: Database, *rows: CdrRow) -> list[tuple[FindingKind, str]]:
    return [(finding.kind, finding.call) for finding in await audit(database, rows, now_s=NOW_S)]


async def test_calls_that_fit_give_no_finding(database: Database) -> None:
    await put_call(database, "main-1.1")
    assert await kinds(database, cdr("main-1.1"), cdr("main-1.1"), cdr("leg-1", context="")) == []


async def test_a_call_back_that_was_placed_or_that_rang_nobody_fits(database: Database) -> None:
    for call in ("main-1.1", "main-1.2"):
        await put_call(database, call)
        await put_call(database, f"{call}-back1", back_of=call)
    legs = (cdr("main-1.1-back1-leg1", context="from-phones"), cdr("main-1.1-back1-leg0"))
    assert await kinds(database, cdr("main-1.1"), cdr("main-1.2"), *legs) == []


async def test_an_office_that_was_rung_outside_is_no_call_that_came_in(database: Database) -> None:
    await put_call(database, "main-1.1")
    assert await kinds(database, cdr("main-1.1"), cdr("main-1.1-leg01"), cdr("main-1.1-leg01-way2")) == []


async def test_a_record_without_a_call_is_found(database: Database) -> None:
    assert await kinds(database, cdr("main-1.1")) == [(FindingKind.CALL_MISSING, "main-1.1")]


async def test_an_ended_call_without_a_case_is_found(database: Database) -> None:
    await put_call(database, "main-1.1", case=None)
    assert await kinds(database, cdr("main-1.1")) == [(FindingKind.CASE_MISSING, "main-1.1")]


async def test_a_call_that_ended_only_in_asterisk_is_found(database: Database) -> None:
    await put_call(database, "main-1.1", ended=False)
    assert await kinds(database, cdr("main-1.1")) == [(FindingKind.NOT_ENDED, "main-1.1")]


async def test_an_ended_call_without_a_record_is_found(database: Database) -> None:
    await put_call(database, "main-1.1")
    assert await kinds(database) == [(FindingKind.CDR_MISSING, "main-1.1")]


async def test_a_call_that_goes_on_needs_no_record(database: Database) -> None:
    await put_call(database, "main-1.1", ended=False, case=None)
    assert await kinds(database) == []


async def test_what_ended_a_moment_ago_may_still_be_on_its_way(database: Database) -> None:
    await put_call(database, "main-1.1", ended=False)
    assert await kinds(database, cdr("main-1.1", ended_before_s=2), cdr("main-1.2", ended_before_s=2)) == []


async def test_what_arrived_before_the_audited_time_is_left_out(database: Database) -> None:
    await put_call(database, "main-1.1", case=None)
    assert await audit(database, [cdr("main-1.2")], now_s=NOW_S, since=START + timedelta(seconds=1)) == ()


async def test_a_finding_says_in_a_sentence_what_is_wrong(database: Database) -> None:
    [finding] = await audit(database, [cdr("main-1.1")], now_s=NOW_S)
    assert finding.sentence == (
        "Asterisk recorded call main-1.1, ended 2026-11-23 09:02:00 UTC, but we have no call with this id."
    )


# Asterisk's file

BEGAN_S = START.timestamp()
COLUMNS = ("uniqueid", "src", "dst", "dcontext", "start", "end", "userfield")
LINE = f'"main-1.1","Ana, ""O\'Neil""","055055","from-carrier","{BEGAN_S}","{BEGAN_S + 120.25}",""\n'


def test_the_csv_file_of_asterisk_is_read(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text(LINE.replace("Ana", "An\0a\u00e9") * 2)
    rows = read_cdr(tmp_path / "calls.csv", COLUMNS)
    expected = CdrRow("main-1.1", "from-carrier", "055055", START, START + timedelta(seconds=120.25))
    assert rows == (expected, expected)


def test_a_last_line_that_is_still_being_written_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text(LINE + LINE[:40])
    assert len(read_cdr(tmp_path / "calls.csv", COLUMNS)) == 1


@pytest.mark.parametrize("line", ["a,b\n", LINE.replace(str(BEGAN_S), "yesterday")])
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "calls.csv").write_text(LINE + line)
    with pytest.raises(UnreadableCdr, match=r"calls\.csv: record 2"):
        read_cdr(tmp_path / "calls.csv", COLUMNS)


async def test_callers_who_were_turned_away_or_heard_the_fallback_are_one_line_each_with_the_reason(
    database: Database,
) -> None:
    rows = [
        *(replace(cdr(f"main-9.{n}"), note="full for 055055") for n in range(3)),
        replace(cdr("main-8.1"), note="fallback for 055055: engine away"),
    ]
    findings = await audit(database, rows, now_s=NOW_S)
    assert [(finding.kind, finding.sentence.split(":")[0]) for finding in findings] == [
        (FindingKind.TURNED_AWAY, "3 callers were turned away"),
        (FindingKind.FALLBACK, "1 caller heard the announcement that says to call later"),
    ]

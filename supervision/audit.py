"""Asterisk's own records of calls held against ours: nothing that came in may be missing."""

import asyncio
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from centralino.clock import as_utc
from centralino.database import Database
from centralino.events import ENDED_UNSEEN
from recordings.files import is_there
from supervision.calls_view import CallState
from supervision.recordings_view import kept
from supervision.store import Call, calls_since

INBOUND = ("from-carrier", "fallback")  # fallback: Asterisk spoke alone, since no engine was there
# Whom we rang, inside or outside, by a further carrier too; Asterisk's own ids end in a number after a dot.
OUR_LEG = re.compile(r"-leg\d+(-way\d+)?$")
GRACE_S = 5.0  # so long may the other side of a call's end be on its way
LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CdrRow:
    """One of Asterisk's call detail records, written when a channel has ended. `uniqueid` is the call's id."""

    uniqueid: str
    dcontext: str
    dst: str
    start: datetime
    end: datetime
    note: str = ""  # what our own dialplan wrote of it


class FindingKind(StrEnum):
    CALL_MISSING = "call missing"
    TURNED_AWAY = "turned away"
    FALLBACK = "fallback"
    CASE_MISSING = "case missing"
    NOT_ENDED = "call not ended"
    CDR_MISSING = "CDR missing"
    RECORDING_MISSING = "recording missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not fit. `call` is the call's id, `sentence` says what is wrong with it."""

    kind: FindingKind
    call: str
    sentence: str


class UnreadableCdr(Exception):
    """A line of Asterisk's CDR file does not have the columns or the times that we were told to expect."""


def read_cdr(path: Path, columns: Sequence[str]) -> tuple[CdrRow, ...]:
    """The records of a CSV file of Asterisk's, whose times are in seconds since 1970. A last line that is still being
    written is left out. Raises UnreadableCdr, or OSError.
    """
    with path.open(encoding="utf-8", errors="replace", newline="") as lines:
        # why: a caller's name may hold a NUL, which no record needs
        rows = csv.reader(line.replace("\0", "") for line in lines if line.endswith("\n"))
        return tuple(_cdr_rows(rows, path.name, columns))


async def audit(
    database: Database,
    cdr_rows: Sequence[CdrRow],
    *,
    now_s: float,
    since: datetime = LONG_AGO,
    inbound: Sequence[str] = INBOUND,
) -> tuple[Finding, ...]:
    """What does not fit between Asterisk's records and our calls that arrived at `since` or later.

    `now_s` is the instant of the audit: what ended in the last 5 s before it may still be on its way.
    """
    settled = as_utc(now_s - GRACE_S)
    calls = {call.id: call for call in await calls_since(database, LONG_AGO)}
    ended_at = _inbound_ends(cdr_rows, inbound, since)
    unanswered = {row.uniqueid: row for row in cdr_rows if row.note and row.uniqueid not in calls}
    asked = {call: end for call, end in ended_at.items() if call not in unanswered}
    return (
        *_unanswered([row for row in unanswered.values() if row.start >= since]),
        *_calls_missing(calls, asked, settled),
        *_not_ended(calls, ended_at, settled),
        *(finding for call in calls.values() if call.arrived_at >= since for finding in _of_call(call, settled)),
        *_cdrs_missing(calls, {row.uniqueid for row in cdr_rows}, since, settled),
    )


async def recordings_missing(database: Database, folder: Path) -> tuple[Finding, ...]:
    """Recordings that were made and not deleted by us, and whose files are not in `folder` any more."""
    made = [one for one in await kept(database) if one.duration_s]
    gone = await asyncio.to_thread(lambda: [one for one in made if not is_there(folder, one.name)])
    text = "The {kind} recorded as {name}, {long:.0f} s, is not there any more, and nothing says that it was deleted."
    return tuple(
        Finding(FindingKind.RECORDING_MISSING, one.call, text.format(kind=one.kind, name=one.name, long=one.duration_s))
        for one in gone
    )


def _inbound_ends(cdr_rows: Sequence[CdrRow], inbound: Sequence[str], since: datetime) -> dict[str, datetime]:
    """When each inbound call ended; Asterisk may write several records for one. Whom we rang through the carrier stands
    in its context too.
    """
    ends: dict[str, datetime] = {}
    for row in cdr_rows:
        if row.dcontext in inbound and row.start >= since and not OUR_LEG.search(row.uniqueid):
            ends[row.uniqueid] = max(row.end, ends.get(row.uniqueid, row.end))
    return ends


def _calls_missing(calls: dict[str, Call], ended_at: dict[str, datetime], settled: datetime) -> Iterator[Finding]:
    for call, end in ended_at.items():
        if call not in calls and end <= settled:
            text = f"Asterisk recorded call {call}, ended {_shown(end)}, but we have no call with this id."
            yield Finding(FindingKind.CALL_MISSING, call, text)


def _unanswered(rows: Sequence[CdrRow]) -> Iterator[Finding]:
    """Callers whom Asterisk never brought to the engine, as its dialplan notes; one line for each reason."""
    reasons = (
        (FindingKind.TURNED_AWAY, "full for", "were turned away: as many calls as `carrier.channels` allows were here"),
        (FindingKind.FALLBACK, "fallback for", "heard the announcement that says to call later: no engine was there"),
    )
    for kind, begins, what in reasons:
        if found := [row for row in rows if row.note.startswith(begins)]:
            first, last = min(row.start for row in found), max(row.start for row in found)
            who = "1 caller" if len(found) == 1 else f"{len(found)} callers"
            text = f"{who} {what} ({_shown(first)} to {_shown(last)})."
            yield Finding(kind, found[0].uniqueid, text)


def _not_ended(calls: dict[str, Call], ended_at: dict[str, datetime], settled: datetime) -> Iterator[Finding]:
    for call, end in ended_at.items():
        if call in calls and calls[call].state is not CallState.ENDED and end <= settled:
            text = f"Call {call} ended in Asterisk {_shown(end)}, but with us it is still {calls[call].state}."
            yield Finding(FindingKind.NOT_ENDED, call, text)


def _of_call(call: Call, settled: datetime) -> Iterator[Finding]:
    if call.ended_at is not None and call.ended_at <= settled and call.case_id is None:
        yield Finding(FindingKind.CASE_MISSING, call.id, f"Call {call.id} ended, but it stands against no case.")


def _cdrs_missing(calls: dict[str, Call], recorded: set[str], since: datetime, settled: datetime) -> Iterator[Finding]:
    for call in calls.values():
        if call.ended_at is None or call.ended_at > settled or call.arrived_at < since or call.id in recorded:
            continue
        if call.why == ENDED_UNSEEN:
            continue  # an Asterisk that died wrote no record of the calls that died with it
        if call.call_back_of:
            continue  # we place it: Asterisk knows its legs, and none where nobody was rung
        text = f"Call {call.id} ended {_shown(call.ended_at)}, but Asterisk has no record of it."
        yield Finding(FindingKind.CDR_MISSING, call.id, text)


def _cdr_rows(rows: Iterator[list[str]], name: str, columns: Sequence[str]) -> Iterator[CdrRow]:
    for number, values in enumerate(rows, start=1):
        try:
            row = dict(zip(columns, values, strict=True))
            start, end = _instant(row["start"]), _instant(row["end"])
        except ValueError as wrong:
            raise UnreadableCdr(f"{name}: record {number}: {wrong}") from wrong
        yield CdrRow(row["uniqueid"], row["dcontext"], row["dst"], start, end, row.get("userfield", ""))


def _instant(text: str) -> datetime:
    return as_utc(float(text))


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"

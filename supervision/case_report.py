"""What came of the cases of some days: how many were opened, closed, and solved at the first level, and what about."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, not_, or_, select

from agents.disposition import Level
from cases.channels import Channel
from cases.state import Act, State
from cases.store import BY_RULE, case_events, cases_table, contacts
from centralino.database import Database
from supervision.store import calls_table

EntityOf = Callable[[str | None, str], str]


class Dimension(StrEnum):
    """By what cases are counted."""

    ENTITY = "entity"
    CHANNEL = "channel"  # how the citizen came first; a call that left a message is a voicemail
    KIND = "kind"
    TOPIC = "topic"


@dataclass(frozen=True, slots=True)
class Days:
    """Which cases: those opened from `since` until before `until`, of the number `service` and of `entity`, where
    these are not empty. One that was merged into another is that other one's.
    """

    since: datetime
    until: datetime
    service: str = ""
    entity: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """`closed`: before the days were over. `at_first_level`: of these, the ones that somebody dealt with (a call was
    answered, or people worked on the case, or on its message) without asking an office.
    """

    opened: int = 0
    closed: int = 0
    at_first_level: int = 0

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(
            self.opened + other.opened, self.closed + other.closed, self.at_first_level + other.at_first_level
        )


@dataclass(frozen=True, slots=True)
class CaseReport:
    """`by`: for each dimension, the cases by their value, the most first; an empty value: nobody said."""

    days: Days
    total: Counted = Counted()
    by: dict[Dimension, dict[str, Counted]] = field(default_factory=dict)


async def case_report(database: Database, days: Days, entity_of: EntityOf) -> CaseReport:
    """`entity_of`: whose a case is, by what it says of its entity (None: nothing) and its service number; empty: nobody
    can say. Raises DatabaseAway.
    """
    async with database.reading() as connection:
        rows = (await connection.execute(_counts(days))).all()
    counted = [(entity_of(row.entity, row.service), row) for row in rows]
    return _summed(days, [(entity, row) for entity, row in counted if days.entity in ("", entity)])


# --- within


def _summed(days: Days, rows: Iterable[tuple[str, Any]]) -> CaseReport:
    total, by = Counted(), {dimension: defaultdict[str, Counted](Counted) for dimension in Dimension}
    for entity, row in rows:
        here = Counted(row.opened, row.closed, row.at_first_level)
        values = {"entity": entity, "channel": row.channel, "kind": row.kind or "", "topic": row.topic or ""}
        for dimension in Dimension:
            by[dimension][values[dimension]] += here
        total += here
    return CaseReport(days, total, {dimension: _most_first(counts) for dimension, counts in by.items()})


def _most_first(counts: dict[str, Counted]) -> dict[str, Counted]:
    return dict(sorted(counts.items(), key=lambda one: (-one[1].opened, one[0])))


def _counts(days: Days) -> Any:
    columns = cases_table.c
    closed = columns.closed_at.is_not(None) & (columns.closed_at < days.until)
    kept = [_channel().label("channel"), columns.entity, columns.service, columns.kind, columns.topic]
    first_level = closed & _was_dealt_with() & ~_an_office_was_asked()
    each = select(*kept, _one_if(closed).label("closed"), _one_if(first_level).label("first_level"))
    within = (columns.opened_at >= days.since) & (columns.opened_at < days.until) & (columns.state != State.MERGED)
    if days.service:
        within &= columns.service == days.service
    rows = each.where(within).subquery()
    groups = [rows.c[name] for name in ("channel", "entity", "service", "kind", "topic")]
    sums = func.sum(rows.c.closed).label("closed"), func.sum(rows.c.first_level).label("at_first_level")
    return select(*groups, func.count().label("opened"), *sums).group_by(*groups)


def _one_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _channel() -> ColumnElement[str]:
    left_a_message = exists().where(
        contacts.c.call == cases_table.c.opened_by_call, contacts.c.kind == Channel.VOICEMAIL
    )
    first = select(contacts.c.kind).where(contacts.c.case_id == cases_table.c.id).order_by(contacts.c.at, contacts.c.id)
    return case(
        (and_(cases_table.c.opened_by_call.is_not(None), not_(left_a_message)), Channel.CALL.value),
        (cases_table.c.opened_by_call.is_not(None), Channel.VOICEMAIL.value),
        else_=func.coalesce(first.limit(1).scalar_subquery(), ""),
    )


def _was_dealt_with() -> ColumnElement[bool]:
    its_call = (contacts.c.case_id == cases_table.c.id) & (calls_table.c.id == contacts.c.call)
    answered = exists().where(its_call, calls_table.c.answered_at.is_not(None))
    worked_on = exists().where(case_events.c.case_id == cases_table.c.id, case_events.c.role != BY_RULE)
    return or_(answered, worked_on)


def _an_office_was_asked() -> ColumnElement[bool]:
    handed_over = exists().where(case_events.c.case_id == cases_table.c.id, case_events.c.act == Act.HAND_OVER)
    return or_(func.coalesce(cases_table.c.level, "") == Level.HANDED_ON, handed_over)

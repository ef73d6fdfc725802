"""Reports, as the command line and the API ask for them: of days of ours, with names as people write them."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cases.state import CaseRefused
from centralino.clock import FIRST_YEAR, LAST_YEAR
from centralino.database import Database
from centralino.located import did_you_mean, shown
from centralino.settings import Configuration
from supervision.case_report import CaseReport, Days, case_report


@dataclass(frozen=True, slots=True)
class Asked:
    """From the day `first` (empty: the first of the month of `last`) to the day `last` (empty: today), as
    `2026-11-22`; only of `number` and `entity`, where these are not empty.
    """

    first: str = ""
    last: str = ""
    number: str = ""
    entity: str = ""


async def report_of_cases(database: Database, asked: Asked, configuration: Configuration, now: datetime) -> CaseReport:
    """Raises CaseRefused, DatabaseAway."""
    days = days_of(asked, configuration, now)
    return await case_report(database, days, configuration.entities.id_of_case)


def days_of(asked: Asked, configuration: Configuration, now: datetime) -> Days:
    """Raises CaseRefused."""
    numbers, entities, zone = configuration.dialplans, configuration.entities.entities, configuration.settings.time_zone
    if asked.number and asked.number not in numbers:
        raise CaseRefused(f"there is no number {shown(asked.number)}; {did_you_mean(asked.number, numbers)}")
    if asked.entity and asked.entity not in entities:
        raise CaseRefused(f"there is no entity {shown(asked.entity)}; {did_you_mean(asked.entity, entities)}")
    last = _day(asked.last) if asked.last else now.astimezone(zone).date()
    first = _day(asked.first) if asked.first else last.replace(day=1)
    if first > last:
        raise CaseRefused(f"{first} is after {last}: no day is between them")
    return Days(_begin(first, zone), _begin(last + timedelta(days=1), zone), asked.number, asked.entity)


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as wrong:
        raise CaseRefused(f"{shown(text)} is no day; write it as 2026-11-22") from wrong
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise CaseRefused(f"the year of {shown(text)} is out of range; write one from {FIRST_YEAR} to {LAST_YEAR}")
    return day

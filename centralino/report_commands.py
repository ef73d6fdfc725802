"""The reports on the command line."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from centralino.clock import FIRST_YEAR, LAST_YEAR, as_utc
from centralino.installed import engines_time_s, in_force, with_database
from centralino.located import did_you_mean, shown
from centralino.options import HERE, VAR, AsJson, Config, State, Stop

if TYPE_CHECKING:
    from centralino.settings import Configuration
    from supervision.case_report import Days

report = typer.Typer(no_args_is_help=True, help="What came of some days, counted from what stands on record.")


def add_report_commands(app: typer.Typer) -> None:
    app.add_typer(report, name="report")


@report.command("cases")
def of_cases(
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="2026-11-01; else the 1st of this month.")] = "",
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="Included; else today.")] = "",
    number: Annotated[str, typer.Option("--number", help="Only of that number of ours.")] = "",
    entity: Annotated[str, typer.Option("--entity", help="Only of that entity of entities.yaml.")] = "",
    config: Config = HERE,
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """The cases that were opened: closed, solved at the first level; by entity, channel, kind and topic."""
    from centralino import shown_reports
    from supervision.case_report import case_report

    configuration = in_force(config, state)
    days = _days(first, last, configuration, state)
    asked = _asked(days, number, entity, configuration)
    found = with_database(
        config, state, lambda database: case_report(database, asked, configuration.entities.id_of_case)
    )
    shown_reports.of_cases(found, configuration.settings.time_zone, as_json=as_json)


def _days(first: str, last: str, configuration: Configuration, state: Path) -> tuple[datetime, datetime]:
    """From the first instant of a day of ours to that after the last."""
    zone = configuration.settings.time_zone
    today = as_utc(engines_time_s(state)).astimezone(zone).date()
    to_day = _day(last) if last else today
    from_day = _day(first) if first else to_day.replace(day=1)
    if from_day > to_day:
        raise Stop(f"{from_day} is after {to_day}: no day is between them")
    return _begin(from_day, zone), _begin(to_day + timedelta(days=1), zone)


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as wrong:
        raise Stop(f"{shown(text)} is no day; write it as 2026-11-22") from wrong
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Stop(f"the year of {shown(text)} is out of range; write one from {FIRST_YEAR} to {LAST_YEAR}")
    return day


def _asked(days: tuple[datetime, datetime], number: str, entity: str, configuration: Configuration) -> Days:
    from supervision.case_report import Days

    numbers, entities = configuration.dialplans, configuration.entities.entities
    if number and number not in numbers:
        raise Stop(f"there is no number {shown(number)}; {did_you_mean(number, numbers)}")
    if entity and entity not in entities:
        raise Stop(f"there is no entity {shown(entity)}; {did_you_mean(entity, entities)}")
    return Days(*days, number, entity)

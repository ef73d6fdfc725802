"""The reports on the command line."""

from typing import Annotated

import typer

from cases.state import CaseRefused
from centralino.clock import as_utc
from centralino.installed import engines_time_s, in_force, with_database
from centralino.options import HERE, VAR, AsJson, Config, State, Stop

report = typer.Typer(no_args_is_help=True, help="What came of some days, counted from what stands on record.")


@report.callback()
def reports() -> None:
    """Each report is a command."""


@report.command("cases")
def of_cases(
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="2026-11-01; else the 1st of the month.")] = "",
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="Included; else today.")] = "",
    number: Annotated[str, typer.Option("--number", help="Only of that number of ours.")] = "",
    entity: Annotated[str, typer.Option("--entity", help="Only of that entity of entities.yaml.")] = "",
    config: Config = HERE,
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """The cases that were opened: closed, solved at the first level; by entity, channel, kind and topic."""
    from centralino import shown_reports
    from centralino.reports import Asked, report_of_cases

    configuration, now = in_force(config, state), as_utc(engines_time_s(state))
    asked = Asked(first, last, number, entity)
    try:
        found = with_database(config, state, lambda database: report_of_cases(database, asked, configuration, now))
    except CaseRefused as refused:
        raise Stop(str(refused)) from refused
    shown_reports.of_cases(found, configuration.settings.time_zone, as_json=as_json)

"""What the command line shows of reports."""

import dataclasses
from datetime import timedelta
from zoneinfo import ZoneInfo

from centralino.printing import print_json, print_line, print_table
from supervision.case_report import CaseReport, Counted

NOT_SAID = "(not said)"


def of_cases(report: CaseReport, zone: ZoneInfo, *, as_json: bool) -> None:
    """All counts, then each dimension as a table."""
    if as_json:
        return print_json(dataclasses.asdict(report))
    first, last = report.days.since.astimezone(zone), report.days.until.astimezone(zone) - timedelta(days=1)
    total = report.total
    print_line(f"Cases opened from {first:%d/%m/%Y} to {last:%d/%m/%Y}: {total.opened}")
    if not total.opened:
        return
    print_line(f"closed {_of(total.closed, total)}, solved at the first level {_of(total.at_first_level, total)}")
    for dimension, counts in report.by.items():
        print_line("")
        rows = [(value or NOT_SAID, *_row(counted, total)) for value, counted in counts.items()]
        print_table((dimension, "opened", "share", "closed", "first level"), rows)


def _row(counted: Counted, total: Counted) -> tuple[str, ...]:
    parts = (counted.closed, counted.at_first_level)
    return (str(counted.opened), _percent(counted.opened, total.opened), *(_of(part, counted) for part in parts))


def _of(part: int, whole: Counted) -> str:
    return f"{part} ({_percent(part, whole.opened)})"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"

"""The commands for who plans: what days would be like with this configuration, and how many agents a load needs."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from centralino.clock import FIRST_YEAR, LAST_YEAR
from centralino.options import HERE, AsJson, Config, Stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from centralino.outcomes import Estimate
    from centralino.profiles import Profile
    from centralino.replications import Compared

PROFILES = "profiles"

Profiles = Annotated[
    list[str], typer.Option("--profile", metavar="NUMBER", help="Who calls: of profiles/, or a file. Again for more.")
]
FirstDay = Annotated[str | None, typer.Option("--from", help="The first day (2026-11-23); default: the profile's.")]
Target = Annotated[str, typer.Option("--target", help="The share to be answered within a time: 80%/20s.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same days.")]


def add_simulate_commands(app: typer.Typer) -> None:
    app.command()(simulate)
    app.command()(staff)


def simulate(
    profile: Profiles,
    days: Annotated[int, typer.Option("--days", min=1, max=3660, help="How many.")] = 28,
    begin: FirstDay = None,
    seed: Seed = 1,
    repeat: Annotated[int, typer.Option("--replications", min=1, max=1000, help="With other chances each.")] = 5,
    against: Annotated[
        Path | None, typer.Option("--against", metavar="DIR", help="What it was before --config changed it.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE.svg", help="Service level by hour.")] = None,
    config: Config = HERE,
    as_json: AsJson = False,
) -> None:
    """Simulate days of callers and agents on this configuration, or what it changes against another."""
    from centralino import drawing, plots, replications, settings
    from centralino.profiles import load_profile
    from centralino.simulating import Plan, world_of

    configurations = [settings.load(folder) for folder in (against, config) if folder]
    files = [_profile_file(name, config) for name in profile]
    for configuration in configurations:  # the last counts; the one before must know the same queues
        profiles = tuple(load_profile(file, configuration) for file in files)
    _once_each(profiles)
    plan = Plan(profiles, _first_day(begin, days) or profiles[0].begin, days, seed, repeat)
    worlds = [world_of(one, plan.queues) for one in configurations]
    results = replications.run(worlds, plan, Console(stderr=True))
    compared = replications.compared(worlds, results)
    if as_json:
        typer.echo(json.dumps(replications.as_data(plan, compared), indent=2))
    else:
        _show(compared, Console())
    if plot:  # last: where it cannot be written, what was simulated is told all the same
        drawing.write(plot, plots.by_hour(results, plan.queues))


def _profile_file(name: str, config: Path) -> Path:
    """A number's profile stands beside the configuration, or in the folder where we are."""
    places = [Path(name), config / PROFILES / f"{name}.yaml", Path(PROFILES) / f"{name}.yaml"]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        known = sorted({path.stem for place in (config / PROFILES, Path(PROFILES)) for path in place.glob("*.yaml")})
        raise Stop(f"there is no profile {name}; known: {', '.join(known) or 'none'}")
    return found


def _once_each(profiles: Sequence[Profile]) -> None:
    """Each would bring the very same callers twice."""
    numbers = [profile.number for profile in profiles]
    twice = next((number for number in numbers if numbers.count(number) > 1), None)
    if twice:
        raise Stop(f"{twice} is given by two profiles: name it once, with all its calls")


def _first_day(text: str | None, days: int) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError as wrong:
        raise Stop(f"`{text}` is no day; write it as 2026-11-23") from wrong
    if day and not FIRST_YEAR <= day.year <= LAST_YEAR - days // 365:
        raise Stop(f"the year of `{text}` is out of range; write one from {FIRST_YEAR} to {LAST_YEAR - days // 365}")
    return day


# --- a table

COLUMNS = {
    "calls": "calls",
    "abandoned": "gave\nup",
    "all_in_time": "% all\nin time",
    "of_answered": "% of\nansw.",
    "of_all": "% of\nall",
    "without_early_abandoned": "% w/o\nearly",
    "asa_s": "ASA\ns",
    "abandonment": "% gave\nup",
    "abandonment_without_short": "% w/o\nshort",
    "occupancy": "%\nbusy",
}
PLAIN = ("calls", "abandoned", "asa_s")  # the others are shares
WIDTH_LEAST = 104  # below, names would be cut to letters
HOW_SURE = ("of_all",)  # shown for this; --json has all


def _show(compared: Compared, console: Console) -> None:
    console.width = max(console.width, WIDTH_LEAST)
    console.print("Answered in time, in four variants (docs/simulation.md); ±: 95 %", highlight=False)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", overflow="fold")
    for title in COLUMNS.values():
        table.add_column(title, justify="right", no_wrap=True)
    last = "all"
    for (scope, name), row in compared.rows.items():
        if scope != last:
            table.add_row(f"by {scope}", style="dim")
        last = scope
        within = f" ≤ {compared.within_s[name]:g} s" if scope == "queue" else ""
        table.add_row(f"  {name}{within}" if name else scope, *(_cell(row[key], key) for key in COLUMNS))
    console.print(table)
    came = compared.rows["all", ""]["calls"]
    if came is None or not came.mean:
        console.print("Nobody calls in these days: is the number open on them?", highlight=False)
    for sentence in compared.sentences:
        console.print(sentence, highlight=False)


def _cell(value: Estimate | None, key: str) -> str:
    if value is None:
        return "-"
    factor = 1.0 if key in PLAIN else 100.0
    digits = 0 if key in ("calls", "abandoned") else 1
    is_sure = value.give_or_take is not None and key in HOW_SURE
    sure = f" ± {factor * (value.give_or_take or 0):.{digits}f}" if is_sure else ""
    return f"{value.mean * factor:,.{digits}f}{sure}"


# --- staff

STAFF_COLUMNS = (
    *("Erlang\nC", "ASA\ns", "Erlang\nA", "ASA\ns", "give\nup", "\nbusy"),
    *("simu-\nlated", "ASA\ns", "give\nup"),
)
STAFF_WIDTH_LEAST = 80  # all columns fit into this


def staff(
    calls: Annotated[str, typer.Option("--calls", metavar="RATE", help="How many come: 100/h.")],
    aht: Annotated[str, typer.Option("--aht", help="How long each keeps an agent: talk, hold, wrap-up: 123s.")],
    target: Target = "80%/20s",
    patience: Annotated[str, typer.Option("--patience", help="After which callers give up, on average.")] = "3m",
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """How many agents a load needs: by Erlang C (nobody gives up), by Erlang A, and by simulation of the floor."""
    from centralino import staffing

    try:
        question = staffing.read_question(calls, aht, target, patience)
    except ValueError as wrong:
        raise Stop(str(wrong)) from wrong
    answer = staffing.answer(question, seed)
    if as_json:
        typer.echo(json.dumps(staffing.as_data(question, answer), indent=2))
        return
    console = Console()
    console.width = max(console.width, STAFF_WIDTH_LEAST)
    console.print(
        f"{question.load.erlangs:.2f} erlangs; answered within {question.within_s:g} s of all", highlight=False
    )
    table = Table("agents", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for title in STAFF_COLUMNS:
        table.add_column(title, justify="right", no_wrap=True)
    for row in answer.rows:
        table.add_row(str(row.agents), *staffing.cells(row))
    console.print(table)
    for sentence in staffing.sentences(question, answer):
        typer.echo(sentence)

"""What admins see of a call walked as text, and of the scenarios that they wrote for their dialplans."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from centralino.located import Problem
from centralino.settings import Configuration
from ivr.hours import DAYS
from ivr.menu import Dialplan, Menu
from ivr.rehearsal import Kind, Line, Performance, Script, rehearse
from ivr.sentences import Sentences


class UnknownNumber(Exception):
    """No dialplan answers the number; the text names those that there are."""


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of the scenarios of a deployment. `failures` name the scenario's place; `untried` what no scenario that
    passed came to; `parts` how many steps and keys there are.
    """

    scenarios: int
    failures: tuple[Problem, ...]
    untried: tuple[Problem, ...]
    parts: int

    @property
    def coverage(self) -> float:
        """The share of all steps and keys that a passing scenario came to, 0 to 1."""
        return 1 - len(self.untried) / self.parts if self.parts else 1.0


def plan_of(configuration: Configuration, number: str) -> Dialplan:
    """Raises UnknownNumber."""
    plan = configuration.service_of(number)
    if plan is None:
        raise UnknownNumber(f"no dialplan answers {number}; there are {', '.join(configuration.dialplans)}")
    return plan


def walk(plan: Dialplan, sentences: Sentences, script: Script) -> Iterator[str]:
    """The lines that `centralino try` prints."""
    at = script.at.astimezone(plan.time_zone)
    yield f"{plan.number} {plan.name}, {DAYS[at.weekday()]} {at:%Y-%m-%d %H:%M}, {_opening(plan, at)}"
    performance = rehearse(plan, sentences, script)
    for line in performance.lines:
        yield _shown(line)
    if performance.unpressed:
        yield f"not pressed, as the call was over: {','.join(performance.unpressed)}"


def _opening(plan: Dialplan, at: datetime) -> str:
    if plan.hours is None:
        return "always open"
    changes_at = plan.hours.changes_at(at, plan.time_zone)
    until = f" until {changes_at.astimezone(plan.time_zone):%Y-%m-%d %H:%M}" if changes_at else ""
    return f"{'open' if plan.hours.is_open(at, plan.time_zone) else 'closed'}{until}"


def _shown(line: Line) -> str:
    match line.kind:
        case Kind.STEP:
            return f"{line.text}  ({line.why})"
        case Kind.SAYS:
            return f"    says {line.language:<3} {line.text}"
        case Kind.KEYS:
            return f"    pressed  {line.text}"
        case Kind.SILENT:
            return "    silence"
        case Kind.NOTE:
            return f"    notes    {line.text}"
        case Kind.END:
            return f"ends: {line.text}"


def run_scenarios(configuration: Configuration, sentences: Sentences) -> Tested:
    """Walk every scenario of every dialplan."""
    failures: list[Problem] = []
    untried: list[Problem] = []
    parts = 0
    for number, plan in configuration.dialplans.items():
        passed: list[Performance] = []
        place = configuration.places[number]
        for index, scenario in enumerate(configuration.scenarios.get(number, ())):
            performance = rehearse(plan, sentences, scenario.script)
            wrong = scenario.failures(performance)
            failures += [place.at(("tests", index, key), what, _how_it_went(performance)) for key, what in wrong]
            passed += [] if wrong else [performance]
        everything = _parts(plan)
        parts += len(everything)
        seen = {name for one in passed for name in one.steps} | {key for one in passed for key in one.keys}
        untried += [place.at_key(path, what) for part, (path, what) in everything.items() if part not in seen]
    count = sum(len(scenarios) for scenarios in configuration.scenarios.values())
    return Tested(count, tuple(sorted(failures)), tuple(sorted(set(untried))), parts)


def _how_it_went(performance: Performance) -> str:
    """The steps that the call came to, with what was pressed."""
    shown = [
        f"pressed {line.text}" if line.kind is Kind.KEYS else line.text
        for line in performance.lines
        if line.kind in (Kind.STEP, Kind.KEYS, Kind.END)
    ]
    return " → ".join(shown)


def _parts(plan: Dialplan) -> Mapping[object, tuple[tuple[str, ...], str]]:
    """Each step and each key of a menu: where it stands, and what to say when no scenario comes to it."""
    parts: dict[object, tuple[tuple[str, ...], str]] = {}
    for step in plan.steps.values():
        parts[step.name] = (("steps", step.name), f"no test comes to step `{step.name}`")
        for key in step.keys if isinstance(step, Menu) else ():
            path = ("steps", step.name, "menu", "keys", key)
            parts[step.name, key] = (path, f"no test presses {key} at `{step.name}`")
    return parts


def counted(tested: Tested, plans: Iterable[Dialplan]) -> str:
    """The last line of `centralino test`."""
    failed = len({(problem.file, problem.line) for problem in tested.failures})
    all_of = f" of {tested.scenarios}" if failed else ""
    tried = f"{tested.coverage:.0%} of {tested.parts} steps and keys were tried"
    return f"{tested.scenarios - failed}{all_of} tests passed; {len(list(plans))} dialplans, {tried}."

"""What is legal in a deployment, and hardly meant: warnings for who writes it. Looked for only where all else is right.

Menus that lead to nobody, long speeches before the first key, hours that never come, and callers whom nobody at all
could answer.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from acd.goto import ToQueue
from acd.rules import QueueRules, Rules
from agents.roster import Agent, Roster
from centralino.deployment import ANY, ENTITIES, QUEUES, Deployment, sites_of, table, words
from centralino.durations import written
from centralino.located import Located, Path, Problem, shown
from centralino.trunkchecks import doubts_of_carriers
from ivr.hours import DAY_MINUTES, DAYS, Hours
from ivr.menu import (
    Ask,
    CallBack,
    CaseStatus,
    Choose,
    Dialplan,
    IsOpen,
    Menu,
    Notice,
    Queue,
    Say,
    SetLanguage,
    Step,
    Transfer,
    Voicemail,
)
from ivr.prompts import Prompt

SPEECH_LONGEST_S = 30.0  # that a caller should hear before the first key is named
CHARACTERS_PER_S = 15.0  # of festival's and espeak's Italian at our speed, measured on the prompts that ship
WEEK_MINUTES = 7 * DAY_MINUTES
A_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)  # from where a year of opening hours is looked through


def doubts(plans: Iterable[Dialplan], rules: Rules, roster: Roster, deployment: Deployment) -> Iterator[Problem]:
    """All warnings about a deployment without mistakes."""
    located = {str(one.data["number"]): one for one in deployment.dialplans}
    yield from doubts_of_carriers(deployment)
    for plan in plans:
        place = located[plan.number]
        yield from _about_hours(plan, place)
        yield from _about_menus(plan, place)
        yield from _about_notices(plan, place)
        yield from _about_speech(plan, place, deployment.recordings)
        for queue, hours in _queues_of(plan).items():
            at = deployment.files[QUEUES].at_key(("queues", queue), "")
            yield from _about_queue(_Served(replace(plan, hours=hours), place.file, rules.queues[queue], roster), at)

    for queue_rules in rules.queues.values():
        for path, what, hint in _never_so(queue_rules, roster, deployment):
            yield _warning(deployment.files[QUEUES], ("queues", queue_rules.name, *path), what, hint)
        if ring := _sends_round(queue_rules.name, rules.queues):
            what = f"who has waited too long goes round and round: {' → '.join(shown(name) for name in ring)}"
            path = ("queues", queue_rules.name, "longest_wait")
            yield _warning(deployment.files[QUEUES], path, what, "let one of them lead to the voicemail, or to a step")


def _warning(located: Located, path: Path, what: str, hint: str) -> Problem:
    return replace(located.at_key(path, what, hint), is_warning=True)


# --- hours


def _about_hours(plan: Dialplan, located: Located) -> Iterator[Problem]:
    if plan.hours is not None and not _ever_open(plan.hours, plan):
        yield _warning(located, ("hours",), "this number never opens", "give at least one day hours")
    for step in plan.steps.values():
        for branch in step.branches if isinstance(step, Choose) else ():
            for hours in (condition for condition in branch.conditions if isinstance(condition, IsOpen)):
                if not _ever_open(hours.hours, plan):
                    path = ("other_hours", hours.name)
                    yield _warning(located, path, f"{shown(hours.name)} never opens", "give at least one day hours")


def _ever_open(hours: Hours, plan: Dialplan) -> bool:
    return hours.is_open(A_MONDAY, plan.time_zone) or hours.changes_at(A_MONDAY, plan.time_zone) is not None


# --- menus


def _about_menus(plan: Dialplan, located: Located) -> Iterator[Problem]:
    """From each menu some way must lead to somebody: an agent, an office, or who hears a message."""
    to_people = {step.name for step in plan.steps.values() if isinstance(step, Queue | Transfer | Voicemail | CallBack)}
    before: dict[str, list[str]] = {}
    for step in plan.steps.values():
        for there in ways_on(step):
            before.setdefault(there, []).append(step.name)
    todo = list(to_people)
    while todo:
        for name in before.get(todo.pop(), ()):
            if name not in to_people:
                to_people.add(name)
                todo.append(name)
    for step in plan.steps.values():
        if isinstance(step, Menu) and step.name not in to_people:
            what = f"no key of menu {shown(step.name)} leads to a person"
            yield _warning(located, ("steps", step.name), what, "let one lead to a queue, an office or a voicemail")


def ways_on(step: Step) -> tuple[str, ...]:
    """The steps to which `step` may lead, in the order in which it names them."""
    match step:
        case Say(then=then) | SetLanguage(then=then) | Notice(then=then):
            return (then,)
        case Menu(keys=keys, otherwise=otherwise):
            return (*(key.go for key in keys.values()), otherwise)
        case Ask(then=then, otherwise=otherwise):
            return (then, otherwise)
        case Transfer(otherwise=otherwise):
            return (otherwise,)
        case CallBack(then=maybe, otherwise=otherwise):
            return (otherwise,) if maybe is None else (maybe, otherwise)
        case CaseStatus(then=maybe, otherwise=rather):
            return tuple(name for name in (maybe, rather) if name)
        case Choose(branches=branches, otherwise=otherwise):
            return (*(branch.go for branch in branches), otherwise)
        case _:
            return ()


def _about_notices(plan: Dialplan, located: Located) -> Iterator[Problem]:
    for step in plan.steps.values():
        if isinstance(step, Notice) and step.begins_at and step.ends_at and step.ends_at <= step.begins_at:
            path = ("steps", step.name, "notice", "until")
            yield _warning(located, path, "this notice is over before it begins", "let `until` be after `from`")


# --- speech


def _about_speech(plan: Dialplan, located: Located, recordings: Mapping[str, float]) -> Iterator[Problem]:
    """How long callers listen, from the start, before the menu names its first key."""
    for start in dict.fromkeys(name for name in (plan.start, plan.closed) if name):
        for language in plan.languages:
            name, length_s = _until_first_key(plan, start, language, recordings)
            if length_s > SPEECH_LONGEST_S:
                what = f"about {length_s:.0f} s of speech in `{language}` before the first key can be known"
                yield _warning(located, ("steps", name), what, f"shorten it to {SPEECH_LONGEST_S:.0f} s")
                break


def _until_first_key(plan: Dialplan, name: str, language: str, recordings: Mapping[str, float]) -> tuple[str, float]:
    """The menu that comes first, and what is said until it names a key, in seconds; 0 where no menu comes."""
    length_s = 0.0
    for _ in plan.steps:
        match plan.steps[name]:
            case Say(words=words, then=then) | Notice(words=words, then=then):
                length_s += sum(_length_s(prompt, recordings) for prompt in words[language])
                name = then
            case SetLanguage(language=language, then=then):
                name = then
            case Menu(words=words):
                return name, length_s + _until_a_digit(words[language], recordings)
            case _:
                break
    return name, 0.0


def _until_a_digit(prompts: Iterable[Prompt], recordings: Mapping[str, float]) -> float:
    length_s = 0.0
    for prompt in prompts:
        digit = re.search(r"\d", prompt.text)
        if digit:
            return length_s + digit.start() / CHARACTERS_PER_S
        length_s += _length_s(prompt, recordings)
    return length_s


def _length_s(prompt: Prompt, recordings: Mapping[str, float]) -> float:
    return recordings[f"{prompt.language}/{prompt.file}"] if prompt.file else len(prompt.text) / CHARACTERS_PER_S


# --- queues that nobody can serve


@dataclass(frozen=True, slots=True)
class _Served:
    """Calls of one number in one queue, and who is there for them."""

    plan: Dialplan
    file: str
    rules: QueueRules
    roster: Roster

    def able(self) -> list[Agent]:
        needs = self.rules.needs.items()
        return [
            agent
            for agent in self.roster.agents.values()
            if any(agent.site == site.name for site in self.rules.sites)
            and all(agent.skills.get(skill, 0) >= level for skill, level in needs)
        ]


def _never_so(rules: QueueRules, roster: Roster, deployment: Deployment) -> Iterator[tuple[Path, str, str]]:
    """What the queue says of a moment that never comes: path, what is wrong, hint."""
    paths = {site: path for path, site, _ in sites_of(table(deployment.files[QUEUES].data, "queues")[rules.name])}
    openings = [(paths[site.name], site.opening) for site in rules.sites if site.opening]
    offices = dict(words(deployment.files[ENTITIES].data, ("entities", ANY, "offices", ANY, "queue"))).values()
    if rules.longest_wait_s is not None and rules.name not in offices:  # who is handed on may wait longer
        after_s: dict[Path, float | None] = {("relax", n, "after"): step.after_s for n, step in enumerate(rules.relax)}
        after_s |= {(*path, "after"): opening.after_s for path, opening in openings}
        after_s["while_waiting", "callback", "after"] = rules.while_waiting.call_back_after_s
        for path, waited_s in after_s.items():
            if waited_s is not None and waited_s >= rules.longest_wait_s:
                longest = written(rules.longest_wait_s)
                yield path, f"nobody waits so long: after {longest} they go elsewhere", "write a shorter time"
    for path, opening in openings:
        if opening.waiting_over is not None and opening.waiting_over >= (rules.full_waiting or math.inf):
            what = f"no more than {rules.full_waiting} wait: the queue is full then"
            yield (*path, "or_waiting_over"), what, "write a smaller number"
    for site in rules.sites:
        there = sum(agent.site == site.name for agent in roster.agents.values())
        if site.keep_free and site.keep_free >= there:
            what = f"nobody of {shown(site.name)} is ever lent: {there} of agents.yaml sit there"
            yield (*paths[site.name], "keep_free"), what, "keep fewer, or remove the site"


def _sends_round(name: str, rules: Mapping[str, QueueRules]) -> list[str]:
    """The way from queue `name` back to it, by longest waits alone; none where there is none, or another tells it."""
    way = [name]
    while isinstance(then := rules[way[-1]].longest_wait_then, ToQueue) and then.queue not in way:
        way.append(then.queue)
    comes_back = isinstance(then, ToQueue) and then.queue == name
    return [*way, name] if comes_back and name == min(way) else []


def _queues_of(plan: Dialplan) -> dict[str, Hours | None]:
    """The queues of a dialplan's steps and offices, and when calls may come to them."""
    steps = plan.steps.values()
    offices = [step for step in steps if isinstance(step, Transfer) and step.queue]
    return {office.queue: office.hours or plan.hours for office in offices} | {
        step.queue: plan.hours for step in steps if isinstance(step, Queue)
    }


def _about_queue(served: _Served, at: Problem) -> Iterator[Problem]:
    queue, file, able = shown(served.rules.name), served.file, served.able()
    for language in served.plan.languages:
        if not any(language in agent.languages for agent in able):
            what = f"nobody who can serve {queue} speaks `{language}`, as callers of {file} may"
            hint = "add the language to an agent, or lead these callers elsewhere by `choose`"
            yield replace(at, what=what, hint=hint, is_warning=True)
    gap = _unstaffed(served.plan.hours, [agent.shift for agent in able if served.plan.languages[0] in agent.languages])
    if gap is not None:
        day, minute = divmod(gap, DAY_MINUTES)
        what = f"nobody can serve {queue} on {DAYS[day]} from {minute // 60:02}:{minute % 60:02}; {file} is open then"
        yield replace(at, what=what, hint="look at `shifts` in agents.yaml", is_warning=True)


def _unstaffed(hours: Hours | None, shifts: list[Hours | None]) -> int | None:
    """The first minute of a week (0 to 10079) that is open and in nobody's shift; None: there is none."""
    if not shifts or any(shift is None for shift in shifts):
        return None  # nobody at all is said above; who has no shift may always be there
    is_open = _minutes_of(hours) if hours else set(range(WEEK_MINUTES))
    staffed: set[int] = set().union(*(_minutes_of(shift) for shift in shifts if shift))
    return min(is_open - staffed, default=None)


def _minutes_of(hours: Hours) -> set[int]:
    """The minutes of a week without holidays."""
    return {
        (day * DAY_MINUTES + minute) % WEEK_MINUTES
        for day, spans in enumerate(hours.week)
        for span in spans
        for minute in range(span.begin_minute, span.end_minute)
    }

"""What is wrong within one dialplan: steps that are nothing, texts that are missing, steps nobody reaches, and calls
that would go round for ever.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from centralino.deployment import (
    ANY,
    QUEUES,
    Deployment,
    Use,
    sent_on,
    table,
    texts_problems,
    twice,
    unknown_names,
    words,
)
from centralino.forms import STEP_KINDS
from centralino.located import Located, Path, Problem, shown
from ivr.hours import read_hours

USES_IN_DIALPLANS = (
    Use("step", ("start",)),
    Use("step", ("closed",)),
    Use("step", ("steps", ANY, "then")),
    Use("step", ("steps", ANY, "menu", "otherwise")),
    Use("step", ("steps", ANY, "menu", "keys", ANY)),
    Use("step", ("steps", ANY, "menu", "keys", ANY, "go")),
    Use("language", ("steps", ANY, "menu", "keys", ANY, "language")),
    Use("queue", ("steps", ANY, "queue")),
    Use("queue", ("steps", ANY, "voicemail", "for")),
)
TEXTS = tuple(("steps", ANY, *within, "say") for within in ((), ("menu",), ("voicemail",), ("hang_up",)))
_Stand = tuple[str, str]  # "step" or "queue", and its name


def problems_in(deployment: Deployment, plan: Located) -> Iterator[Problem]:
    yield from unknown_names(deployment, plan, USES_IN_DIALPLANS)
    yield from _kinds_of_steps(plan)
    yield from texts_problems(plan, plan, TEXTS)
    yield from twice(plan, ("languages", ANY), "language")
    yield from _hours(plan)
    yield from _unreachable(deployment, plan)
    yield from _endless(deployment, plan)


def _kinds_of_steps(plan: Located) -> Iterator[Problem]:
    for name, step in table(plan.data, "steps").items():
        path: Path = ("steps", name)
        if not isinstance(step, dict) or set(step) - {*STEP_KINDS, "then"}:
            continue  # not a table, or an unknown key: that is said already
        kinds = [kind for kind in STEP_KINDS if kind in step]
        if len(kinds) != 1:
            is_it = " and ".join(kinds) if kinds else "nothing"
            yield plan.at_key(path, f"step {shown(name)} is {is_it}", f"one of {', '.join(STEP_KINDS)}")
        elif kinds == ["say"] and "then" not in step:
            yield plan.at_key(path, f"step {shown(name)} has no `then`", "write where the call goes: `then: STEP`")
        elif kinds != ["say"] and "then" in step:
            yield plan.at_key((*path, "then"), f"`then` means nothing with `{kinds[0]}`", "remove it")


def _hours(plan: Located) -> Iterator[Problem]:
    hours = plan.data.get("hours")
    if isinstance(hours, dict):
        for mistake in read_hours(hours)[1]:
            at_key = mistake.what.startswith("unknown day")
            yield (plan.at_key if at_key else plan.at)(("hours", *mistake.path), mistake.what, mistake.hint)
    if "hours" in plan.data and "closed" not in plan.data:
        yield plan.at_key(("hours",), "`closed` is missing", "write where calls go outside hours: `closed: STEP`")
    if "closed" in plan.data and "hours" not in plan.data:
        yield plan.at_key(("closed",), "without `hours` this number is never closed", "add `hours`, or remove `closed`")


def _unreachable(deployment: Deployment, plan: Located) -> Iterator[Problem]:
    steps, queues = table(plan.data, "steps"), table(deployment.files[QUEUES].data, "queues")
    start = next((_meant(name, steps) for _, name in words(plan.data, ("start",))), "")
    closes = ("hours" in plan.data) == ("closed" in plan.data)
    if start not in steps or not closes or not deployment.files[QUEUES].readable:
        return  # that is said already; what follows from it would help nobody
    todo = [start, *(name for _, name in words(plan.data, ("closed",)))]
    for name, rules in queues.items():
        todo += sent_on(rules, "step") if plan in deployment.leads_to(name) else []
    reached: set[str] = set()
    while todo:
        name = _meant(todo.pop(), steps)
        if name in steps and name not in reached:
            reached.add(name)
            todo += _links(steps[name])
    for name in steps:
        if name not in reached:
            yield plan.at_key(("steps", name), f"no call comes to step {shown(name)}", "lead to it, or remove it")


def _meant(name: str, steps: Mapping[str, object]) -> str:
    """A misspelt step is said once, where it is misspelt; not again as a step that nobody reaches."""
    return name if name in steps else next(iter(get_close_matches(name, steps, n=1)), name)


def _links(step: object) -> Iterator[str]:
    """The steps that `step` may lead to: all words in it that are not texts, queues or languages, even below a
    misspelt key.
    """
    if isinstance(step, str):
        yield step
    elif isinstance(step, dict):
        for key, value in step.items():
            if key not in ("say", "queue", "for", "language"):
                yield from _links(value)


def _endless(deployment: Deployment, plan: Located) -> Iterator[Problem]:
    """Each step that only speaks has one step after it; each full queue one place. Where these close a ring, no caller
    ever comes out, and nothing in it waits.
    """
    queues = table(deployment.files[QUEUES].data, "queues")
    after: dict[_Stand, _Stand] = {}
    for path, then in words(plan.data, ("steps", ANY, "then")):
        after["step", str(path[1])] = ("step", then)
    for path, queue in words(plan.data, ("steps", ANY, "queue")):
        after["step", str(path[1])] = ("queue", queue)
    for name, rules in queues.items():
        for kind in ("queue", "step"):
            for _, then in words(rules, ("full", "then", kind)):
                after["queue", name] = (kind, then)
    for ring in _rings(after):
        round_trip = " → ".join(shown(name) for _, name in (*ring, ring[0]))
        what, hint = f"a call would go round for ever: {round_trip}", "let one of them lead elsewhere"
        first = next((name for kind, name in ring if kind == "step"), None)
        if first is not None:
            yield plan.at_key(("steps", first), what, hint)
        elif len(ring) > 1:  # that a queue leads to itself is said already
            yield deployment.files[QUEUES].at_key(("queues", ring[0][1]), what, hint)


def _rings(after: Mapping[_Stand, _Stand]) -> Iterator[list[_Stand]]:
    """Each ring once, from its member that stands first."""
    done: set[_Stand] = set()
    for start in after:
        path: list[_Stand] = []
        place = start
        while place in after and place not in done:
            done.add(place)
            path.append(place)
            place = after[place]
        if place in path:
            yield path[path.index(place) :]

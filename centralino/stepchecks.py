"""What is wrong within one dialplan: steps that are nothing, texts that are missing, steps nobody reaches, and calls
that would go round for ever.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches

from centralino.deployment import (
    ANY,
    ENTITIES,
    QUEUES,
    Deployment,
    Use,
    found,
    sent_on,
    table,
    texts_problems,
    twice,
    unknown_names,
    words,
)
from centralino.forms.dialplans import ENDS, MAY_HAVE_THEN, NEED_THEN, QUEUE_CONDITIONS, STEP_KINDS
from centralino.located import Located, Path, Problem, did_you_mean, shown
from ivr.hours import read_hours
from ivr.prompts import LANGUAGES

STEPS = ("steps", ANY)
USES_IN_DIALPLANS = (
    Use("shared steps", ("include", ANY)),
    Use("entity", ("entity",)),
    Use("step", ("start",)),
    Use("step", ("closed",)),
    Use("step", (*STEPS, "then")),
    *(Use("step", (*STEPS, kind, "otherwise")) for kind in ("menu", "ask", "transfer", "callback", "case_status")),
    Use("step", (*STEPS, "menu", "keys", ANY)),
    Use("step", (*STEPS, "menu", "keys", ANY, "go")),
    Use("language", (*STEPS, "menu", "keys", ANY, "language")),
    Use("entity", (*STEPS, "menu", "keys", ANY, "entity")),
    Use("queue", (*STEPS, "queue")),
    Use("queue", (*STEPS, "voicemail", "for")),
    Use("queue", (*STEPS, "callback", "queue")),
    Use("office", (*STEPS, "transfer", "to")),
    Use("language", (*STEPS, "language")),
    Use("step", (*STEPS, "choose", ANY, "go")),
    Use("hours", (*STEPS, "choose", ANY, "open")),
    Use("queue", (*STEPS, "choose", ANY, "queue")),
    Use("language", (*STEPS, "choose", ANY, "language")),
    Use("language", (*STEPS, "choose", ANY, "language", ANY)),
    Use("language", ("tests", ANY, "language")),
    Use("entity", ("tests", ANY, "entity")),
    Use("office", ("tests", ANY, "offices_away", ANY)),
)
SAYING = ((), *((kind,) for kind in ("menu", "ask", "transfer", "voicemail", "callback", "case_status")))
SAYING = (*SAYING, ("notice",), ("hang_up",))
SAID = tuple((*STEPS, *within, "say") for within in SAYING)
TEXTS = tuple((*said, *piece) for said in SAID for piece in ((), (ANY,)))
NOT_STEPS = (
    *("say", "queue", "for", "language", "entity", "to", "note", "open", "caller", "day", "from", "until"),
    *("digits", "wait", "ring", "longest", "expected_wait_over"),
)
LISTS_OF_NAMES: Mapping[Path, str] = {
    ("languages", ANY): "language",
    ("include", ANY): "file",
    (*STEPS, "choose", ANY, "language", ANY): "language",
    ("tests", ANY, "offices_away", ANY): "office",
}
_Stand = tuple[str, str]  # "step" or "queue", and its name


def problems_in(deployment: Deployment, plan: Located) -> Iterator[Problem]:
    yield from unknown_names(deployment, plan, USES_IN_DIALPLANS)
    yield from _kinds_of_steps(plan)
    yield from _included_twice(deployment, plan)
    yield from _choices(plan)
    yield from texts_problems(deployment, plan, plan, TEXTS)
    yield from _also(plan)
    yield from _silent(plan)
    yield from _recordings(deployment, plan)
    yield from _languages(plan)
    for pattern, kind in LISTS_OF_NAMES.items():
        yield from twice(plan, pattern, kind)
    yield from _scenarios(deployment, plan)
    yield from _hours(plan)
    yield from _unreachable(deployment, plan)
    rings = list(_endless(deployment, plan))
    yield from rings or _silent_for_ever(plan)


def _kinds_of_steps(plan: Located) -> Iterator[Problem]:
    for name, step in table(plan.data, "steps").items():
        path: Path = ("steps", name)
        if not isinstance(step, dict) or set(step) - {*STEP_KINDS, "then"}:
            continue  # not a table, or an unknown key: that is said already
        kinds = [kind for kind in STEP_KINDS if kind in step]
        if len(kinds) != 1:
            is_it = " and ".join(kinds) if kinds else "nothing"
            yield plan.at_key(path, f"step {shown(name)} is {is_it}", f"one of {', '.join(STEP_KINDS)}")
        elif kinds[0] in NEED_THEN and "then" not in step:
            yield plan.at_key(path, f"step {shown(name)} has no `then`", "write where the call goes: `then: STEP`")
        elif kinds[0] not in MAY_HAVE_THEN and "then" in step:
            yield plan.at_key((*path, "then"), f"`then` means nothing with `{kinds[0]}`", "remove it")


def _included_twice(deployment: Deployment, plan: Located) -> Iterator[Problem]:
    """A step of one name in two places: nobody could tell which is meant."""
    stands: dict[str, str] = {}
    for path, file in words(plan.data, ("include", ANY)):
        for name in table(deployment.shared[file].data, "steps") if file in deployment.shared else ():
            if name not in plan.included:
                line = plan.at_key(("steps", name), "").line
                yield plan.at(path, f"its step {shown(name)} stands here too, in line {line}", "rename one of them")
            elif stands.get(name, file) != file:
                yield plan.at(path, f"its step {shown(name)} stands in {shown(stands[name])} too", "rename one of them")
            stands.setdefault(name, file)


def _scenarios(deployment: Deployment, plan: Located) -> Iterator[Problem]:
    """The queues and offices that an admin's tests speak of."""
    named = [
        (plan.at, path, "office" if end.startswith("office ") else "queue", end.partition(" ")[2])
        for path, end in words(plan.data, ("tests", ANY, "ends"))
        if end.partition(" ")[0] in ENDS
    ]
    named += [
        (plan.at_key, path, "queue", str(path[-1])) for path, _ in found(plan.data, ("tests", ANY, "queues", ANY))
    ]
    for at, path, kind, name in named:
        known = deployment.names(kind)
        if known is not None and name and name not in known:
            where = ENTITIES if kind == "office" else QUEUES
            yield at(path, f"{kind} {shown(name)} is not in {where}", did_you_mean(name, known))


def _choices(plan: Located) -> Iterator[Problem]:
    for path, branches in found(plan.data, (*STEPS, "choose")):
        for index, branch in enumerate(branches if isinstance(branches, list) else ()):
            if isinstance(branch, dict):
                yield from _branch(plan, (*path, index), branch, is_last=index == len(branches) - 1)


def _branch(plan: Located, path: Path, branch: Mapping[str, object], *, is_last: bool) -> Iterator[Problem]:
    asked = [key for key in QUEUE_CONDITIONS if key in branch]
    conditions = set(branch) - {"go"}
    if is_last and conditions:
        yield plan.at(path, "nothing is said of calls for which none of these holds", "end with an entry `{go: STEP}`")
    elif not is_last and not conditions:
        yield plan.at(path, "this holds always: what stands after it is never looked at", "give it a condition")
    if "queue" in branch and not asked:
        yield plan.at_key((*path, "queue"), "what of this queue?", f"add one of {', '.join(QUEUE_CONDITIONS)}")
    if asked and "queue" not in branch:
        yield plan.at_key((*path, asked[0]), f"`{asked[0]}` of which queue?", "add `queue: NAME`")


def _languages(plan: Located) -> Iterator[Problem]:
    yield from twice(plan, ("languages", ANY), "language")
    for path, language in words(plan.data, ("languages", ANY)):
        if language not in LANGUAGES:
            yield plan.at(path, *_no_voice(language))


def _no_voice(language: str) -> tuple[str, str]:
    return f"there is no voice for language {shown(language)}", did_you_mean(language, LANGUAGES)


def _also(plan: Located) -> Iterator[Problem]:
    """Texts for callers who speak another language may be in any that a voice speaks."""
    for pattern in TEXTS:
        for path, also in found(plan.data, (*pattern, "also")):
            for language in also if isinstance(also, dict) else ():
                if language not in LANGUAGES:
                    yield plan.at_key((*path, language), *_no_voice(language))


def _silent(plan: Located) -> Iterator[Problem]:
    """Where all that is said is for others."""
    own = [language for _, language in words(plan.data, ("languages", ANY))]
    for pattern in SAID:
        for path, said in found(plan.data, pattern):
            spoken = [table(piece, "also") for piece in (said if isinstance(said, list) else [said])]
            for language in own if spoken and all(spoken) else ():
                if all({*texts} == {language} for texts in spoken):
                    hint = f'add a piece for them: `{{{language}: "…"}}`'
                    yield plan.at(path, f"callers who speak {shown(language)} hear nothing", hint)


def _recordings(deployment: Deployment, plan: Located) -> Iterator[Problem]:
    for pattern in TEXTS:
        for path, file in words(plan.data, (*pattern, "file")):
            for language in dict.fromkeys(name for _, name in words(plan.data, ("languages", ANY))):
                if f"{language}/{file}" not in deployment.recordings:
                    what = f"there is no recording prompts/{language}/{file[:40]}.wav"
                    here = [name.partition("/")[2] for name in deployment.recordings if name.startswith(f"{language}/")]
                    yield plan.at(path, what, did_you_mean(file, here) or "record it, or write a text")


def _hours(plan: Located) -> Iterator[Problem]:
    yield from hours_problems(plan, ("hours",))
    yield from hours_problems(plan, ("other_hours", ANY))
    if "hours" in plan.data and "closed" not in plan.data:
        yield plan.at_key(("hours",), "`closed` is missing", "write where calls go outside hours: `closed: STEP`")
    if "closed" in plan.data and "hours" not in plan.data:
        yield plan.at_key(("closed",), "without `hours` this number is never closed", "add `hours`, or remove `closed`")


def hours_problems(located: Located, pattern: Path) -> Iterator[Problem]:
    """What is wrong with the opening hours at `pattern`."""
    for path, hours in found(located.data, pattern):
        for mistake in read_hours(hours)[1] if isinstance(hours, dict) else ():
            at_key = mistake.what.startswith("unknown day")
            yield (located.at_key if at_key else located.at)((*path, *mistake.path), mistake.what, mistake.hint)


def _unreachable(deployment: Deployment, plan: Located) -> Iterator[Problem]:
    reached = reached_steps(deployment, plan)
    if reached is None:
        return
    for name in table(plan.data, "steps"):
        if name not in reached and name not in plan.included:
            yield no_call_comes(plan, name)


def no_call_comes(located: Located, step: str) -> Problem:
    what = f"no call comes to step {shown(step)}"
    return replace(located.at_key(("steps", step), what, "lead to it, or remove it"), is_warning=True)


def reached_steps(deployment: Deployment, plan: Located) -> set[str] | None:
    """The steps to which a call of this number can come; None where other mistakes hide that."""
    steps, queues = table(plan.data, "steps"), table(deployment.files[QUEUES].data, "queues")
    start = next((_meant(name, steps) for _, name in words(plan.data, ("start",))), "")
    closes = ("hours" in plan.data) == ("closed" in plan.data)
    if start not in steps or not closes or not deployment.files[QUEUES].readable:
        return None  # that is said already; what follows from it would help nobody
    todo = [start, *(name for _, name in words(plan.data, ("closed",)))]
    for name, rules in queues.items():
        todo += sent_on(rules, "step") if plan in deployment.leads_to(name) else []
    reached: set[str] = set()
    while todo:
        name = _meant(todo.pop(), steps)
        if name in steps and name not in reached:
            reached.add(name)
            todo += _links(steps[name])
    return reached


def _meant(name: str, steps: Mapping[str, object]) -> str:
    """A misspelt step is said once, where it is misspelt; not again as a step that nobody reaches."""
    return name if name in steps else next(iter(get_close_matches(name, steps, n=1)), name)


def _links(step: object) -> Iterator[str]:
    """The steps that `step` may lead to: all words in it that are not texts, queues or languages, even below a
    misspelt key.
    """
    if isinstance(step, str):
        yield step
    elif isinstance(step, list):
        for value in step:
            yield from _links(value)
    elif isinstance(step, dict):
        for key, value in step.items():
            if key not in NOT_STEPS:
                yield from _links(value)


def _endless(deployment: Deployment, plan: Located) -> Iterator[Problem]:
    """Each step that only speaks has one step after it, and so has an office where no agent is signed in; each full
    queue has one place. Where these close a ring, no caller ever comes out, and nothing in it waits.
    """
    queues = table(deployment.files[QUEUES].data, "queues")
    after: dict[_Stand, _Stand] = {}
    for path, then in words(plan.data, (*STEPS, "then")):
        if not {"ask", "callback", "case_status"} & table(plan.data, "steps", str(path[1])).keys():
            after["step", str(path[1])] = ("step", then)
    for path, queue in words(plan.data, ("steps", ANY, "queue")):
        after["step", str(path[1])] = ("queue", queue)
    for path, step in found(plan.data, (*STEPS, "transfer")):
        office = deployment.office(table(step).get("to"))
        if "queue" in office and "phone" not in office:  # it may be that none of its agents is signed in
            for _, there in words(step, ("otherwise",)):
                after["step", str(path[1])] = ("step", there)
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


def _silent_for_ever(plan: Located) -> Iterator[Problem]:
    """Where a caller who presses nothing (or who cannot) is led from step to step without end."""
    steps = table(plan.data, "steps")
    after = {name: [there for there in _if_nothing_is_pressed(step) if there in steps] for name, step in steps.items()}
    ends = {name for name, there in after.items() if not there}
    before: dict[str, list[str]] = {}
    for name, follows in after.items():
        for there in follows:
            before.setdefault(there, []).append(name)
    todo = list(ends)
    while todo:
        for name in before.get(todo.pop(), ()):
            if name not in ends:
                ends.add(name)
                todo.append(name)
    for name in steps:
        if name not in ends:
            what = f"who presses nothing comes from {shown(name)} to no end: {' → '.join(_walk(name, after))}"
            yield plan.at_key(("steps", name), what, "let `otherwise` or `then` lead to a queue or a voicemail")
            return  # the others are the same mistake


def _if_nothing_is_pressed(step: object) -> Iterator[str]:
    for kind in ("menu", "ask", "transfer", "callback", "case_status"):
        yield from (there for _, there in words(step, (kind, "otherwise")))
    yield from (there for _, there in words(step, ("choose", ANY, "go")))
    if isinstance(step, dict) and {"say", "language", "notice"} & step.keys():
        yield from (there for _, there in words(step, ("then",)))


def _walk(start: str, after: Mapping[str, list[str]]) -> Iterator[str]:
    """From `start`, each time the first way, until a step comes again."""
    seen: set[str] = set()
    while start not in seen:
        yield shown(start)
        seen.add(start)
        start = after[start][0]
    yield shown(start)

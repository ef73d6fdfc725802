"""All files of a deployment as they were read, and the names that are used and defined in them.

All looks are at the plain data, so that a mistake of shape in one place hides no other mistake. Where a file could not
be read, nothing is said about the names in it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from centralino.located import Located, Path, Problem, did_you_mean, shown

ANY = "?"  # in a pattern: each key, or each entry of a list
QUEUES, AGENTS, ENTITIES, SETTINGS = FILES = ("queues.yaml", "agents.yaml", "entities.yaml", "centralino.yaml")
SHARED = "dialplans/shared/"  # the steps that dialplans include
DEFINED = {
    "queue": (QUEUES, "queues"),
    "entity": (ENTITIES, "entities"),
    "site": (AGENTS, "sites"),
    "shift": (AGENTS, "shifts"),
    "phone": (AGENTS, "phones"),
    "node": (SETTINGS, "nodes"),
}
MAY_BE_NONE = ("entity", "phone", "shift")


def found(data: object, pattern: Path, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each value at `pattern`, with its path."""
    if not pattern:
        yield path, data
        return
    first, rest = pattern[0], pattern[1:]
    if first != ANY:
        if isinstance(data, dict) and first in data:
            yield from found(data[first], rest, (*path, first))
        return
    if isinstance(data, dict):
        inner: Iterable[tuple[str | int, object]] = data.items()
    else:
        inner = enumerate(data) if isinstance(data, list) else ()
    for key, value in inner:
        if not rest or rest[0] == ANY or (isinstance(value, dict) and rest[0] in value):
            yield from found(value, rest, (*path, key))


def words(data: object, pattern: Path) -> Iterator[tuple[Path, str]]:
    """Each text at `pattern`, with its path."""
    return ((path, value) for path, value in found(data, pattern) if isinstance(value, str))


def table(data: object, *path: str) -> dict[str, Any]:
    """The table at `path`; empty where there is none."""
    return next((value for _, value in found(data, path) if isinstance(value, dict)), {})


class Deployment:
    """All files as read, by name. `recordings`: the length in seconds of each recorded prompt, by `LANGUAGE/NAME`."""

    def __init__(self, files: Mapping[str, Located], recordings: Mapping[str, float]) -> None:
        self.files, self.recordings = files, recordings
        self._leads_to: dict[str, list[Located]] = {}
        self.shared = {
            file.removeprefix(SHARED).removesuffix(".yaml"): located
            for file, located in files.items()
            if file.startswith(SHARED)
        }
        own = [located for file, located in files.items() if file not in FILES and not file.startswith(SHARED)]
        self.dialplans = [self._with_included(plan) for plan in own]

    def _with_included(self, plan: Located) -> Located:
        """`plan` as it is with the steps that it includes; its own come first."""
        included = {
            name: self.shared[file]
            for _, file in words(plan.data, ("include", ANY))
            if file in self.shared
            for name in table(self.shared[file].data, "steps")
            if name not in table(plan.data, "steps")
        }
        steps = {name: table(file.data, "steps")[name] for name, file in included.items()}
        data = {**plan.data, "steps": {**table(plan.data, "steps"), **steps}} if steps else plan.data
        return replace(plan, data=data, included=included)

    def names(self, kind: str) -> list[str] | None:
        """All names of that kind; None where they cannot be known."""
        if kind == "number":
            if not self.dialplans or not all(dialplan.readable for dialplan in self.dialplans):
                return None
            return [str(dialplan.data.get("number", "")) for dialplan in self.dialplans]
        if kind == "office":
            offices = found(self.files[ENTITIES].data, ("entities", ANY, "offices", ANY))
            return [f"{path[1]}/{path[3]}" for path, _ in offices] if self.files[ENTITIES].readable else None
        file, key = DEFINED[kind]
        defined = self.files[file].data.get(key, {} if kind == "shift" else None)  # the others must be there
        if not isinstance(defined, dict) or not (defined or kind in MAY_BE_NONE) or not self.files[file].readable:
            return None
        return list(defined)

    def office(self, name: object) -> dict[str, Any]:
        """What stands at the office `ENTITY/OFFICE`; empty where there is none."""
        entity, _, office = str(name).partition("/")
        return table(self.files[ENTITIES].data, "entities", entity, "offices", office)

    def leads_to(self, queue: str) -> list[Located]:
        """The dialplans whose calls can come to `queue`, also by way of another queue."""
        if queue not in self._leads_to:
            reached, todo = {queue}, [queue]
            while todo:
                before = self._sending_to.get(todo.pop(), set()) - reached
                reached |= before
                todo += before
            self._leads_to[queue] = [plan for plan in self.dialplans if reached & self._queues_of[plan.file]]
        return self._leads_to[queue]

    @cached_property
    def spoken_with(self) -> dict[str, set[str]]:
        """The languages of all dialplans that include each shared file."""
        spoken: dict[str, set[str]] = {}
        for plan in self.dialplans:
            for file in {located.file for located in plan.included.values()}:
                spoken.setdefault(file, set()).update(languages_of(plan))
        return spoken

    @cached_property
    def _sending_to(self) -> dict[str, set[str]]:
        """The queues that send calls on to each queue."""
        sending: dict[str, set[str]] = {}
        for name, rules in table(self.files[QUEUES].data, "queues").items():
            for there in sent_on(rules, "queue"):
                sending.setdefault(there, set()).add(name)
        return sending

    @cached_property
    def _queues_of(self) -> dict[str, set[str]]:
        """The queues that the steps of each dialplan name, or the offices to which they lead."""
        return {plan.file: set(self._queues_named_in(plan)) for plan in self.dialplans}

    def _queues_named_in(self, plan: Located) -> Iterator[str]:
        yield from (name for _, name in words(plan.data, ("steps", ANY, "queue")))
        for _, office in words(plan.data, ("steps", ANY, "transfer", "to")):
            yield from (name for _, name in words(self.office(office), ("queue",)))


def sites_of(rules: object) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """The sites of a queue, each with its path within the queue and its rules (empty: none)."""
    for path, site in found(rules, ("sites", ANY)):
        if isinstance(site, str):
            yield path, site, {}
        elif isinstance(site, dict):
            for name, one in site.items():
                yield (*path, str(name)), str(name), one if isinstance(one, dict) else {}


def sent_on(rules: object, kind: str) -> list[str]:
    """The queues or steps to which a queue sends calls on."""
    return [name for why in ("longest_wait", "full") for _, name in words(rules, (why, "then", kind))]


@dataclass(frozen=True, slots=True)
class Use:
    """A place where a name is used. `kind`: one of `DEFINED`, number, office, step, language, hours, shared steps."""

    kind: str
    pattern: Path


def unknown_names(deployment: Deployment, located: Located, uses: Iterable[Use]) -> Iterator[Problem]:
    for use in uses:
        known, where = _known(deployment, located, use.kind)
        if known is None:
            continue
        for path, name in words(located.data, use.pattern):
            if name not in known:
                yield located.at(path, f"{use.kind} {shown(name)} is not in {where}", did_you_mean(name, known))


def _known(deployment: Deployment, located: Located, kind: str) -> tuple[list[str] | None, str]:
    if kind == "step":
        included = [deployment.shared.get(file) for _, file in words(located.data, ("include", ANY))]
        can_be_known = all(one.readable for one in included if one)
        return (list(table(located.data, "steps")) or None) if can_be_known else None, "this dialplan"
    if kind == "language":
        languages = [name for _, name in words(located.data, ("languages", ANY))]
        return languages or None, "the languages of this number"
    if kind == "hours":
        return list(table(located.data, "other_hours")), "`other_hours` of this dialplan"
    if kind == "shared steps":
        return list(deployment.shared), SHARED
    where = {"number": "any dialplan", "office": ENTITIES}
    return deployment.names(kind), where.get(kind) or DEFINED[kind][0]


def texts_problems(
    deployment: Deployment, located: Located, plan: Located, patterns: Iterable[Path]
) -> Iterator[Problem]:
    """Each text of `located` that is for all stands in each language of `plan`, and in none that nobody here speaks:
    steps that several dialplans share may speak the languages of each.
    """
    languages = languages_of(plan)
    for pattern in patterns:
        for path, texts in found(located.data, pattern):
            if not isinstance(texts, dict) or {"file", "also"} & {*texts, path[-1]} or not languages:
                continue
            shared = plan.included.get(str(path[1])) if located is plan else None
            of_whom = "" if located is plan and not shared else f" ({plan.file} speaks it)"
            for language in dict.fromkeys(languages):
                if language not in texts:
                    yield located.at(path, f"the text in `{language}` is missing{of_whom}", f'add `{language}: "…"`')
            if located is plan:
                spoken = deployment.spoken_with[shared.file] if shared else languages
                yield from _never_heard(plan, path, [key for key in texts if key not in spoken])


def languages_of(plan: Located) -> list[str]:
    return [language for _, language in words(plan.data, ("languages", ANY))]


def _never_heard(plan: Located, path: Path, languages: Iterable[str]) -> Iterator[Problem]:
    for language in languages:
        what = f"language {shown(language)} is not in the languages of this number"
        yield plan.at_key((*path, language), what, f"add `{language}` to `languages`, or remove the text")


def twice(located: Located, pattern: Path, kind: str) -> Iterator[Problem]:
    seen: set[Path] = set()
    for path, name in words(located.data, pattern):
        if (*path[:-1], name) in seen:
            yield located.at(path, f"{kind} {shown(name)} stands here twice", "remove it")
        seen.add((*path[:-1], name))

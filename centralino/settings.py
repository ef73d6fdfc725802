"""The deployment's YAML, read and checked as a whole: all of it is loaded, or nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from acd.rules import Rules
from agents.roster import Roster
from cases.entities import Entities
from centralino import meanings
from centralino.crosschecks import problems_across
from centralino.deployment import AGENTS, ENTITIES, FILES, QUEUES, SETTINGS, Deployment
from centralino.forms import DialplanForm, EntitiesForm, Form, QueuesForm, RosterForm, SettingsForm, form_of
from centralino.located import SIZE_BYTES_MAX, Located, Problem, read, shape_problems, unreadable
from centralino.meanings import NodeSettings, PortRange, Ports, Settings
from ivr.menu import Dialplan

__all__ = [
    "BrokenConfiguration",
    "Configuration",
    "NodeSettings",
    "PortRange",
    "Ports",
    "Problem",
    "Settings",
    "check",
    "load",
]

DIALPLANS = "dialplans"
_SEPARATORS = str.maketrans("", "", " -./()")
_PREFIXES = ("+39", "0039", "39")


@dataclass(frozen=True, slots=True)
class Configuration:
    """What all files of a deployment mean."""

    settings: Settings
    rules: Rules
    roster: Roster
    entities: Entities
    dialplans: Mapping[str, Dialplan]  # by service number

    def service_of(self, dialled: str) -> Dialplan | None:
        """The service that answers a number as the carrier sends it (`+39 055 055`, an old number); None: unknown."""
        number = dialled.strip()[:40].translate(_SEPARATORS)
        lines = {old: plan for plan in self.dialplans.values() for old in plan.old_numbers} | dict(self.dialplans)
        if number in lines:
            return lines[number]
        national = (number.removeprefix(prefix) for prefix in _PREFIXES if number.startswith(prefix))
        return next((lines[short] for short in national if short in lines), None)


class BrokenConfiguration(Exception):
    """Its text is the message people see: every problem with its place and cure, then how many there are."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([*map(str, self.problems), f"{count}. Nothing was loaded."]))


def load(folder: Path) -> Configuration:
    """Read the deployment in `folder`. Raises BrokenConfiguration with all problems in it, sorted by file and line."""
    if not folder.is_dir():
        raise BrokenConfiguration(
            [Problem(str(folder), 1, 1, "there is no such folder", "name one with centralino.yaml")]
        )
    files = {file: _read_file(folder, file) for file in (*FILES, *_dialplan_files(folder))}
    problems = _stray_files(folder, files)
    forms: dict[str, Form] = {}
    for located in files.values():
        problems += located.problems
        problems += _shape(located, forms)
    problems += problems_across(Deployment(files))
    if problems:
        raise BrokenConfiguration(sorted(set(problems)))
    return _meaning(forms)


def check(folder: Path) -> tuple[Problem, ...]:
    """All problems of the deployment in `folder`; none: it can be loaded."""
    try:
        load(folder)
    except BrokenConfiguration as broken:
        return broken.problems
    return ()


def _dialplan_files(folder: Path) -> list[str]:
    found = sorted(path.name for path in (folder / DIALPLANS).glob("*.yaml") if not path.name.startswith("."))
    return [f"{DIALPLANS}/{name}" for name in found]


def _stray_files(folder: Path, files: Mapping[str, Located]) -> list[Problem]:
    """Files that would be passed over in silence."""
    if len(files) == len(FILES):
        return [Problem(DIALPLANS, 1, 1, "there is no dialplan", f"write one, such as `{DIALPLANS}/055055.yaml`")]
    strays = sorted((folder / DIALPLANS).glob("*.yml"))
    return [Problem(f"{DIALPLANS}/{path.name}", 1, 1, "this file is not read", "name it `.yaml`") for path in strays]


def _read_file(folder: Path, file: str) -> Located:
    try:
        with (folder / file).open("rb") as opened:
            content = opened.read(SIZE_BYTES_MAX + 1)
    except FileNotFoundError:
        return unreadable(Problem(file, 1, 1, "the file is missing", "each deployment has one"))
    except OSError as error:
        return unreadable(Problem(file, 1, 1, f"the file cannot be read: {error.strerror}"))
    return read(file, content)


def _shape(located: Located, forms: dict[str, Form]) -> list[Problem]:
    """Keep the file's form in `forms`, or say what is wrong with its shape."""
    if not located.readable:
        return []
    form = form_of(located.file)
    try:
        forms[located.file] = form.model_validate(located.data)
    except ValidationError as error:
        return shape_problems(error, located, form)
    return []


def _meaning(forms: Mapping[str, Form]) -> Configuration:
    queues, roster, entities, settings = (forms[file] for file in (QUEUES, AGENTS, ENTITIES, SETTINGS))
    assert isinstance(queues, QueuesForm)
    assert isinstance(roster, RosterForm)
    assert isinstance(entities, EntitiesForm)
    assert isinstance(settings, SettingsForm)
    plans = [meanings.dialplan(form) for form in forms.values() if isinstance(form, DialplanForm)]
    return Configuration(
        settings=meanings.settings(settings),
        rules=meanings.rules(queues, tuple(roster.sites)),
        roster=meanings.roster(roster),
        entities=meanings.entities(entities),
        dialplans={plan.number: plan for plan in plans},
    )

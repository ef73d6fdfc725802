"""The deployment's YAML, read and checked as a whole: all of it is loaded, or nothing."""

import gc
import re
import wave
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from acd.rules import Rules
from agents.roster import Roster
from cases.entities import Entities
from centralino import meanings, piper
from centralino.crosschecks import problems_across
from centralino.deployment import AGENTS, ENTITIES, FILES, QUEUES, SETTINGS, SHARED, Deployment
from centralino.doubts import doubts
from centralino.forms.agents import RosterForm
from centralino.forms.dialplans import DialplanForm, SharedForm
from centralino.forms.entities import EntitiesForm
from centralino.forms.fields import Form
from centralino.forms.files import form_of
from centralino.forms.queues import QueuesForm
from centralino.forms.settings import SettingsForm
from centralino.located import SIZE_BYTES_MAX, Located, Problem, read, shape_problems, unreadable
from centralino.meanings import NodeSettings, PortRange, Ports, Settings
from centralino.sheetchecks import problems_of_sheets, read_sheets
from ivr.menu import Dialplan
from ivr.prompts import LANGUAGES
from ivr.rehearsal import Scenario

__all__ = [
    "BrokenConfiguration",
    "Configuration",
    "NodeSettings",
    "PortRange",
    "Ports",
    "Problem",
    "Settings",
    "counted",
    "examine",
    "load",
    "needs_a_start",
]

DIALPLANS = "dialplans"
RECORDED = "prompts"  # people's own recordings, as LANGUAGE/NAME.wav
ONLY_AT_A_START = (
    "nodes", "rtp", "ports", "web_host", "web_port", "console_host", "console_port", "mail_host", "mail_port",
    "database", "testing", "tls",
)  # fmt: skip
PLACED = f"put it into {DIALPLANS}/ or {SHARED}"
YAML_LIKE = re.compile(r"\.ya?ml$", re.IGNORECASE)
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
    scenarios: Mapping[str, tuple[Scenario, ...]] = field(default_factory=dict)  # what admins want to be true of them
    places: Mapping[str, Located] = field(default_factory=dict)  # where each dialplan stands

    def service_of(self, dialled: str) -> Dialplan | None:
        """The service that answers a number as the carrier sends it (`+39 055 055`, an old number); None: unknown."""
        number = dialled.strip()[:40].translate(_SEPARATORS)
        lines = {old: plan for plan in self.dialplans.values() for old in plan.old_numbers} | dict(self.dialplans)
        if number in lines:
            return lines[number]
        national = (number.removeprefix(prefix) for prefix in _PREFIXES if number.startswith(prefix))
        return next((lines[short] for short in national if short in lines), None)


def needs_a_start(now: Configuration, new: Configuration) -> str:
    """The settings that a reload cannot change and `new` does, as a sentence; empty: a reload is enough."""
    changed = [name for name in ONLY_AT_A_START if getattr(now.settings, name) != getattr(new.settings, name)]
    what = ", ".join(name.replace("_", " ") for name in changed)
    return f"centralino.yaml: {what} can only change with a restart. Nothing was loaded." if changed else ""


class BrokenConfiguration(Exception):
    """Its text is the message people see: every problem with its place and cure, then how many there are."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([*map(str, self.problems), f"{counted(self.problems)}. Nothing was loaded."]))


def counted(problems: Iterable[Problem]) -> str:
    """`3 problems, 1 warning`."""
    warnings = sum(problem.is_warning for problem in problems)
    counts = {"problem": len(tuple(problems)) - warnings, "warning": warnings}
    said = [f"{count} {what}{'' if count == 1 else 's'}" for what, count in counts.items() if count]
    return ", ".join(said) or "no problem"


def load(folder: Path) -> Configuration:
    """Read the deployment in `folder`. Raises BrokenConfiguration with all problems in it, sorted by file and line,
    unless they are mere warnings. Its sheets are not looked at: calls do not wait for them.
    """
    configuration, problems = examine_yaml(folder)
    if configuration is None:
        raise BrokenConfiguration(problems)
    return configuration


@contextmanager
def _without_looking_for_garbage() -> Iterator[None]:
    """What is read holds few rings and much else: to look through it again and again takes a sixth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def examine(folder: Path) -> tuple[Configuration | None, tuple[Problem, ...]]:
    """What the deployment in `folder` means (None: it cannot be loaded), and all that is wrong with it."""
    configuration, problems = examine_yaml(folder)
    today = datetime.now(configuration.settings.time_zone if configuration else UTC).date()
    of_sheets = problems_of_sheets(read_sheets(folder), _read_file(folder, ENTITIES), today)
    broken = any(not problem.is_warning for problem in of_sheets)
    return None if broken else configuration, tuple(sorted({*problems, *of_sheets}))


@_without_looking_for_garbage()
def examine_yaml(folder: Path) -> tuple[Configuration | None, tuple[Problem, ...]]:
    """As `examine`, all but the sheets."""
    if not folder.is_dir():
        missing = Problem(str(folder), 1, 1, "there is no such folder", "name one with centralino.yaml")
        return None, (missing,)
    files = {file: _read_file(folder, file) for file in (*FILES, *_dialplan_files(folder))}
    problems = [*_stray_files(folder, files), *_broken_recordings(folder)]
    forms: dict[str, Form] = {}
    for located in files.values():
        problems += located.problems
        problems += _shape(located, forms)
    deployment = Deployment(files, _recordings(folder))
    problems += problems_across(deployment)
    problems += piper.problems(files[SETTINGS], folder)
    configuration = None
    if all(problem.is_warning for problem in problems):
        configuration = _meaning(forms, {str(plan.data["number"]): plan for plan in deployment.dialplans})
        problems += doubts(configuration.dialplans.values(), configuration.rules, configuration.roster, deployment)
    return configuration, tuple(sorted(set(problems)))


def _dialplan_files(folder: Path) -> list[str]:
    found = [path for place in (DIALPLANS, SHARED) for path in sorted((folder / place).glob("*.yaml"))]
    return [f"{path.relative_to(folder)}" for path in found if not path.name.startswith(".")]


def _recordings(folder: Path) -> dict[str, float]:
    """The length of each recorded prompt in `folder`, in seconds; 0 where it is no WAV file that can be read."""
    return {f"{path.parent.name}/{path.stem}": _length_s(path) for path in _recorded(folder)}


def _recorded(folder: Path) -> list[Path]:
    return [path for language in LANGUAGES for path in sorted((folder / RECORDED / language).glob("*.wav"))]


def _broken_recordings(folder: Path) -> Iterator[Problem]:
    """What callers would hear nothing of, or another voice."""
    for path in _recorded(folder):
        name = f"{path.relative_to(folder)}"
        try:
            if not is_wav(path):
                yield Problem(name, 1, 1, "this is no WAV file", "save it as WAV (PCM), or remove it")
        except OSError as error:
            yield Problem(name, 1, 1, f"the file cannot be read: {error.strerror}")


def is_wav(path: Path) -> bool:
    """Whether it begins as a WAV file does. Raises OSError where it cannot be read."""
    if path.exists() and not path.is_file():
        return False  # of a pipe nobody might ever write the beginning
    with path.open("rb") as opened:
        start = opened.read(12)
    return start[:4] in (b"RIFF", b"RIFX", b"RF64") and start[8:] == b"WAVE"


def _length_s(path: Path) -> float:
    try:
        if not is_wav(path):
            return 0.0
        with wave.open(str(path)) as sound:
            return float(sound.getnframes() / sound.getframerate())
    except (wave.Error, EOFError, OSError, ZeroDivisionError):
        return 0.0


def _stray_files(folder: Path, files: Mapping[str, Located]) -> list[Problem]:
    """Files that would be passed over in silence."""
    strays = [path for path in sorted((folder / DIALPLANS).rglob("*")) if YAML_LIKE.search(path.name)]
    problems = [
        Problem(name, 1, 1, "this file is not read", PLACED if path.suffix == ".yaml" else "name it `.yaml`")
        for path in strays
        if not path.name.startswith(".") and (name := f"{path.relative_to(folder)}") not in files
    ]
    if all(file in FILES or file.startswith(SHARED) for file in files) and not problems:
        return [Problem(DIALPLANS, 1, 1, "there is no dialplan", f"write one, such as `{DIALPLANS}/055055.yaml`")]
    return problems


def _read_file(folder: Path, file: str) -> Located:
    path = folder / file
    if path.exists() and not path.is_file() and not path.is_dir():
        return unreadable(Problem(file, 1, 1, "this is no file that can be read"))  # of a pipe we might wait for ever
    try:
        with path.open("rb") as opened:
            content = opened.read(SIZE_BYTES_MAX + 1)
    except FileNotFoundError:
        other = next((one.name for one in folder.glob(f"{path.stem}.*") if YAML_LIKE.search(one.name)), "")
        hint = f"rename {other}" if other and file in FILES else "each deployment has one"
        return unreadable(Problem(file, 1, 1, "the file is missing", hint))
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


def _meaning(forms: Mapping[str, Form], places: Mapping[str, Located]) -> Configuration:
    queues, roster, entities, settings = (forms[file] for file in (QUEUES, AGENTS, ENTITIES, SETTINGS))
    assert isinstance(queues, QueuesForm)
    assert isinstance(roster, RosterForm)
    assert isinstance(entities, EntitiesForm)
    assert isinstance(settings, SettingsForm)
    offices = meanings.entities(entities).offices()
    zone = ZoneInfo(settings.time_zone)
    written = list(_with_included(forms))
    plans = [meanings.dialplan(plan, offices, zone) for plan in written]
    return Configuration(
        settings=meanings.settings(settings),
        rules=meanings.rules(queues, tuple(roster.sites)),
        roster=meanings.roster(roster),
        entities=meanings.entities(entities),
        dialplans={plan.number: plan for plan in plans},
        scenarios={plan.number: meanings.scenarios(plan, zone) for plan in written},
        places=places,
    )


def _with_included(forms: Mapping[str, Form]) -> Iterator[DialplanForm]:
    """The dialplans, each with the steps that it includes."""
    for form in forms.values():
        if isinstance(form, DialplanForm):
            shared = [forms[f"{SHARED}{name}.yaml"] for name in form.include]
            steps = {name: step for one in shared if isinstance(one, SharedForm) for name, step in one.steps.items()}
            yield form.model_copy(update={"steps": {**form.steps, **steps}})

"""A profile: who calls a number, when, and for how long. Read from YAML with places, like the rest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from acd.arrivals import Exponential, Kind, LogNormal, Patience, Time
from acd.simulation import Manners
from centralino.durations import between
from centralino.forms.dialplans import Instant
from centralino.forms.fields import Form, Language, Name, Number
from centralino.forms.queues import Percent
from centralino.located import Located, Problem, did_you_mean, read, shape_problems, shown
from centralino.settings import BrokenConfiguration, Configuration
from ivr.hours import DAYS

Calls = Annotated[float, Field(ge=0, le=1_000_000)]
Share = Annotated[float, Field(ge=0, le=1_000_000)]
Talk = Annotated[float, between("1s", "4h")]


class TalkForm(Form):
    mean: Talk
    deviation: Talk | None = None


class QueueShareForm(Form):
    share: Share
    talk: Talk | None = None


class PatienceForm(Form):
    mean: Annotated[float, between("1s", "24h")] | None = None
    short: Percent = 0.0
    short_within: Annotated[float, between("1s", "1m")] = 5.0


class AgentsForm(Form):
    pick_up: Annotated[float, between("0s", "1m")] = 3.0
    no_show: Percent = 0.0


class ProfileForm(Form):
    number: Number
    begin: Instant
    days: Annotated[dict[Name, Calls], Field(min_length=1)]
    hours: Annotated[dict[str, Share], Field(min_length=1)]
    queues: Annotated[dict[Name, QueueShareForm], Field(min_length=1)]
    talk: TalkForm
    languages: Annotated[dict[Language, Share], Field(min_length=1)] | None = None
    entities: Annotated[dict[Name, Share], Field(min_length=1)] | None = None
    patience: PatienceForm = PatienceForm()
    agents: AgentsForm = AgentsForm()


@dataclass(frozen=True, slots=True)
class Profile:
    """`days`: calls expected on each day of the week, Monday first; `hours`: how they divide among the 24 hours of a
    day, in sum 1; `no_show`: the share of shifts to which the agent does not come.
    """

    number: str
    begin: date
    days: tuple[float, ...]
    hours: tuple[float, ...]
    kinds: tuple[Kind, ...]
    patience: Patience
    manners: Manners
    no_show: float

    @property
    def queues(self) -> frozenset[str]:
        return frozenset(kind.queue for kind in self.kinds)


def load_profile(file: Path, configuration: Configuration) -> Profile:
    """Read a profile for a deployment. Raises BrokenConfiguration with all problems in it, or OSError."""
    located = read(str(file), file.read_bytes())
    problems, form = list(located.problems), None
    try:
        form = ProfileForm.model_validate(located.data) if located.readable else None
    except ValidationError as error:
        problems += shape_problems(error, located, ProfileForm)
    problems += _unknown_names(located, configuration)
    if problems or form is None:
        raise BrokenConfiguration(sorted(set(problems)))
    return _meaning(form)


def _unknown_names(located: Located, configuration: Configuration) -> Iterator[Problem]:
    known: Mapping[str, tuple[str, list[str]]] = {
        "queues": ("queues.yaml", list(configuration.rules.queues)),
        "entities": ("entities.yaml", list(configuration.entities.entities)),
        "days": ("the days of the week", list(DAYS)),
        "hours": ("the hours of a day", [f"{hour:02}" for hour in range(24)]),
    }
    for part, (where, names) in known.items():
        table = located.data.get(part)
        for name in table if isinstance(table, dict) else ():
            if name not in names:
                yield located.at_key(
                    (part, name), f"{shown(name)} is not in {where}", did_you_mean(name.zfill(2), names)
                )
        if isinstance(table, dict) and table and not _sum(table):
            yield located.at_key((part,), f"nobody calls: all of `{part}` are 0", "let one be more")


def _sum(table: Mapping[str, object]) -> float:
    """Of the numbers in it; 1 where there is something else, of which others tell."""
    shares = [value["share"] if isinstance(value, dict) and "share" in value else value for value in table.values()]
    return sum(share if isinstance(share, int | float) else 1 for share in shares)


def _meaning(form: ProfileForm) -> Profile:
    hours = [form.hours.get(f"{hour:02}", 0.0) for hour in range(24)]
    return Profile(
        number=form.number,
        begin=form.begin.date(),
        days=tuple(form.days.get(day, 0.0) for day in DAYS),
        hours=tuple(share / sum(hours) for share in hours),
        kinds=tuple(_kinds(form)),
        patience=Patience(form.patience.mean, form.patience.short, form.patience.short_within),
        manners=Manners(form.agents.pick_up, form.patience.short_within),
        no_show=form.agents.no_show,
    )


def _kinds(form: ProfileForm) -> Iterator[Kind]:
    """Queue, language and entity are taken to be independent of one another."""
    for queue, said in form.queues.items():
        talk = _talk(form.talk, said.talk or form.talk.mean)
        for language, speak in (form.languages or {"it": 1.0}).items():
            for entity, live in (form.entities or {"": 1.0}).items():
                if weight := said.share * speak * live:
                    yield Kind(queue, talk, weight, language, entity)


def _talk(form: TalkForm, mean_s: float) -> Time:
    """The deviation grows with the mean."""
    return LogNormal(mean_s, form.deviation * mean_s / form.mean) if form.deviation else Exponential(mean_s)

"""The menu of a service number as a picture, for people who never read its YAML. Pure: text for graphviz's `dot`.

Each kind of step has a shape and says its name, so that nothing depends on colour.
"""

import textwrap
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import assert_never
from zoneinfo import ZoneInfo

from ivr.menu import (
    Ask,
    Branch,
    CallBack,
    CaseStatus,
    Choose,
    Condition,
    Dialplan,
    HangUp,
    IsOpen,
    Key,
    Menu,
    Notice,
    Queue,
    Say,
    SetLanguage,
    Step,
    Transfer,
    Voicemail,
)
from ivr.prompts import Words
from ivr.situation import in_words

TEXT_COLUMNS_MAX = 58  # of a text: with its quotation marks two lines; an ideograph takes two columns
LINE_COLUMNS = 32
FONTS = "Verdana,DejaVu Sans,Geneva,sans-serif"  # equally wide: dot measures with one what another may show
SPEAKS, ASKS, CHOOSES, REACHES, ENDS = "#ffffff", "#dcebf7", "#fdf3c7", "#fbe3d0", "#e8e8e8"
NUMBER_NODE = "number"


@dataclass(frozen=True, slots=True)
class Look:
    """What a step of one kind looks like. `shape`: one of graphviz's."""

    kind: str
    shape: str
    fill: str
    style: str = "filled"
    borders: int = 1


LOOKS: Mapping[type[Step], Look] = {
    Say: Look("say", "box", SPEAKS, "filled,rounded"),
    Menu: Look("menu", "box", ASKS, "filled,bold"),
    Ask: Look("ask for digits", "component", ASKS),
    Queue: Look("queue", "cylinder", REACHES),
    Transfer: Look("transfer", "box", REACHES, borders=2),
    Voicemail: Look("voicemail", "note", REACHES),
    CallBack: Look("call-back", "box3d", REACHES),
    CaseStatus: Look("case status", "folder", ASKS),
    Choose: Look("choose", "hexagon", CHOOSES),
    SetLanguage: Look("language", "ellipse", SPEAKS),
    Notice: Look("notice", "tab", SPEAKS),
    HangUp: Look("hang up", "octagon", ENDS),
}


@dataclass(frozen=True, slots=True)
class Way:
    """A call takes the way to step `to` when `key` is pressed, or when what `label` says is so; neither: always.

    Beside a `key`, `label` says what else it does.
    """

    label: str
    to: str
    key: str = ""


def picture_of(plan: Dialplan, language: str, sent_on: Collection[tuple[str, str]] = ()) -> str:
    """The picture in graphviz's language, texts in `language`; the same for the same dialplan. Steps to which no call
    comes are dashed.

    `sent_on`: (queue, step): where callers whom no agent of the queue answers go on in the dialplan.
    """
    first = _first_ways(plan)
    ways = {step.name: [*_ways(step), *_from_queue(step, plan, sent_on)] for step in plan.steps.values()}
    reached = _reached(first, ways)
    lines = [_number(plan), *_arrows(NUMBER_NODE, first, "solid")]
    for step in plan.steps.values():
        lines.append(_node(step, plan, language, is_reached=step.name in reached))
        lines += _arrows(_id(step.name), ways[step.name], "solid" if step.name in reached else "dashed")
    return "\n".join([f"digraph {_quoted(plan.number)} {{", *_defaults(), *lines, "}", ""])


def _defaults() -> Iterator[str]:
    yield f'graph [fontname="{FONTS}", rankdir=TB, nodesep=0.35, ranksep=0.5, bgcolor=white, pad=0.2]'
    yield f'node [fontname="{FONTS}", fontsize=11, color="#333333", margin="0.2,0.1"]'
    yield f'edge [fontname="{FONTS}", fontsize=10, color="#555555", arrowsize=0.7]'


# --- the ways between steps


def _first_ways(plan: Dialplan) -> list[Way]:
    if plan.hours is None:
        return [Way("always open", plan.start)]
    opened = [Way("\n".join(["open", *_cut_lines(plan.hours.in_words())]), plan.start)]
    return opened + ([Way("outside hours", plan.closed)] if plan.closed else [])


def _ways(step: Step) -> list[Way]:
    """Where a call may go from here, in the order in which the dialplan names it."""
    match step:
        case Say(then=then) | SetLanguage(then=then) | Notice(then=then):
            return [Way("", then)]
        case Menu(keys=keys, otherwise=otherwise):
            return [*(Way(_does(does), does.go, key) for key, does in keys.items()), Way("no valid key", otherwise)]
        case Ask(then=then, otherwise=otherwise):
            return [Way("keyed in", then), Way("nothing keyed in", otherwise)]
        case Transfer(hours=hours, otherwise=otherwise):
            return [Way("closed / no answer" if hours else "no answer", otherwise)]
        case CallBack(then=maybe, otherwise=otherwise):
            return [*_maybe("promised", maybe), Way("not wanted", otherwise)]
        case CaseStatus(then=maybe, otherwise=rather):
            return [*_maybe("told", maybe), *_maybe("not told", rather)]
        case Choose(branches=branches, otherwise=otherwise):
            return [*_branches(branches), Way("otherwise", otherwise)]
        case Queue() | Voicemail() | HangUp():
            return []
        case _:
            assert_never(step)


def _maybe(label: str, to: str | None) -> list[Way]:
    return [Way(label, to)] if to else []


def _does(key: Key) -> str:
    """`in EN for comune-fiesole`; most keys only lead somewhere."""
    language, entity = f"in {key.language.upper()}" if key.language else "", f"for {key.entity}" if key.entity else ""
    return f"{language} {entity}".strip()


def _branches(branches: Sequence[Branch]) -> Iterator[Way]:
    """The first that holds counts, so they are numbered: where arrows stand tells no order."""
    is_ordered = len({branch.go for branch in branches}) > 1
    for count, branch in enumerate(branches, 1):
        yield Way(f"({count}) {_condition(branch)}" if is_ordered else _condition(branch), branch.go)


def _condition(branch: Branch) -> str:
    return " and\n".join("\n".join(_condition_lines(condition)) for condition in branch.conditions)


def _condition_lines(condition: Condition) -> list[str]:
    hours = _cut_lines(condition.hours.in_words()) if isinstance(condition, IsOpen) else []
    return [in_words(condition), *hours]


def _from_queue(step: Step, plan: Dialplan, sent_on: Collection[tuple[str, str]]) -> list[Way]:
    if not isinstance(step, Queue):
        return []
    return [Way("sent on by the queue", to) for queue, to in sent_on if queue == step.queue and to in plan.steps]


def _reached(first: Iterable[Way], ways: Mapping[str, list[Way]]) -> set[str]:
    """The steps to which a call can come."""
    todo, reached = [way.to for way in first], set[str]()
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += [way.to for way in ways[name]]
    return reached


def _arrows(tail: str, ways: Iterable[Way], style: str) -> Iterator[str]:
    """One arrow to each step, however many ways lead there."""
    together: dict[str, list[Way]] = {}
    for way in ways:
        together.setdefault(way.to, []).append(way)
    for to, several in together.items():
        lines = [f"&#160;{line}&#160;" for line in _lines(_arrow_lines(several))]
        label = f", label={_html(lines)}" if lines else ""
        yield f"{_quoted(tail)} -> {_quoted(_id(to))} [style={style}{label}]"


def _arrow_lines(ways: Iterable[Way]) -> list[str]:
    """`1, 0`, then the keys that do more, then `or …`."""
    ways = list(ways)
    bare = ", ".join(way.key for way in ways if way.key and not way.label)
    lines = [bare, *(f"{way.key} {way.label}" for way in ways if way.key and way.label)]
    for label in (way.label for way in ways if not way.key):
        lines += f"{'or ' if any(lines) else ''}{label}".split("\n")
    return lines


# --- the steps


def _number(plan: Dialplan) -> str:
    old = [f"also {', '.join(plan.old_numbers)}"] if plan.old_numbers else []
    lines = [f"<b>{_escaped(plan.number)}</b>", *_lines([plan.name, *old])]
    look = f'shape=ellipse, peripheries=2, style=filled, fillcolor="{ENDS}"'
    return f"{_quoted(NUMBER_NODE)} [{look}, label={_html(lines)}]"


def _node(step: Step, plan: Dialplan, language: str, *, is_reached: bool) -> str:
    look = LOOKS[type(step)]
    head = [f'<font point-size="9">{look.kind}</font>', f"<b>{_escaped(step.name)}</b>"]
    facts = [*_facts(step, plan.time_zone), *([] if is_reached else ["(no call comes here)"])]
    label = _html([*head, *_lines([*_text(step, language), *facts])])
    style = look.style if is_reached else f"{look.style.removesuffix(',bold')},dashed"
    drawn = f'shape={look.shape}, peripheries={look.borders}, style="{style}", fillcolor="{look.fill}"'
    return f"{_quoted(_id(step.name))} [{drawn}, label={label}]"


def _text(step: Step, language: str) -> list[str]:
    """The beginning of what the step says, in quotation marks."""
    if isinstance(step, Queue | Choose | SetLanguage):
        return []
    said = _said(step.words, language)
    return [f"“{_beginning(said)}”"] if said else []


def _said(words: Words, language: str) -> str:
    prompts = words.get(language, ())
    return " ".join(f"({prompt.file}.wav)" if prompt.file else prompt.text for prompt in prompts)


def _facts(step: Step, zone: ZoneInfo) -> list[str]:
    """What else is worth knowing about the step, a line each."""
    match step:
        case Ask(least=least, most=most, note=note):
            return [f"{least} digits" if least == most else f"{least} to {most} digits", f"kept as {note}"]
        case Queue(queue=queue):
            return [f"agents of {queue}"]
        case Transfer(hours=hours):
            return [*_reaching(step), *(_cut_lines(hours.in_words()) if hours else ())]
        case Voicemail(box=box, longest_s=longest_s):
            return [f"for {box}", f"up to {_length(longest_s)}"]
        case CallBack(queue=queue, then=then):
            return [f"by {queue}", *([] if then else ["once promised, the call ends"])]
        case CaseStatus(then=then, otherwise=otherwise):
            ends = [*([] if then else ["told"]), *([] if otherwise else ["not told"])]
            return [f"{' or '.join(ends)}: the call ends"] if ends else []
        case SetLanguage(language=language):
            return [f"speaks {language.upper()} from now on"]
        case Notice(begins_at=begins_at, ends_at=ends_at):
            return [*_instant("from", begins_at, zone), *_instant("until", ends_at, zone)]
        case Say() | Menu() | Choose() | HangUp():
            return []
        case _:
            assert_never(step)


def _reaching(step: Transfer) -> Iterator[str]:
    """How an office is reached: by its agents, by its telephone, or by both in this order."""
    if step.queue:
        yield f"{step.office}: agents of {step.queue}"
        yield f"within {_length(step.answer_within_s)}"
    if step.phone:
        yield f"rings {step.office}"
        yield f"for {_length(step.ring_s)}"


def _instant(word: str, at: datetime | None, zone: ZoneInfo) -> list[str]:
    return [f"{word} {at.astimezone(zone):%Y-%m-%d %H:%M}"] if at else []


def _length(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60 and seconds % 60 == 0 else f"{seconds:g} s"


# --- texts as graphviz takes them


def _beginning(text: str) -> str:
    """At most `TEXT_COLUMNS_MAX` of the text, ended at a word where it has words."""
    whole = _clean(text)
    kept = whole[:TEXT_COLUMNS_MAX]
    while _columns(kept) > TEXT_COLUMNS_MAX:
        kept = kept[:-1]
    if kept == whole:
        return whole
    words, _, rest = kept.rpartition(" ")
    ends_a_word = whole[len(kept)] == " " or len(rest) > len(words)
    return f"{(kept if ends_a_word else words).rstrip(' .,;:')}…"


def _cut_lines(lines: Iterable[str]) -> list[str]:
    return [_beginning(line) for line in lines]


def _lines(texts: Iterable[str]) -> list[str]:
    return [_escaped(line) for text in texts for line in _wrapped(text)]


def _wrapped(text: str) -> list[str]:
    """Lines of about `LINE_COLUMNS`; languages that put no spaces between words are cut anywhere."""
    clean = _clean(text)
    is_wide = _columns(clean) > 1.5 * len(clean)
    return textwrap.wrap(clean, LINE_COLUMNS // 2 if is_wide else LINE_COLUMNS)


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _clean(text: str) -> str:
    """On one line, without what XML cannot hold."""
    kept = "".join(" " if unicodedata.category(one) in ("Cc", "Cs", "Cn") else one for one in text)
    return " ".join(kept.split())


def _escaped(text: str) -> str:
    """An invisible space after each backslash: graphviz would take a bare `\\N` for the name of the node."""
    return escape(_clean(text)).replace("\\", "\\&#8203;")


def _html(escaped_lines: Iterable[str]) -> str:
    return f"<{'<br/>'.join(escaped_lines)}>"


def _id(step: str) -> str:
    return f"step {step}"


def _quoted(text: str) -> str:
    escaped = _clean(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

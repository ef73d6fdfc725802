"""What the system itself says to callers, from one table per language (`ivr/sentences/LANG.yaml`).

Pure: the tables are handed in as text. Native speakers correct the tables; no sentence stands in code.
"""

import re
import string
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

import yaml

from ivr.prompts import Prompt, unspeakable

LANGUAGES_WITH_SENTENCES = ("it", "en", "fr", "de", "es", "zh", "ar")
UNVERIFIED_LANGUAGES = ("zh", "ar")  # nobody who speaks them has read their tables
_FALLBACK_LANGUAGE = "en"
_MONTHS = "months"


class Sentence(StrEnum):
    """Each sentence, by its key in the tables."""

    UNKNOWN_NUMBER = "unknown_number"  # the number dialled is no service of ours
    WRONG_KEY = "wrong_key"  # the menu has no such key; the menu follows again
    NOTHING_PRESSED = "nothing_pressed"  # the wait for a key is over; the menu follows again
    GOODBYE = "goodbye"  # before the system hangs up
    LEAVE_MESSAGE = "leave_message"  # the voicemail where the dialplan has no text of its own; the beep follows
    MESSAGE_KEPT = "message_kept"
    NO_MESSAGE = "no_message"  # nothing was recorded
    NO_ROOM_FOR_MESSAGES = "no_room_for_messages"  # nothing can be recorded now
    ALL_BUSY_LEAVE_MESSAGE = "all_busy_leave_message"  # from a queue into the voicemail; the beep follows
    TECHNICAL_FAULT = "technical_fault"  # ours: the call cannot be carried on
    YOU_KEYED = "you_keyed"  # the digits follow, one by one
    CONFIRM_DIGITS = "confirm_digits"  # 1: right; 2: again
    WRONG_DIGITS = "wrong_digits"  # too few, too many, or no number that can be; the question follows again
    CALL_BACK_AT = "call_back_at"  # the caller's number follows, digit by digit
    CONFIRM_NUMBER = "confirm_number"  # 1: right; 2: another number
    KEY_IN_NUMBER = "key_in_number"
    CALL_BACK_PROMISED = "call_back_promised"
    KEY_IN_CASE = "key_in_case"
    KEY_IN_PROOF = "key_in_proof"
    NO_SUCH_CASE = "no_such_case"  # also where the proof was wrong
    YOU_ARE_NEXT = "you_are_next"
    WAIT_SHORT = "wait_short"  # less than a minute
    WAIT_ONE_OR_TWO = "wait_one_or_two"  # minutes
    WAIT_LONG = "wait_long"  # more than an hour
    CONNECTING = "connecting"  # handed on to other agents; what waits for them follows
    NOT_RECORDED = "not_recorded"  # the caller does not want to be recorded


FOR_DIGITS = frozenset(
    {
        Sentence.YOU_KEYED,
        Sentence.CONFIRM_DIGITS,
        Sentence.WRONG_DIGITS,
        Sentence.CALL_BACK_AT,
        Sentence.CONFIRM_NUMBER,
        Sentence.KEY_IN_NUMBER,
        Sentence.CALL_BACK_PROMISED,
        Sentence.KEY_IN_CASE,
        Sentence.KEY_IN_PROOF,
        Sentence.NO_SUCH_CASE,
    }
)


FOR_WAITING = frozenset(
    {Sentence.YOU_ARE_NEXT, Sentence.WAIT_SHORT, Sentence.WAIT_ONE_OR_TWO, Sentence.WAIT_LONG, Sentence.NOT_RECORDED}
)


class Pattern(StrEnum):
    """Each sentence, or part of one, into which something is put; which must stand in braces is in `_PUT_IN`."""

    DATE = "date"
    FIRST_OF_MONTH = "first_of_month"
    CASE_OPEN = "case_open"
    CASE_OPEN_DUE = "case_open_due"
    CASE_CLOSED = "case_closed"
    POSITION = "position"
    WAIT_BETWEEN = "wait_between"  # from so many minutes to so many, counted
    OFFER_VOICEMAIL = "offer_voicemail"
    OFFER_CALL_BACK = "offer_call_back"
    CONNECTING_TO = "connecting_to"  # handed on to an office
    MAY_BE_RECORDED = "may_be_recorded"  # unless a key is pressed


_PUT_IN: Mapping[Pattern, frozenset[str]] = {
    Pattern.DATE: frozenset({"day", "month", "year"}),
    Pattern.FIRST_OF_MONTH: frozenset({"month", "year"}),
    Pattern.CASE_OPEN: frozenset({"opened"}),
    Pattern.CASE_OPEN_DUE: frozenset({"opened", "due"}),
    Pattern.CASE_CLOSED: frozenset({"opened"}),
    Pattern.POSITION: frozenset({"position"}),
    Pattern.WAIT_BETWEEN: frozenset({"low", "minutes"}),
    Pattern.OFFER_VOICEMAIL: frozenset({"key"}),
    Pattern.OFFER_CALL_BACK: frozenset({"key"}),
    Pattern.CONNECTING_TO: frozenset({"office"}),
    Pattern.MAY_BE_RECORDED: frozenset({"key"}),
}
_MINUTES = "minutes"
_ELSE = "other"
COUNTED_MOST = 999
MINUTES_SAID = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60)  # a wait is a guess: coarser as it grows
WAIT_SHORT_S, WAIT_ONE_OR_TWO_S, WAIT_LONG_S = 60.0, 150.0, 3600.0


class TableError(ValueError):
    """A table of sentences is not right: each problem as `FILE:LINE:COL: text`, one a line."""


@dataclass(frozen=True, slots=True)
class Table:
    """What the system says in one language. `months`: their twelve names, January first; `minutes`: how they are
    counted, by the least and the most that a form is for.
    """

    sentences: Mapping[Sentence, Prompt]
    patterns: Mapping[Pattern, str]
    months: tuple[str, ...]
    minutes: Mapping[tuple[int, int], str]

    def date(self, day: date) -> str:
        """A day as it stands within a sentence."""
        pattern = self.patterns[Pattern.FIRST_OF_MONTH if day.day == 1 else Pattern.DATE]
        return pattern.format(day=day.day, month=self.months[day.month - 1], year=day.year)

    def counted_minutes(self, count: int) -> str:
        """`count` minutes as they stand within a sentence; the narrowest form that is for so many."""
        forms = [(most - least, text) for (least, most), text in self.minutes.items() if least <= count <= most]
        return min(forms)[1].format(count=count)


@dataclass(frozen=True, slots=True)
class Sentences:
    """The tables of all languages that were read; English is always among them."""

    tables: Mapping[str, Table]

    def prompt(self, sentence: Sentence, language: str) -> Prompt:
        """The sentence in `language`, or in English where that language has no table."""
        return self._table(language).sentences[sentence]

    def digits(self, digits: str, language: str) -> tuple[Prompt, ...]:
        """Each digit by itself, as numbers of cases and telephones are said. Other characters are left out."""
        return tuple(Prompt(digit, language) for digit in digits if digit.isdecimal())

    def case_standing(self, is_open: bool, opened: date, due: date | None, language: str) -> Prompt:
        """How a case stands: a sentence that must be made when it is needed, since each date makes another."""
        table = self._table(language)
        pattern = (Pattern.CASE_OPEN_DUE if due else Pattern.CASE_OPEN) if is_open else Pattern.CASE_CLOSED
        text = table.patterns[pattern].format(opened=table.date(opened), due=table.date(due) if due else "")
        return Prompt(text, language if language in self.tables else _FALLBACK_LANGUAGE)

    def place_in_line(self, position: int, language: str) -> Prompt:
        """Which place in the line the caller has; 1: they are next."""
        if position == 1:
            return self.prompt(Sentence.YOU_ARE_NEXT, language)
        return self._filled(Pattern.POSITION, language, position=position)

    def wait(self, low_s: float, high_s: float, language: str) -> Prompt:
        """Between how many seconds the wait is expected to be over: in minutes, two or more, rounded outwards."""
        if high_s <= WAIT_SHORT_S:
            return self.prompt(Sentence.WAIT_SHORT, language)
        if high_s <= WAIT_ONE_OR_TWO_S:
            return self.prompt(Sentence.WAIT_ONE_OR_TWO, language)
        if (low_s + high_s) / 2 >= WAIT_LONG_S:
            return self.prompt(Sentence.WAIT_LONG, language)
        low = max((count for count in MINUTES_SAID[:-1] if count * 60 <= low_s), default=MINUTES_SAID[0])
        high = min((count for count in MINUTES_SAID if count > low and count * 60 >= high_s), default=MINUTES_SAID[-1])
        minutes = self._table(language).counted_minutes(high)
        return self._filled(Pattern.WAIT_BETWEEN, language, low=low, minutes=minutes)

    def connecting(self, office: str, language: str) -> Prompt:
        """To whom the caller is handed on; an office's name, or empty."""
        if not office:
            return self.prompt(Sentence.CONNECTING, language)
        return self._filled(Pattern.CONNECTING_TO, language, office=office)

    def with_key(self, pattern: Pattern, key: str, language: str) -> Prompt:
        """A sentence that names a key (OFFER_VOICEMAIL, OFFER_CALL_BACK, MAY_BE_RECORDED)."""
        return self._filled(pattern, language, key=key)

    def _filled(self, pattern: Pattern, language: str, **fields: str | int) -> Prompt:
        text = self._table(language).patterns[pattern].format(**fields)
        return Prompt(text, language if language in self.tables else _FALLBACK_LANGUAGE)

    def prompts(self, languages: Collection[str]) -> frozenset[Prompt]:
        """What may be said to any caller who speaks one of `languages`: it must be made before the first call."""
        always = [sentence for sentence in Sentence if sentence not in FOR_DIGITS | FOR_WAITING]
        return frozenset(self.prompt(sentence, language) for language in languages for sentence in always)

    def prompts_for_digits(self, languages: Collection[str]) -> frozenset[Prompt]:
        """What may be said, beside, to callers who key in more than one digit."""
        fixed = {self.prompt(sentence, language) for language in languages for sentence in FOR_DIGITS}
        return frozenset(fixed).union(*(self.digits("0123456789", language) for language in languages))

    def prompts_for_waiting(self, languages: Collection[str]) -> frozenset[Prompt]:
        """What may be said, beside, to callers who wait; sentences with numbers are not among them."""
        return frozenset(self.prompt(sentence, language) for language in languages for sentence in FOR_WAITING)

    def _table(self, language: str) -> Table:
        return self.tables.get(language, self.tables[_FALLBACK_LANGUAGE])


def read_sentences(texts: Mapping[str, str]) -> Sentences:
    """The sentences from the YAML of each language. Raises TableError with all problems of the first wrong table."""
    if _FALLBACK_LANGUAGE not in texts:
        raise TableError(f"{_FALLBACK_LANGUAGE}.yaml: the table that others fall back to is missing")
    return Sentences(MappingProxyType({language: read_table(language, text) for language, text in texts.items()}))


def read_table(language: str, text: str) -> Table:
    """One language's table. Raises TableError with every problem in it."""
    sentences: dict[Sentence, Prompt] = {}
    patterns: dict[Pattern, str] = {}
    months: tuple[str, ...] = ()
    minutes: dict[tuple[int, int], str] = {}
    problems = []
    for key, value in _rows(language, text):
        name = str(key.value)
        if name in {*sentences, *patterns} or (name == _MONTHS and months) or (name == _MINUTES and minutes):
            problems.append(_at(language, key, f"`{name}` stands here twice"))
        elif name == _MONTHS:
            months = tuple(str(month.value) for month in value.value) if isinstance(value, yaml.SequenceNode) else ()
            if len(set(months)) != 12:
                problems.append(_at(language, value, f"`{name}` is not a list of twelve names"))
        elif name == _MINUTES:
            minutes, wrong = _counted(value)
            problems += [_at(language, value, f"`{name}` {wrong}")] if wrong else []
        elif name not in {*Sentence, *Pattern}:
            problems.append(_at(language, key, f"`{name}` is not the name of a sentence"))
        elif not isinstance(value, yaml.ScalarNode) or unspeakable(Prompt(value.value, language)):
            problems.append(_at(language, value, f"`{name}` is not a text that can be spoken"))
        elif name in set(Sentence):
            sentences[Sentence(name)] = Prompt(value.value, language)
        elif wrong := _wrong_fields(Pattern(name), value.value):
            problems.append(_at(language, value, f"`{name}` {wrong}"))
        else:
            patterns[Pattern(name)] = value.value
    named = {line.split("`")[1] for line in problems}
    had = {*sentences, *patterns, *([_MONTHS] if months else []), *([_MINUTES] if minutes else [])}
    wanted = (*Sentence, *Pattern, _MONTHS, _MINUTES)
    problems += [f"{language}.yaml:1:1: `{s}` is missing" for s in wanted if s not in had and s not in named]
    if problems:
        raise TableError("\n".join(problems))
    return Table(MappingProxyType(sentences), MappingProxyType(patterns), months, MappingProxyType(minutes))


def _counted(value: yaml.Node) -> tuple[dict[tuple[int, int], str], str]:
    """The forms of a counted word, and what is wrong with them; empty where nothing is."""
    wanted = 'is not a table such as `{1: "1 minute", 2-4: "…", other: "{count} minutes"}`'
    forms: dict[tuple[int, int], str] = {}
    for key, text in value.value if isinstance(value, yaml.MappingNode) else ():
        found = re.fullmatch(r"([0-9]{1,3})(?:-([0-9]{1,3}))?", str(key.value))
        least, most = (int(found[1]), int(found[2] or found[1])) if found else (0, COUNTED_MOST)
        is_text = isinstance(text, yaml.ScalarNode) and set(re.findall("{(.*?)}", text.value)) <= {"count"}
        if not (found or key.value == _ELSE) or least > most or not is_text:
            return {}, wanted
        forms[least, most] = text.value
    return forms, "" if (0, COUNTED_MOST) in forms else wanted


def _wrong_fields(pattern: Pattern, text: str) -> str:
    """What is wrong with the braces of a pattern; empty where nothing is."""
    wanted = ", ".join(f"{{{name}}}" for name in sorted(_PUT_IN[pattern]))
    try:
        fields = [(name, form, how) for _, name, form, how in string.Formatter().parse(text) if name is not None]
    except ValueError:
        return f"has braces that do not fit; it takes {wanted}"
    is_plain = all(not form and not how for _, form, how in fields)
    return "" if is_plain and {name for name, _, _ in fields} == _PUT_IN[pattern] else f"must hold {wanted}"


def _rows(language: str, text: str) -> list[tuple[yaml.Node, yaml.Node]]:
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as wrong:
        line, column = (wrong.problem_mark.line + 1, wrong.problem_mark.column + 1) if wrong.problem_mark else (1, 1)
        raise TableError(f"{language}.yaml:{line}:{column}: {wrong.problem}") from wrong
    except yaml.YAMLError as wrong:
        raise TableError(f"{language}.yaml:1:1: {wrong}") from wrong
    if not isinstance(root, yaml.MappingNode):
        raise TableError(f"{language}.yaml:1:1: this must be a table of `name: text`")
    return [(key, value) for key, value in root.value]


def _at(language: str, node: yaml.Node, what: str) -> str:
    return f"{language}.yaml:{node.start_mark.line + 1}:{node.start_mark.column + 1}: {what}"

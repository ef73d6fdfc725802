"""What the system itself says to callers, from one table per language (`ivr/sentences/LANG.yaml`).

Pure: the tables are handed in as text. Native speakers correct the tables; no sentence stands in code.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import yaml

from ivr.prompts import Prompt, unspeakable

LANGUAGES_WITH_SENTENCES = ("it", "en", "fr", "de", "es")
_FALLBACK_LANGUAGE = "en"


class Sentence(StrEnum):
    """Each sentence, by its key in the tables."""

    UNKNOWN_NUMBER = "unknown_number"  # the number dialled is no service of ours
    WRONG_KEY = "wrong_key"  # the menu has no such key; the menu follows again
    NOTHING_PRESSED = "nothing_pressed"  # the wait for a key is over; the menu follows again
    GOODBYE = "goodbye"  # before the system hangs up
    LEAVE_MESSAGE = "leave_message"  # the voicemail where the dialplan has no text of its own; the beep follows
    MESSAGE_KEPT = "message_kept"
    NO_MESSAGE = "no_message"  # nothing was recorded
    ALL_BUSY_LEAVE_MESSAGE = "all_busy_leave_message"  # from a queue into the voicemail; the beep follows
    TECHNICAL_FAULT = "technical_fault"  # ours: the call cannot be carried on


class TableError(ValueError):
    """A table of sentences is not right: each problem as `FILE:LINE:COL: text`, one a line."""


@dataclass(frozen=True, slots=True)
class Sentences:
    """The tables of all languages that were read; English is always among them."""

    tables: Mapping[str, Mapping[Sentence, Prompt]]

    def prompt(self, sentence: Sentence, language: str) -> Prompt:
        """The sentence in `language`, or in English where that language has no table yet."""
        return self.tables.get(language, self.tables[_FALLBACK_LANGUAGE])[sentence]

    def prompts(self, languages: Collection[str]) -> frozenset[Prompt]:
        """All that may be said to callers who speak `languages`: what must be made before the first call."""
        return frozenset(self.prompt(sentence, language) for language in languages for sentence in Sentence)


def read_sentences(texts: Mapping[str, str]) -> Sentences:
    """The sentences from the YAML of each language. Raises TableError with all problems of the first wrong table."""
    if _FALLBACK_LANGUAGE not in texts:
        raise TableError(f"{_FALLBACK_LANGUAGE}.yaml: the table that others fall back to is missing")
    return Sentences(MappingProxyType({language: read_table(language, text) for language, text in texts.items()}))


def read_table(language: str, text: str) -> Mapping[Sentence, Prompt]:
    """One language's table. Raises TableError with every problem in it."""
    table, problems = {}, []
    for key, value in _rows(language, text):
        if key.value not in set(Sentence):
            problems.append(_at(language, key, f"`{key.value}` is not the name of a sentence"))
        elif key.value in table:
            problems.append(_at(language, key, f"`{key.value}` stands here twice"))
        elif not isinstance(value, yaml.ScalarNode) or unspeakable(Prompt(value.value, language)):
            problems.append(_at(language, value, f"`{key.value}` is not a text that can be spoken"))
        else:
            table[Sentence(key.value)] = Prompt(value.value, language)
    named = {line.split("`")[1] for line in problems}
    problems += [f"{language}.yaml:1:1: `{s}` is missing" for s in Sentence if s not in table and s not in named]
    if problems:
        raise TableError("\n".join(problems))
    return MappingProxyType(table)


def _rows(language: str, text: str) -> list[tuple[yaml.Node, yaml.Node]]:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
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

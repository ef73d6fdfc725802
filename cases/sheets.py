"""Sheets of the knowledge base: what they say, and by which words they are found. Pure.

A word is found in each of its forms: accents and capitals do not count, and what Italian adds to a word (`anagrafe`,
`anagrafi`) is cut off.
"""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any

QUESTION_CHARACTERS_MAX = 200
WORDS_MAX = 12  # of a question
WORD_CHARACTERS_MAX = 40
SNIPPET_CHARACTERS = 160
MADE_BY = "1"  # raise it when the words of a sheet are made otherwise, so that all are made anew
STEMMED = "it"
_WORD = re.compile(r"[^\W_]+")
_AROUND = re.compile(r"!?\[|\]\([^)]*\)?|\](?=\[)|[*`]+")  # what stands around words
_MARKUP = re.compile(r"^\s*(?:#+|>|[-*+]|\d+\.)\s+|^\s*(?:\|?[-:| ]+\|?)$", re.MULTILINE)
_BARE = {n: ord(unicodedata.normalize("NFD", chr(n))[0]) for n in range(0xC0, 0x180)}  # letters without their accents
# What nearly every sheet has in it, and no question is about.
_EMPTY_WORDS = """
a ad agli ai al alla alle allo anche c che chi ci coi col come con cosa cui d da dagli dai dal dalla dalle dallo degli
dei del dell della delle dello deve devo di dove e ed gli ha ho i il in io l la le lo ma mi mia mio ne negli nei nel
nell nella nelle nello non o per posso puo quale quali quando quanto quest questa questo qui sara se si sia sono su
sugli sui sul sull sulla sulle sullo un una uno vi
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())


class SheetKind(StrEnum):
    SERVICE = "service"
    OFFICE = "office"
    FAQ = "faq"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet as its file says. `entity` empty: for all. `hours`: in words. `body`: Markdown."""

    id: str
    title: str
    kind: str
    owner: str
    body: str
    entity: str = ""
    topics: tuple[str, ...] = ()
    language: str = STEMMED
    valid_until: date | None = None
    keywords: tuple[str, ...] = ()
    address: str = ""
    phones: tuple[str, ...] = ()
    hours: str = ""

    @property
    def digest(self) -> str:
        """Another one where anything in the sheet is another."""
        return hashlib.sha256(f"{MADE_BY} {self!r}".encode()).hexdigest()

    def is_outdated(self, today: date) -> bool:
        return self.valid_until is not None and self.valid_until < today


@dataclass(frozen=True, slots=True)
class SheetWords:
    """The words by which a sheet is found, in order: those of the title count most, those of the body least."""

    title: tuple[str, ...]
    keywords: tuple[str, ...]
    body: tuple[str, ...]


class BadQuestion(ValueError):
    """Nothing can be looked for; the text says why."""


def words_of(sheet: Sheet) -> SheetWords:
    keywords = " ".join((sheet.id, *sheet.keywords, *sheet.topics))
    body = " ".join((sheet.body, sheet.address, *sheet.phones))
    return SheetWords(*(tuple(_indexed(text, sheet.language)) for text in (sheet.title, keywords, body)))


def asked_for(question: str) -> tuple[tuple[str, ...], ...]:
    """The words of a question, each in the forms that are looked for. Raises BadQuestion."""
    if len(question) > QUESTION_CHARACTERS_MAX:
        raise BadQuestion(f"{len(question)} characters are too many; ask with at most {QUESTION_CHARACTERS_MAX}")
    said = list(dict.fromkeys(folded(word) for word in _WORD.findall(question)))
    meant = [word for word in said if word and word not in _EMPTY] or [word for word in said if word]
    if not meant:
        raise BadQuestion("there is no word to look for; write one or more, such as `carta identità`")
    return tuple(tuple(dict.fromkeys((stem(word), word))) for word in meant[:WORDS_MAX])


def snippet(body: str, question: Iterable[Iterable[str]]) -> str:
    """The words of `body` around the first that was asked for; each that was is marked as `**word**`."""
    wanted = {form for forms in question for form in forms}
    beginnings = sorted({form[:3] for form in wanted})  # why: a stem begins as its word does, and few words need one
    likely = re.compile(rf"(?<![^\W_])(?:{'|'.join(beginnings)})[^\W_]*", re.IGNORECASE)
    found = (word.start() for word in likely.finditer(body.translate(_BARE)) if _is_one_of(word[0], wanted))
    near = _cut(body, next(found, 0), 2 * SNIPPET_CHARACTERS)
    text = " ".join(_MARKUP.sub(" ", _AROUND.sub("", near)).split())
    marks = [word.span() for word in likely.finditer(text.translate(_BARE)) if _is_one_of(word[0], wanted)]
    for begin, end in reversed(marks):
        text = f"{text[:begin]}**{text[begin:end]}**{text[end:]}"
    return _cut(text, max(text.find("**"), 0), SNIPPET_CHARACTERS)


def _cut(text: str, first: int, length: int) -> str:
    """About so many characters of `text` around `first`, cut between words."""
    begin = text.rfind(" ", 0, max(first - length // 3, 0)) + 1
    end = len(text) if begin + length >= len(text) else text.rfind(" ", first, begin + length)
    end = end if end > first else min(begin + length, len(text))
    return f"{'… ' if begin else ''}{text[begin:end]}{' …' if end < len(text) else ''}"


@lru_cache(maxsize=100_000)
def folded(word: str) -> str:
    """Without capitals and accents."""
    letters = unicodedata.normalize("NFKD", word.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return "".join(_WORD.findall(plain))[:WORD_CHARACTERS_MAX]


@lru_cache(maxsize=100_000)  # why: the stemmer takes a tenth of a millisecond
def stem(folded_word: str) -> str:
    return str(_stemmer().stemWord(folded_word))


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    from snowballstemmer import stemmer  # here: few commands need it, and it takes a while

    return stemmer("italian")


def _indexed(text: str, language: str) -> Iterator[str]:
    for found in _WORD.findall(text):
        word = folded(found)
        if language != STEMMED:
            yield word
        elif word not in _EMPTY:
            yield stem(word)


def _is_one_of(word: str, wanted: Collection[str]) -> bool:
    plain = folded(word)
    return plain in wanted or (plain not in _EMPTY and stem(plain) in wanted)

"""The sheets in the database, and the search for words in them: SQLite's FTS5 or PostgreSQL's tsvector.

Both are given the same words, made in cases/sheets.py, so that both find the same; nothing that people type is ever
read as the language of either.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from itertools import accumulate, islice
from typing import Any

from sqlalchemy import JSON, Column, Date, Index, Integer, Row, Table, Text, bindparam, delete, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from cases.sheets import Sheet, SheetWords, asked_for, snippet, words_of
from centralino.database import Database, metadata

IN_ONE_GO = 100  # sheets in one transaction, so that nobody else waits long for theirs
RANKED_MAX = (
    2_000  # sheets with any of the words: to rank more takes too long, and a word that is everywhere says little
)
LEXEMES_LAST = 16_383  # PostgreSQL counts places in a text no further

Words = tuple[tuple[str, ...], ...]  # each in the forms that are looked for


class Sign(StrEnum):
    """What stands between the words of a question, in PostgreSQL."""

    AND = "&"
    OR = "|"


sheets_table = Table(
    "sheets",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=True),  # by it, `sheet_words` names the sheet
    Column("id", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("valid_until", Date),
    Column("address", Text, nullable=False),
    Column("hours", Text, nullable=False),
    *(Column(name, JSON, nullable=False) for name in ("topics", "keywords", "phones")),
    Column("body", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Index(None, "entity", "kind"),
)

# `sheet_words` is made by its migration: each database has its own kind of table for words.
_ADD_WORDS = {
    "sqlite": text("INSERT INTO sheet_words (rowid, title, keywords, body) VALUES (:n, :title, :keywords, :body)"),
    "postgresql": text("INSERT INTO sheet_words (n, words) VALUES (:n, CAST(CAST(:words AS text) AS tsvector))"),
}
_REMOVE_WORDS = {
    "sqlite": text("DELETE FROM sheet_words WHERE rowid IN :numbers").bindparams(bindparam("numbers", expanding=True)),
    "postgresql": text("DELETE FROM sheet_words WHERE n IN :numbers").bindparams(bindparam("numbers", expanding=True)),
}
_COUNT = {  # for each word, in how many sheets it is; `{n}` is its place, and no more are counted than matter
    "sqlite": "SELECT {n}, count(*) FROM (SELECT 1 FROM sheet_words WHERE sheet_words MATCH :w{n} LIMIT :most) w{n}",
    "postgresql": "SELECT {n}, count(*) FROM (SELECT 1 FROM sheet_words "
    "WHERE words @@ CAST(CAST(:w{n} AS text) AS tsquery) LIMIT :most) w{n}",
}
_SEARCH = {
    "sqlite": text("""
        SELECT rowid AS n FROM sheet_words
        WHERE sheet_words MATCH :question AND ((:entity = '' AND :kind = '') OR rowid IN (
            SELECT n FROM sheets WHERE (:entity = '' OR entity IN (:entity, '')) AND (:kind = '' OR kind = :kind)
        ))
        ORDER BY bm25(sheet_words, 10.0, 5.0, 1.0), rowid LIMIT :limit
    """),
    "postgresql": text("""
        WITH ranked AS MATERIALIZED (  -- so that it sorts numbers, not all words of all that fit
            SELECT w.n, ts_rank('{0, 0.1, 0.5, 1}', w.words, question, 1) AS rank
            FROM sheet_words w, CAST(CAST(:question AS text) AS tsquery) question
            WHERE w.words @@ question AND ((:entity = '' AND :kind = '') OR w.n IN (
                SELECT n FROM sheets WHERE (:entity = '' OR entity IN (:entity, '')) AND (:kind = '' OR kind = :kind)
            ))
        )
        SELECT n FROM ranked ORDER BY rank DESC, n LIMIT :limit
    """),
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for. `entity`: its sheets, and those for all; empty: any. `kind` empty: any."""

    words: str
    entity: str = ""
    kind: str = ""
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Found:
    """A sheet that was found. `snippet`: where in it, each word that was asked for as `**word**`."""

    sheet: Sheet
    snippet: str


async def keep_sheets(database: Database, sheets: Collection[Sheet]) -> int:
    """Have these sheets in the database and no others; how many were not so before. Raises DatabaseAway."""
    async with database.reading() as connection:
        known = {
            row.id: row.digest for row in await connection.execute(select(sheets_table.c.id, sheets_table.c.digest))
        }
    changed = [sheet for sheet in sheets if known.get(sheet.id) != sheet.digest]
    gone = sorted(known.keys() - {sheet.id for sheet in sheets})
    for ids in _in_parts(gone):
        async with database.writing() as connection:
            await _remove(connection, ids)
    for part in _in_parts(changed):
        words = await asyncio.to_thread(_words_of_each, part)
        async with database.writing() as connection:
            await _remove(connection, [sheet.id for sheet in part])
            await _add(connection, part, words)
    return len(changed) + len(gone)


async def search(database: Database, question: Question) -> tuple[Found, ...]:
    """The sheets with all words of `question`; where there is none, those with some of its rarer ones. The best first.

    Raises BadQuestion, DatabaseAway.
    """
    words = asked_for(question.words)
    async with database.reading() as connection:
        if (
            connection.dialect.name == "postgresql"
        ):  # why: it holds long texts for cheap to read, and passes its index by
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
        numbers = await _numbers(connection, question, _said(connection, words, Sign.AND))
        if not numbers and len(words) > 1:
            rare = await _rare(connection, words)
            numbers = await _numbers(connection, question, _said(connection, rare, Sign.OR)) if rare else []
        wanted = select(sheets_table).where(sheets_table.c.n.in_(numbers))
        rows = {row.n: row for row in await connection.execute(wanted)}
    sheets = [_sheet(rows[number]) for number in numbers if number in rows]
    return tuple(Found(sheet, snippet(sheet.body, words)) for sheet in sheets)


async def sheet(database: Database, id: str) -> Sheet | None:
    """None: there is none. Raises DatabaseAway."""
    async with database.reading() as connection:
        row = (await connection.execute(select(sheets_table).where(sheets_table.c.id == id))).one_or_none()
    return _sheet(row) if row else None


async def outdated(database: Database, today: date) -> tuple[Sheet, ...]:
    """Those that were valid until a day before `today`, by owner, the oldest first. Raises DatabaseAway."""
    columns = sheets_table.c
    wanted = select(sheets_table).where(columns.valid_until < today)
    async with database.reading() as connection:
        rows = await connection.execute(wanted.order_by(columns.owner, columns.valid_until, columns.id))
        return tuple(_sheet(row) for row in rows)


# --- within


def _in_parts(many: Sequence[Any]) -> Iterable[list[Any]]:
    rest = iter(many)
    while part := list(islice(rest, IN_ONE_GO)):
        yield part


def _words_of_each(sheets: Iterable[Sheet]) -> dict[str, SheetWords]:
    return {sheet.id: words_of(sheet) for sheet in sheets}


async def _remove(connection: AsyncConnection, ids: Collection[str]) -> None:
    numbered = await connection.execute(select(sheets_table.c.n).where(sheets_table.c.id.in_(ids)))
    numbers = [row.n for row in numbered]
    if numbers:
        await connection.execute(_REMOVE_WORDS[connection.dialect.name], {"numbers": numbers})
        await connection.execute(delete(sheets_table).where(sheets_table.c.n.in_(numbers)))


async def _add(connection: AsyncConnection, sheets: Collection[Sheet], words: dict[str, SheetWords]) -> None:
    names = [column.name for column in sheets_table.columns if column.name != "n"]
    await connection.execute(insert(sheets_table), [{name: getattr(one, name) for name in names} for one in sheets])
    added = select(sheets_table.c.n, sheets_table.c.id).where(sheets_table.c.id.in_(words))
    rows = [{"n": row.n, **_indexed(connection, words[row.id])} for row in await connection.execute(added)]
    await connection.execute(_ADD_WORDS[connection.dialect.name], rows)


def _indexed(connection: AsyncConnection, words: SheetWords) -> dict[str, str]:
    if connection.dialect.name == "sqlite":
        return {name: " ".join(getattr(words, name)) for name in ("title", "keywords", "body")}
    places: dict[str, list[str]] = {}
    weighed = [(word, w) for w, part in (("A", words.title), ("B", words.keywords), ("C", words.body)) for word in part]
    for place, (word, weight) in enumerate(weighed, 1):
        places.setdefault(word, []).append(f"{min(place, LEXEMES_LAST)}{weight}")
    return {"words": " ".join(f"'{word}':{','.join(where)}" for word, where in places.items())}


async def _rare(connection: AsyncConnection, words: Words) -> Words:
    """The words that some sheets have, the rarest first, without those that too many have."""
    count = text(" UNION ALL ".join(_COUNT[connection.dialect.name].format(n=n) for n in range(len(words))))
    asked = {f"w{n}": _said(connection, (forms,), Sign.AND) for n, forms in enumerate(words)}
    rows = await connection.execute(count, {**asked, "most": RANKED_MAX + 1})
    there = sorted((count, words[n]) for n, count in rows if count)
    sums = accumulate(count for count, _ in there)
    return tuple(
        forms for n, ((_, forms), total) in enumerate(zip(there, sums, strict=True)) if not n or total <= RANKED_MAX
    )


async def _numbers(connection: AsyncConnection, question: Question, said: str) -> list[int]:
    """Of the sheets that fit, the best first."""
    asked = {"question": said, "entity": question.entity, "kind": question.kind, "limit": question.limit}
    return [row.n for row in await connection.execute(_SEARCH[connection.dialect.name], asked)]


def _said(connection: AsyncConnection, words: Words, sign: Sign) -> str:
    """As the database wants it. No word has a quote in it: see cases/sheets.py."""
    if connection.dialect.name == "sqlite":
        quote, either, between = '"', " OR ", f" {sign.name} "
    else:
        quote, either, between = "'", " | ", f" {sign} "
    return between.join(f"({either.join(f'{quote}{form}{quote}' for form in forms)})" for forms in words)


def _sheet(row: Row[Any]) -> Sheet:
    facts: dict[str, Any] = {each.name: getattr(row, each.name) for each in fields(Sheet)}
    facts |= {name: tuple(fact) for name, fact in facts.items() if isinstance(fact, list)}
    return Sheet(**facts)

"""The sheets of a deployment, `knowledge/**/*.md`: read, and all that is wrong with them.

A sheet begins with a table of keys between two lines `---`; its id is the name of its file.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any
from urllib.parse import unquote

from pydantic import ValidationError

from cases.sheets import Sheet
from centralino.deployment import ANY, words
from centralino.forms.knowledge import SheetForm
from centralino.located import (
    Located,
    Problem,
    did_you_mean,
    read_with_text,
    shape_problems,
    shown,
    unreadable,
)
from centralino.stepchecks import hours_problems
from centralino.syntax import place_after

KNOWLEDGE = "knowledge"
SHEET_BYTES_MAX = 100_000  # PostgreSQL indexes no text that is much longer
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!\\)\]\(\s*<?([^)\s>]+)|^ {0,3}\[[^\]\n]+\]:\s*<?([^\s>]+)", re.MULTILINE)
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|#|//")  # https:, mailto:, a heading of this sheet


@dataclass(frozen=True, slots=True)
class SheetFile:
    """A file as it was read. `sheet` None: it cannot be used."""

    located: Located
    text: str
    sheet: Sheet | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class SheetFiles:
    """All files of `knowledge/`, and what is wrong with the folder."""

    files: tuple[SheetFile, ...]
    problems: tuple[Problem, ...] = ()

    def usable(self) -> dict[str, Sheet]:
        """By id. Of two with the same id, the first."""
        return {file.sheet.id: file.sheet for file in reversed(self.files) if file.sheet}


def read_sheets(folder: Path) -> SheetFiles:
    """Those of the deployment in `folder`; none where it has no `knowledge/`. Never raises."""
    files, strays = [], []
    for path in sorted((folder / KNOWLEDGE).rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        if path.suffix == ".md":
            files.append(_read(name, path))
        else:
            hint = "sheets are Markdown: name it `.md`, or put it elsewhere"
            strays.append(Problem(name, 1, 1, "this file is not read", hint))
    return SheetFiles(tuple(files), tuple(strays))


def problems_of_sheets(sheets: SheetFiles, entities: Located, today: date) -> list[Problem]:
    """All that is wrong with them. `entities`: entities.yaml."""
    problems = [*sheets.problems]
    names = {file.located.file for file in sheets.files}
    for file in sheets.files:
        problems += file.problems
        problems += _unknown_names(file.located, entities)
        problems += _broken_links(file, names)
        if file.sheet and file.sheet.valid_until and file.sheet.is_outdated(today):
            what = f"this sheet was valid until {file.sheet.valid_until}"
            hint = f"{file.sheet.owner} should look at it: write another `valid_until`, or remove it"
            outdated = file.located.at(("valid_until",), what, hint)
            problems.append(replace(outdated, is_warning=True))
    problems += _one_id_twice(sheets.files)
    return problems


# --- within


def _read(name: str, path: Path) -> SheetFile:
    located, text = _located(name, path)
    problems = [*located.problems, *hours_problems(located, ("hours",))]
    if not _ID.fullmatch(path.stem):
        what = f"{shown(path.stem)} is no name for a sheet"
        problems.append(Problem(name, 1, 1, what, "letters, digits, `-` and `_`, at most 80"))
    if located.readable and not text.strip():
        problems.append(Problem(name, *place_after(text), "the sheet says nothing", "write its text here"))
    form = None
    if located.readable:
        try:
            form = SheetForm.model_validate(located.data)
        except ValidationError as error:
            problems += shape_problems(error, located, SheetForm)
    right = form and all(problem.is_warning for problem in problems)
    return SheetFile(located, text, _meaning(path.stem, form, text) if form and right else None, tuple(problems))


def _located(name: str, path: Path) -> tuple[Located, str]:
    if not path.is_file():  # of a pipe we might wait for ever
        return unreadable(Problem(name, 1, 1, "this is no file that can be read")), ""
    try:
        with path.open("rb") as opened:
            return read_with_text(name, opened.read(SHEET_BYTES_MAX + 1), SHEET_BYTES_MAX)
    except OSError as error:
        return unreadable(Problem(name, 1, 1, f"the file cannot be read: {error.strerror}")), ""


def _meaning(id: str, form: SheetForm, text: str) -> Sheet:
    return Sheet(
        id=id,
        title=form.title,
        kind=form.kind,
        owner=form.owner,
        body=text.strip(),
        entity=form.entity or "",
        topics=tuple(form.topics),
        language=form.language,
        valid_until=form.valid_until,
        keywords=tuple(form.keywords),
        address=form.address or "",
        phones=tuple(form.phones),
        hours="; ".join(f"{days} {_in_words(times)}" for days, times in (form.hours or {}).items()),
    )


def _in_words(times: Any) -> str:
    return ", ".join(map(str, times)) if isinstance(times, list) else str(times)


def _unknown_names(located: Located, entities: Located) -> Iterator[Problem]:
    known = entities.data.get("entities")
    if not entities.readable or not isinstance(known, dict):
        return
    topics = [topic for _, topic in words(entities.data, ("topics", ANY))]
    for path, entity in words(located.data, ("entity",)):
        if entity not in known:
            yield located.at(path, f"entity {shown(entity)} is not in {entities.file}", did_you_mean(entity, known))
    for path, topic in words(located.data, ("topics", ANY)):
        if topics and topic not in topics:
            what = f"topic {shown(topic)} is not among `topics` of {entities.file}"
            yield located.at(path, what, did_you_mean(topic, topics))


def _broken_links(file: SheetFile, names: set[str]) -> Iterator[Problem]:
    """Links that lead to no sheet. What stands in code is none."""
    text = _CODE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), file.text)
    home = PurePosixPath(file.located.file).parent
    for link in _LINK.finditer(text):
        target = link[1] or link[2]
        if _ELSEWHERE.match(target):
            continue
        place = normpath(f"{home}/{unquote(target).partition('#')[0]}")
        if place not in names:
            near = {PurePosixPath(name).name: name for name in names}
            hint = did_you_mean(PurePosixPath(place).name, near)
            where = place_after(text[: link.start(1) if link[1] else link.start(2)])
            yield Problem(file.located.file, *where, f"there is no sheet {shown(target)}", hint)


def _one_id_twice(files: Iterable[SheetFile]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for file in files:
        name = file.located.file
        id = PurePosixPath(name).stem.lower()
        if id in first:
            what = f"{shown(id)} is the name of another sheet too"
            yield Problem(name, 1, 1, what, f"{first[id]} has it: rename one")
        first.setdefault(id, name)

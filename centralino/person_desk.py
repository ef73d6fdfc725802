"""All that is held about a person, place by place: handed to them, or erased. Each place is one entry of `places`."""

import asyncio
import json
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from email_validator import EmailNotValidError, validate_email

from centralino import held_files
from centralino.database import Database
from centralino.door import DoorClient
from centralino.located import shown
from centralino.mail_files import files_with
from centralino.people import is_withheld, normalised
from centralino.relay import path_of_kept
from recordings.files import NoSound, Shelf, call_of, is_there, remove, sound_of
from supervision import held
from supervision.held import Open, Who

SOUND, TEXT = "wav", "txt"
WITHIN_S = 60.0


class PersonRefused(Exception):
    """It cannot be done; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one place holds: rows that JSON can tell, and files by their names (`make` gives one's content)."""

    rows: Collection[Any] = ()
    files: Mapping[str, Callable[[], bytes]] = field(default_factory=dict)


class Place(Protocol):
    """Somewhere where a person may stand. `erase` of what is held nowhere any more does nothing."""

    @property
    def name(self) -> str: ...

    async def held(self, who: Who) -> Piece: ...

    async def erase(self, who: Who) -> None: ...


@dataclass(frozen=True, slots=True)
class Asking:
    """`by` asks, of the installation in `state`, at `now`; `door` leads to its engine."""

    state: Path
    shelf: Shelf
    database: Database
    door: DoorClient
    by: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Tables:
    """The database. It is emptied after all files, whose names it knows."""

    asking: Asking
    name: str = "database"

    async def held(self, who: Who) -> Piece:
        database = self.asking.database
        rows = [{"table": of.table.name, **row} for of in held.HELD for row in await held.rows_about(database, of, who)]
        return Piece(rows)

    async def erase(self, who: Who) -> None:
        await held.erase(self.asking.database, who, self.asking.by, self.asking.now)


@dataclass(frozen=True, slots=True)
class Files:
    """Mails that they wrote, what they attached, and mails to them or about them that were put into files."""

    asking: Asking
    name: str = "files"

    async def held(self, who: Who) -> Piece:
        there = await self._there(who)
        names = [str(file.relative_to(self.asking.state)) for file in there]
        return Piece(names, {f"files/{name}": file.read_bytes for name, file in zip(names, there, strict=True)})

    async def erase(self, who: Who) -> None:
        for file in await self._there(who):
            file.unlink(missing_ok=True)

    async def _there(self, who: Who) -> list[Path]:
        database, state = self.asking.database, self.asking.state
        sent = [path_of_kept(state / "mail", n) for n in await held.mails_about(database, who)]
        came = {state / name for name in await held.files_about(database, who)}
        parts = chain.from_iterable(files_with(state, mail.stem) for mail in sorted(came))  # a report's have no row
        return [file for file in dict.fromkeys((*sent, *sorted(came), *parts)) if file.is_file()]


@dataclass(frozen=True, slots=True)
class Recorded:
    """Messages and talks."""

    asking: Asking
    name: str = "recordings"

    async def held(self, who: Who) -> Piece:
        folder, names = self.asking.shelf.folder, sorted(who.recordings)
        there = [name for name in names if is_there(folder, name)]
        files = {f"recordings/{name}.wav": partial(sound_of, self.asking.shelf, name) for name in there}
        return Piece([{"recording": name, "is_there": name in there} for name in names], files)

    async def erase(self, who: Who) -> None:
        """The engine puts on record that they are gone."""
        for name in sorted(who.recordings):
            await asyncio.to_thread(remove, self.asking.shelf.folder, name)


@dataclass(frozen=True, slots=True)
class Logs:
    """Asterisk's call records and logs, and ours."""

    asking: Asking
    name: str = "logs"

    async def held(self, who: Who) -> Piece:
        lines = await asyncio.to_thread(lambda: list(held_files.lines_with(_traces(who), self.asking.state)))
        return Piece([{"file": line.file, "line": line.text} for line in lines])

    async def erase(self, who: Who) -> None:
        await asyncio.to_thread(held_files.blank, _traces(who), held_files.names_of(who.names), self.asking.state)


@dataclass(frozen=True, slots=True)
class PeoplesFile:
    """Whom the journal's keys stand for, what callers keyed in and agents noted. The engine erases it, last of all: it
    is how they are found.
    """

    asking: Asking
    name: str = "people's file"

    async def held(self, who: Who) -> Piece:
        told = await self.asking.door.command("people.held", keys=sorted(who.keys))
        return Piece(told["lines"])

    async def erase(self, who: Who) -> None:
        gone = {name: call_of(name) for name in sorted(who.recordings)}
        args = {"keys": sorted(who.keys), "recordings": gone, "by": self.asking.by}
        await self.asking.door.slow_command("people.erase", WITHIN_S, args)


def places(asking: Asking) -> tuple[Place, ...]:
    """All of them, in the order of erasing."""
    return (Files(asking), Recorded(asking), Logs(asking), Tables(asking), PeoplesFile(asking))


async def find(asking: Asking, named: str) -> Who:
    """Whoever has this number or mail. Raises PersonRefused where nobody can be meant, or nothing is held."""
    if "@" in named:
        who = await held.who_has_mail(asking.database, _mail(named))
    elif is_withheld(named) or not (number := normalised(named)).strip("+").isdigit():
        raise PersonRefused(f"{shown(named)} is no number and no mail: who withheld theirs is known to nobody")
    else:
        told = await asking.door.command("people.held", number=number)
        who = await held.who_has_number(asking.database, number, frozenset(told["keys"]))
    if not (who.keys or who.intakes or who.calls):
        lines = await asyncio.to_thread(lambda: any(held_files.lines_with(_traces(who), asking.state)))
        if not lines:
            raise PersonRefused(f"nothing is held about {shown(who.number or who.mail)}")
    return who


async def export(asking: Asking, who: Who, to: Path) -> dict[str, int]:
    """Write all into the zip file `to`; how many rows and files each place gave. Raises OSError, DatabaseAway."""
    pieces = {place.name: await place.held(who) for place in places(asking)}
    await asking.door.command("people.exported", keys=sorted(who.keys), by=asking.by)
    await asyncio.to_thread(_write, to, _facts(asking, who, pieces), pieces)
    return {name: len(piece.rows) for name, piece in pieces.items()}


async def erase(asking: Asking, who: Who, promised: Iterable[str]) -> None:
    """Erase it everywhere, and end what is open; `promised`: calls with a call-back that is to be placed still. May be
    asked for again where it was cut off.
    """
    for call in promised:
        await asking.door.command("call_backs.drop", call=call, by=asking.by)
    for place in places(asking):
        await place.erase(who)
    await held.forget_people(asking.database, who)  # a call that came meanwhile may have brought them back
    await asking.database.forget_traces()


async def not_over(asking: Asking, who: Who) -> tuple[Open, tuple[str, ...]]:
    """What of theirs goes on; and the calls with a call-back that is to be placed still."""
    told = await asking.door.command("call_backs.list")
    promised = tuple(one["call"] for one in told["call_backs"] if one["person"] in who.keys)
    return await held.not_over(asking.database, who), promised


# --- within


def _mail(text: str) -> str:
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized
    except EmailNotValidError as wrong:
        raise PersonRefused(f"{shown(text)} is no mail address: {wrong}") from wrong


def _traces(who: Who) -> Any:
    return held_files.traces_of(who.number, who.mail)


def _facts(asking: Asking, who: Who, pieces: Mapping[str, Piece]) -> dict[str, Any]:
    return {
        "asked_about": who.number or who.mail,
        "at": asking.now.isoformat(),
        "may_be_somebody_elses": sorted(who.others),
        "places": {name: list(piece.rows) for name, piece in pieces.items()},
    }


def _write(to: Path, facts: Mapping[str, Any], pieces: Mapping[str, Piece]) -> None:
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("README.txt", README)
        packed.writestr("data.json", json.dumps(facts, ensure_ascii=False, indent=2, default=str))
        for piece in pieces.values():
            for name, make in piece.files.items():
                try:
                    packed.writestr(name, make())
                except NoSound as why:
                    packed.writestr(f"{name}.txt", str(why))


README = """\
ITALIANO
Questo archivio contiene tutto ciò che il centralino conserva su di Lei al momento della richiesta (art. 15 e 20 GDPR).
- data.json: i dati, luogo per luogo. "database", tabella per tabella: "calls" le telefonate, "cases" e "case_events" le
  pratiche e ciò che vi è stato annotato, "intakes" lettere, moduli e mail, "outbox" ciò che Le è stato scritto; "logs":
  le righe dei registri tecnici in cui compare; "people's file": numero, nome e ciò che ha digitato al telefono.
- files/: le mail che ha scritto, gli allegati, e le mail che Le sono state scritte.
- recordings/: i messaggi lasciati in segreteria e le conversazioni registrate (nella conversazione a sinistra si sente
  l'operatore, a destra Lei). Dove c'è un file .txt, la registrazione non si può più ascoltare; dice perché.
Gli orari sono in UTC. "may_be_somebody_elses" elenca altri recapiti scritti nelle Sue lettere: se sono Suoi,
chieda anche di quelli.

ENGLISH
This archive holds all that the contact centre keeps about you at the moment of the request (GDPR, articles 15 and 20).
- data.json: the data, place by place. "database", table by table: "calls" are telephone calls, "cases" and
  "case_events" your cases and what was noted in them, "intakes" letters, forms and mails, "outbox" what was written to
  you; "logs": lines of technical logs in which you stand; "people's file": number, name and what you keyed in.
- files/: mails you wrote, what you attached, and mails that were written to you.
- recordings/: messages you left, and talks that were recorded (of a talk, the agent is left and you are right). Where
  there is a .txt file instead, that recording cannot be heard any more; it says why.
Times are UTC. "may_be_somebody_elses" lists other numbers and mails in your letters: where they are yours, ask for
these too.
"""

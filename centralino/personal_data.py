"""What the engine does when somebody asks for all that is held about a person, or has it erased: it alone keeps whom a
key stands for, and what is on record in the journal.
"""

from collections.abc import Mapping
from typing import Any

from centralino import events as ev
from centralino.book import Book
from centralino.door import CommandRefused
from centralino.people import People

WHY = "its caller's data were erased"


def carry_out(what: str, args: Mapping[str, Any], people: People, book: Book) -> dict[str, Any]:
    """Raises CommandRefused, OSError."""
    keys, by = [str(key) for key in args.get("keys") or ()], str(args.get("by") or "")[:64]
    match what:
        case "held":
            known = people.key_of(str(args.get("number") or ""))
            return {"keys": sorted({*keys, known} - {""}), "lines": people.told_by({*keys, known} - {""})}
        case "exported":
            book.write(ev.PersonExported(persons=keys, by=by))
        case "erase":
            people.forget(keys)
            for recording, call in dict(args.get("recordings") or {}).items():
                book.write(ev.RecordingDeleted(call=call, recording=recording, why=WHY))
            book.write(ev.PersonErased(persons=keys, by=by))
        case _:
            raise CommandRefused(f"there is no command `people.{what[:40]}`")
    return {"keys": keys}

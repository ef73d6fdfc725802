"""A case that holds two matters: some of its contacts go to a new one, and what belongs to them goes along."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from cases.case_number import FROM_SPLIT, case_number
from cases.channels import Channel
from cases.joining import JoinWhy
from cases.state import CaseRefused, State
from cases.store import cases_table, contacts, intakes, move_contacts, people


@dataclass(frozen=True, slots=True)
class Piece:
    """A contact, as far as splitting looks at it. `call` empty: it came otherwise."""

    kind: str
    call: str
    has_ended: bool


def going(pieces: Sequence[Piece], places: Collection[int]) -> list[int]:
    """The places (1 is the first) of those that go: the chosen, and what else stands with the same calls, such as a
    message. Raises CaseRefused.
    """
    if not places:
        raise CaseRefused("which contacts are to go? `--contacts 2,3`: by their places in what the case shows")
    wrong = sorted(place for place in places if not 1 <= place <= len(pieces))
    if wrong:
        raise CaseRefused(f"there is no contact {wrong[0]} in it; there are {len(pieces)}")
    calls = {pieces[place - 1].call for place in places} - {""}
    found = [place for place, piece in enumerate(pieces, start=1) if place in places or piece.call in calls]
    if len(found) == len(pieces):
        raise CaseRefused("that is all that is in it: nothing would be left; a case is joined to another by `merge`")
    for place in found:
        if pieces[place - 1].kind == Channel.CALL and not pieces[place - 1].has_ended:
            raise CaseRefused(f"contact {place} is a call that goes on: split when it has ended")
    return found


async def split_off(connection: AsyncConnection, case: str, places: Collection[int], n: int, at: datetime) -> str:
    """The number of the new case, which has these contacts of `case` (locked by who asks). `n`: unique among splits.

    It is of whoever made the first of them, for the number of ours that this was for, and open since then: the citizen
    has waited since then. Raises CaseRefused.
    """
    rows = await _contacts_of(connection, case)
    found = going([Piece(row.kind, row.call or "", row.ended_at is not None) for row in rows], places)
    chosen = [rows[place - 1] for place in found]
    source = (await connection.execute(select(cases_table).where(cases_table.c.id == case))).one()
    new = case_number(FROM_SPLIT, n)
    row = _new(new, source, chosen[0], at) | {"person": await _person(connection, chosen[0], source)}
    if row["person"] == source.person:
        row |= {"requester": source.requester, "region": source.region}
    await connection.execute(cases_table.insert().values(row))
    await move_contacts(connection, contacts.c.id.in_([one.id for one in chosen]), new)
    return new


async def _contacts_of(connection: AsyncConnection, case: str) -> Sequence[Any]:
    """In the order in which the case shows them."""
    wanted = select(contacts, intakes.c.phone).select_from(contacts.outerjoin(intakes))
    wanted = wanted.where(contacts.c.case_id == case).order_by(contacts.c.at, contacts.c.id)
    return (await connection.execute(wanted)).all()


def _new(case: str, source: Any, first: Any, at: datetime) -> dict[str, Any]:
    service = first.service or source.service
    return {
        "id": case,
        "state": State.OPEN,
        "opened_at": first.at,
        "service": service,
        "entity": source.entity if service == source.service else None,
        "why": JoinWhy.BY_HAND,
        "is_complex": False,
        "worked_at": at,
    }


async def _person(connection: AsyncConnection, contact: Any, source: Any) -> str:
    """The key of whoever made the contact. Of what a hand put into another's case it may be nobody's yet."""
    if contact.person:
        return str(contact.person)
    if contact.phone:
        known = select(people.c.key).where(people.c.number == contact.phone).limit(1)
        if key := (await connection.execute(known)).scalar():
            return str(key)
    return secrets.token_hex(8) if contact.intake is not None else str(source.person)

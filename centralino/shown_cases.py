"""What the command line shows of cases."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cases.case_number import in_groups
from cases.clocks import Clock, Standing
from cases.deadlines import Seen
from cases.intake import Kept, TakenIn
from cases.state import Act
from centralino.printing import plain, print_json, print_line, print_table, print_wrapped
from centralino.shown import disposition


def table(found: Sequence[Seen], codes: Mapping[str, str], zone: ZoneInfo, *, as_json: bool) -> None:
    """`codes`: what the citizen keys in, beside the case's number, to hear how it stands; by case."""
    if as_json:
        return print_json([_facts(seen) | {"code": codes[seen.case.id]} for seen in found])
    print_table(
        ("case", "code", "opened", "state", "due", "with", "number", "from", "contacts", "about", "why"),
        (
            (
                seen.case.id,
                codes[seen.case.id],
                seen.case.opened_at.astimezone(zone).strftime("%d/%m %H:%M:%S"),
                seen.case.state,
                due_in_words(seen.clock, zone),
                seen.case.office or "",
                seen.case.service,
                seen.case.number or "withheld",
                ", ".join(contact.kind for contact in seen.case.contacts),
                seen.case.title or disposition(seen.case.kind, seen.case.topic, seen.case.level),
                seen.case.closed_why or seen.case.why,
            )
            for seen in found
        ),
        left_out_first=("why", "contacts", "number", "about", "code", "with"),
    )


def one(seen: Seen, zone: ZoneInfo, *, as_json: bool) -> None:
    """The case, then all that happened in it, in order."""
    if as_json:
        return print_json(_facts(seen))
    case = seen.case
    facts = {
        "case": in_groups(case.id),
        "state": f"{case.state}, with {case.office}" if case.office else case.state,
        "merged into": in_groups(case.merged_into) if case.merged_into else "",
        "due": due_in_words(seen.clock, zone),
        "about": ", ".join(word for word in (case.title, case.kind, case.topic, case.level) if word),
        "complex": "yes" if case.is_complex else "",
        "asked by": ", ".join(word for word in (case.requester, case.region) if word),
        "from": " ".join((case.number or "withheld", case.name)),
        "number": case.service,
        "entity": case.entity or "",
    }
    for name, value in facts.items():
        if value:
            print_wrapped(f"{name:<12}", plain(value))
    for file in seen.attachments:
        about = f"{file.name} ({file.content_type}, {file.size_bytes:,} bytes)"
        print_line(f"{'attachment':<12}{file.id}  {plain(about)}")
    for at, what, words in sorted(_story(seen), key=lambda line: line[0]):
        print_wrapped(f"{at.astimezone(zone):%d/%m/%Y %H:%M}  ", what)
        for line in words.splitlines():
            print_wrapped(f"{'':18}", line)


def done(seen: Seen, zone: ZoneInfo, *, as_json: bool) -> None:
    """How the case stands after something was done to it."""
    if as_json:
        return print_json(_facts(seen))
    where = f" with {seen.case.office}" if seen.case.office else ""
    due = due_in_words(seen.clock, zone)
    print_line(f"case {in_groups(seen.case.id)} is {seen.case.state}{where}{f'; {due}' if due else ''}")
    if seen.history and seen.history[-1].act == Act.SPLIT:
        print_line(f"what was split off is case {in_groups(seen.history[-1].about)}")


def taken(what: TakenIn, seen: Seen, zone: ZoneInfo, *, as_json: bool) -> None:
    """Where a piece that came in stands now."""
    if as_json:
        return print_json(_facts(seen) | {"why": what.why})
    due = due_in_words(seen.clock, zone)
    print_line(f"it stands with case {in_groups(what.case)}: {what.why}{f'; {due}' if due else ''}")


def due_in_words(clock: Clock | None, zone: ZoneInfo) -> str:
    """By when, and whether that is near or over; empty: nothing was promised."""
    if clock is None:
        return ""
    if clock.due_at is None:
        return "stands still"
    by = f"by {clock.due_at.astimezone(zone):%d/%m %H:%M}"
    if clock.standing is Standing.RUNNING:
        return by
    if clock.standing is Standing.NEAR_ITS_END:
        return f"{by}, soon"
    return str(clock.standing) if clock.standing is not Standing.OVERDUE else f"overdue, {by}"


def _story(seen: Seen) -> Iterator[tuple[datetime, str, str]]:
    """When, what, and the words for it. Before a contact stands its place, by which it is split off."""
    case = seen.case
    yield case.opened_at, "opened", ""
    wrote = {piece.id: piece for piece in seen.wrote}
    for place, contact in enumerate(case.contacts, start=1):
        if contact.intake in wrote:
            yield contact.at, *_written(f"[{place}]", wrote[contact.intake])
        else:
            yield contact.at, f"[{place}] {contact.kind}{f' {contact.call}' if contact.call else ''}", ""
    for event in seen.history:
        about = f" {event.about}" if event.about else ""
        yield event.at, f"{event.act}{about}, by {event.by} ({event.role})", event.words
    if case.closed_at and not case.closed_by:
        yield case.closed_at, "closed by itself", case.closed_why or ""


def _written(place: str, piece: Kept) -> tuple[str, str]:
    how = " ".join(word for word in (piece.name, piece.phone, piece.mail) if word)
    title = f": {piece.subject}" if piece.subject else ""
    return f"{place} {piece.channel}{title} (from {how or 'nobody named'}, by {piece.by})", piece.words


def _facts(seen: Seen) -> dict[str, Any]:
    clock = {"clock": dataclasses.asdict(seen.clock) if seen.clock else None}
    beside = {"history": [dataclasses.asdict(event) for event in seen.history]}
    beside["attachments"] = [dataclasses.asdict(one) for one in seen.attachments]
    return dataclasses.asdict(seen.case) | clock | beside | {"wrote": [dataclasses.asdict(one) for one in seen.wrote]}

"""The commands about cases: what they are, by when they are to be answered, and what people do to them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agents.disposition import Kind
from cases.channels import Channel
from cases.requester import Region, Requester
from cases.state import WORDS_MAX, Act, CaseRefused
from cases.state import State as CaseState
from centralino.asking import Result, visit
from centralino.clock import as_utc
from centralino.installed import engines_time_s, in_force, instance_at, with_database
from centralino.located import shown
from centralino.options import HERE, VAR, AsJson, Config, State, Stop, by_whom

if TYPE_CHECKING:
    from centralino.case_desk import CaseDesk

ACTS = f"{', '.join(act.replace(' ', '-') for act in Act)}, attachment."
ATTACHMENT = "attachment"
MANY = 10_000
OfRequester = Annotated[Requester | None, typer.Option("--requester", help="classify: as what they ask.")]
FromRegion = Annotated[
    Region | None,
    typer.Option("--region", case_sensitive=False, metavar="REGION", help="classify: one of Italy, or abroad."),
]


def add_case_commands(app: typer.Typer) -> None:
    app.command()(cases)
    app.command()(case)
    app.command()(take_in)


def cases(
    config: Config = HERE,
    state: State = VAR,
    limit: Annotated[int, typer.Option("--limit", min=1, max=MANY)] = 50,
    in_state: Annotated[CaseState | None, typer.Option("--in", help="Only those in this state.")] = None,
    office: Annotated[str | None, typer.Option("--office", help="Only those of an office: ENTITY/OFFICE.")] = None,
    of: Annotated[str, typer.Option("--of", help="Only of who calls or writes from it: a telephone, or a mail.")] = "",
    due: Annotated[
        bool, typer.Option("--due", help="Only those overdue or near their end, the first due first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The newest cases, and by when each is to be answered."""
    from cases.proof import code_of
    from centralino import shown_cases
    from centralino.case_desk import Wanted

    wanted = Wanted(limit, in_state, office, of, due)
    found = _at_the_desk(config, state, lambda desk: desk.cases(wanted))
    secret = instance_at(config, state, 0).secrets(frozenset()).case_codes
    codes = {one.case.id: code_of(one.case.id, secret) for one in found}
    shown_cases.table(found, codes, in_force(config, state).settings.time_zone, as_json=as_json)


def case(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="As `centralino cases` shows it.")],
    act: Annotated[str, typer.Argument(metavar="[ACT]", help=ACTS)] = "",
    words: Annotated[str, typer.Argument(metavar="[WORDS]", help="For the record, in quotes: why, or what.")] = "",
    to: Annotated[
        str,
        typer.Option("--to", help="hand-over: which ENTITY/OFFICE; call-back: by which QUEUE; attachment: a file."),
    ] = "",
    into: Annotated[str, typer.Option("--into", metavar="NUMBER", help="merge: the case that stays.")] = "",
    kind: Annotated[Kind | None, typer.Option("--kind", help="classify: what it is about.")] = None,
    topic: Annotated[str | None, typer.Option("--topic", help="classify: one of `topics` in entities.yaml.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="classify: in a few words.")] = None,
    hard: Annotated[bool | None, typer.Option("--complex/--simple", help="classify: as promises ask it.")] = None,
    requester: OfRequester = None,
    region: FromRegion = None,
    contacts: Annotated[str, typer.Option("--contacts", metavar="2,3", help="split: which go to a new case.")] = "",
    agent: Annotated[str, typer.Option("--agent", metavar="ID", help="As an agent of the first level.")] = "",
    office: Annotated[str, typer.Option("--as", metavar="OFFICE", help="As somebody of that ENTITY/OFFICE.")] = "",
    config: Config = HERE,
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """Everything that is on record about a case; or, with an ACT, do something to it."""
    from cases.history import Classified
    from centralino import shown_cases
    from centralino.case_desk import Asked

    zone = in_force(config, state).settings.time_zone
    if not act:
        seen = _at_the_desk(config, state, lambda desk: desk.case(number))
        if seen is None:
            raise Stop(f"there is no case {shown(number)}; `centralino cases` lists them")
        return shown_cases.one(seen, zone, as_json=as_json)
    if act == ATTACHMENT:
        return _take_out(config, state, (number, words), Path(to), (agent, office))
    said = Classified(kind, topic, title, hard, requester, region)
    asked = Asked(act, by_whom(), words, to, into, agent, office, _places(contacts), said)
    done = _at_the_desk(config, state, lambda desk: desk.work(number, asked))
    shown_cases.done(done, zone, as_json=as_json)


def take_in(
    channel: Annotated[Channel, typer.Option("--channel", help="letter, fax, form or mail.")],
    words: Annotated[str, typer.Argument(metavar="WORDS", help="What is in it, in quotes; `-` reads it.")],
    entity: Annotated[str, typer.Option("--entity", help="For whom it is, of entities.yaml.")] = "",
    number: Annotated[str, typer.Option("--number", help="Or the number of ours that it is for.")] = "",
    subject: Annotated[str, typer.Option("--subject", help="Becomes the case's title.")] = "",
    name: Annotated[str, typer.Option("--name", help="Of who sent it.")] = "",
    phone: Annotated[str, typer.Option("--phone", help="By which a call of theirs finds the case.")] = "",
    mail: Annotated[str, typer.Option("--mail", help="Their address.")] = "",
    kind: Annotated[Kind | None, typer.Option("--kind", help="What it is about.")] = None,
    topic: Annotated[str, typer.Option("--topic", help="One of `topics` in entities.yaml.")] = "",
    requester: OfRequester = None,
    region: FromRegion = None,
    into: Annotated[str, typer.Option("--into", metavar="NUMBER", help="An open case that it is for.")] = "",
    config: Config = HERE,
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """Keep a letter, a fax, a form or a mail with the sender's open case, or with a new one."""
    from centralino import shown_cases
    from centralino.case_desk import Written

    text = sys.stdin.read(WORDS_MAX + 1) if words == "-" else words
    of_whom: dict[str, Any] = {"entity": entity, "number": number, "name": name, "phone": phone, "mail": mail}
    of_whom |= {"requester": requester, "region": region}
    written = Written(channel, text, by_whom(), subject=subject, kind=kind or "", topic=topic, into=into, **of_whom)
    taken, seen = _at_the_desk(config, state, lambda desk: desk.take_in(written))
    shown_cases.taken(taken, seen, in_force(config, state).settings.time_zone, as_json=as_json)


def _take_out(config: Path, state: Path, which: tuple[str, str], to: Path, as_whom: tuple[str, str]) -> None:
    """Write it to a new file, for its owner alone. Raises Stop, OSError."""
    from centralino.attachment_desk import AttachmentDesk

    number, id = which
    if not id.isdecimal() or to == Path():
        raise Stop(f"say which and whereto: `centralino case {shown(number)} attachment ID --to FILE`")
    configuration, now = in_force(config, state), as_utc(engines_time_s(state))
    to.touch(mode=0o600, exist_ok=False)  # nothing is overwritten
    try:
        found, content = with_database(
            config,
            state,
            lambda database: AttachmentDesk(database, lambda: configuration, lambda: now, state).take_out(
                number, int(id[:9]), by_whom(), *as_whom
            ),
        )
        to.write_bytes(content)
    except BaseException as error:
        to.unlink()
        if isinstance(error, CaseRefused):
            raise Stop(str(error)) from error
        raise
    typer.echo(f"{to} is {shown(found.name)}, as a stranger sent it; it stands on record that you took it out")


def _places(text: str) -> frozenset[int]:
    """`2,3`. Raises Stop."""
    places = [place.strip() for place in text.split(",")] if text.strip() else []
    if wrong := [place for place in places if not (place.isascii() and place.isdigit() and len(place) < 6)]:
        raise Stop(f"{shown(wrong[0])} is no place of a contact; write `--contacts 2,3`, as the case shows them")
    return frozenset(map(int, places))


def _at_the_desk(config: Path, state: Path, ask: Callable[[CaseDesk], Coroutine[Any, Any, Result]]) -> Result:
    """What `ask` gives. Raises Stop where it is refused."""
    from centralino.case_desk import Around, CaseDesk

    configuration, now = in_force(config, state), as_utc(engines_time_s(state))

    async def engine(name: str, args: dict[str, str]) -> dict[str, Any]:
        return await visit(state, lambda door: door.command(name, **args))

    codes = instance_at(config, state, 0).secrets(frozenset()).case_codes
    around = Around(lambda: configuration, lambda: now, engine, codes)
    try:
        return with_database(config, state, lambda database: ask(CaseDesk(database, around)))
    except CaseRefused as refused:
        raise Stop(str(refused)) from refused

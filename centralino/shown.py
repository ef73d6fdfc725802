"""What the command line shows: tables for people, JSON for machines. Callers' names are text, no markup."""

import dataclasses
import json
import logging
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

Row = dict[str, Any]
LOG_BYTES_MAX = 10_000_000
STANDARD_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


class _Lines(logging.Formatter):
    """One line an event, as `key=value` after the text, so that people and machines can read it."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")
        more = {name: value for name, value in record.__dict__.items() if name not in STANDARD_FIELDS}
        facts = "".join(f" {name}={json.dumps(value, default=str)}" for name, value in more.items())
        text = record.getMessage().replace("\n", "\\n").replace("\r", "\\r")
        trouble = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{at} {record.levelname.lower()} {record.name}: {text}{facts}{trouble}"


def log_to_stderr() -> None:
    """Structured lines, for a person who watches."""
    _log_to(logging.StreamHandler(sys.stderr))


def log_to_file(path: Path) -> None:
    """Structured lines in `path`, which never holds more than LOG_BYTES_MAX; the five before it are kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _log_to(RotatingFileHandler(path, maxBytes=LOG_BYTES_MAX, backupCount=5, encoding="utf-8"))


def _log_to(handler: logging.Handler) -> None:
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for chatty in ("websockets", "uvicorn", "alembic", "panoramisk"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def one(facts: Row, *, as_json: bool) -> None:
    if as_json:
        return _json(facts)
    for name, value in facts.items():
        _print(f"{name:<12}{_plain(value)}")


def status(snapshot: Row, *, as_json: bool) -> None:
    if as_json:
        return _json(snapshot)
    queues, agents, now = snapshot["queues"].values(), snapshot["agents"].values(), snapshot["calls"].values()
    answering = "calls are answered" if snapshot["can_answer"] else f"calls are NOT answered: {snapshot['why_not']}"
    _print(answering)
    _print(f"calls     {len(now)} now, {sum(q['waiting'] for q in queues)} waiting, {_count(now, 'talking')} talking")
    ready = [a for a in agents if a["chosen"] == "ready" and a["reachable"]]
    _print(f"agents    {len(ready)} ready, {sum(a['doing'] == 'free' for a in ready)} of them free")


def queues(snapshot: Row, *, as_json: bool) -> None:
    rows = list(snapshot["queues"].values())
    if as_json:
        return _json(rows)
    at_s = snapshot["at_s"]
    _table(
        ("queue", "waiting", "longest", "free", "talking", "offered", "answered", "abandoned", "in time"),
        (
            (
                row["name"],
                row["waiting"],
                _span(at_s - row["oldest_s"]) if row["oldest_s"] else "",
                *(row[name] for name in ("free", "talking", "offered", "answered", "abandoned")),
                f"{row['in_time'] / row['offered']:.0%}" if row["offered"] else "",
            )
            for row in rows
        ),
    )


def agents(snapshot: Row, *, as_json: bool) -> None:
    rows = list(snapshot["agents"].values())
    if as_json:
        return _json(rows)
    _table(
        ("agent", "name", "site", "phone", "state", "doing", "since", "call"),
        (
            (
                row["id"],
                row["name"],
                row["site"],
                row["phone"] + ("" if row["reachable"] or not row["phone"] else " (away)"),
                row["chosen"] + (f": {row['reason']}" if row["reason"] else ""),
                row["doing"] if row["chosen"] != "signed out" else "",
                _span(snapshot["at_s"] - row["since_s"]) if row["since_s"] else "",
                row["call"],
            )
            for row in rows
        ),
    )


def agent(row: Row, *, as_json: bool) -> None:
    if as_json:
        return _json(row)
    reason = f" ({row['reason']})" if row["reason"] else ""
    phone = f" at {row['phone']}" if row["phone"] and row["chosen"] != "signed out" else ""
    away = "" if row["reachable"] or row["chosen"] == "signed out" else "; the phone is not registered"
    _print(f"{row['id']} is {row['chosen']}{reason}{phone}{away}")


def calls(rows: Sequence[Any], zone: ZoneInfo, *, as_json: bool) -> None:
    if as_json:
        return _json([dataclasses.asdict(row) for row in rows])
    _table(
        ("call", "arrived", "number", "from", "state", "outcome", "queue", "agent", "wait", "talk", "case", "message"),
        (
            (
                row.id,
                row.arrived_at.astimezone(zone).strftime("%d/%m %H:%M:%S"),
                row.service or row.dialled,
                "withheld" if row.withheld else row.number,
                row.state,
                row.outcome or "",
                row.queue or "",
                row.agent or "",
                _span(row.wait_s),
                _span(row.talk_s),
                row.case_id or "",
                f"{row.voicemail}.wav" if row.voicemail else "",
            )
            for row in rows
        ),
    )


def cases(rows: Sequence[Any], zone: ZoneInfo, *, as_json: bool) -> None:
    if as_json:
        return _json([dataclasses.asdict(row) for row in rows])
    _table(
        ("case", "opened", "state", "number", "from", "contacts", "why"),
        (
            (
                row.id,
                row.opened_at.astimezone(zone).strftime("%d/%m %H:%M:%S"),
                row.state,
                row.service,
                row.number or "withheld",
                ", ".join(contact.kind for contact in row.contacts),
                row.closed_why or row.why,
            )
            for row in rows
        ),
    )


def trail(events: Sequence[Any], zone: ZoneInfo, *, as_json: bool) -> None:
    if as_json:
        return _json([dataclasses.asdict(event) for event in events])
    for event in events:
        at = event.at.astimezone(zone).strftime("%H:%M:%S.%f")[:-3]
        _print(f"{at}  {sentence(event.kind, event.body)}")
        if event.why:
            _print(f"{'':12}  because {event.why}")


def findings(found: Sequence[Any], records: int, *, as_json: bool) -> None:
    if as_json:
        return _json([dataclasses.asdict(finding) for finding in found])
    for finding in found:
        _print(f"{finding.kind}: {finding.sentence}")
    if not found:
        _print(f"Nothing is missing: {records} records of Asterisk's held against our calls.")


def sentence(kind: str, body: Row) -> str:
    """An event as one reads it aloud; an unknown kind by its name and its facts."""
    form = SENTENCES.get(kind)
    facts = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in body.get("facts", {}).items())
    text = form.format_map(_Facts(body)) if form else f"{kind} {json.dumps(body)}"
    return f"{text} ({facts})" if facts else text


SENTENCES = {
    "CallArrived": "called {dialled}",
    "StepEntered": "came to step {step}",
    "KeyPressed": "pressed {key} at {step}",
    "LanguageChosen": "chose language {language}",
    "EntityChosen": "is for {entity}",
    "AnswerKept": "keyed in {note} at {step}",
    "CallBackPromised": "is to be called back by the people of {queue}",
    "CaseAsked": "asked how a case stands",
    "OfficeRung": "office {office} is rung",
    "OfficeAway": "office {office} did not take it",
    "OfficeAnswered": "talks with office {office}",
    "OfficeLeft": "the talk with office {office} ended, by the {by}",
    "QueueEntered": "entered queue {queue}",
    "CallWaits": "waits in {queue}",
    "CallOffered": "offered to {agent} at {phone}",
    "OfferEnded": "{agent} did not take it",
    "TalkStarted": "talks with {agent}",
    "TalkEnded": "the talk with {agent} ended, by the {by}",
    "QueueLeft": "left queue {queue}",
    "VoicemailStarted": "came to the voicemail of {box}",
    "VoicemailEnded": "left a message of {duration_s} s",
    "CallEnded": "ended: {outcome}",
}


class _Facts(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "?"


def _count(rows: Iterable[Row], state: str) -> int:
    return sum(1 for row in rows if row["state"] == state)


def _span(seconds: float | None) -> str:
    """`1:05`, or `1:02:03`; empty for None."""
    if seconds is None:
        return ""
    minutes, left = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_plain(value)) for value in row))
    console = Console(soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 240)
    console.print(table)


def _plain(value: object) -> str:
    """Text that moves no cursor, whatever a caller's phone sent."""
    return "".join(c if c.isprintable() else "�" for c in str(value))


def _print(text: str) -> None:
    sys.stdout.write(_plain(text) + "\n")


def _json(value: object) -> None:
    sys.stdout.write(json.dumps(value, default=str, ensure_ascii=False, indent=2) + "\n")

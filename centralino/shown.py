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

from centralino import handed_to
from centralino.printing import plain, print_json, print_line, print_table
from ivr.steps_of_ours import BACK_IN_LINE, CALL_BACK, FIRST_LEVEL, HANDED_ON, NOTICE

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
        return print_json(facts)
    for name, value in facts.items():
        print_line(f"{name:<12}{plain(value)}")


def status(snapshot: Row, *, as_json: bool) -> None:
    if as_json:
        return print_json(snapshot)
    queues, agents, now = snapshot["queues"].values(), snapshot["agents"].values(), snapshot["calls"].values()
    answering = "calls are answered" if snapshot["can_answer"] else f"calls are NOT answered: {snapshot['why_not']}"
    print_line(answering)
    if not snapshot.get("can_record", True):
        print_line("DISK      nearly full: no message and no talk is recorded; calls go on")
    print_line(
        f"calls     {len(now)} now, {sum(q['waiting'] for q in queues)} waiting, {_count(now, 'talking')} talking"
    )
    if asking := [a["id"] for a in agents if a["asks_for_help"]]:
        print_line(f"HELP      {', '.join(asking)} asked for a supervisor")
    ready = [a for a in agents if a["chosen"] == "ready" and a["reachable"]]
    away = sum(a["chosen"] == "ready" and not a["reachable"] for a in agents)
    unregistered = f"; {away} more are ready, but their phones are not registered" if away else ""
    print_line(f"agents    {len(ready)} ready, {sum(_doing(a) == 'free' for a in ready)} of them free{unregistered}")


def queues(snapshot: Row, *, as_json: bool) -> None:
    rows = list(snapshot["queues"].values())
    if as_json:
        return print_json(rows)
    at_s = snapshot["at_s"]
    print_table(
        ("queue", "waiting", "longest", "free", "talking", "offered", "answered", "abandoned", "in time"),
        (
            (
                row["name"],
                row["waiting"],
                _span(at_s - row["oldest_s"]) if row["oldest_s"] else "",
                *(row[name] for name in ("free", "talking", "offered", "answered", "abandoned")),
                f"{row['in_time'] / ended:.0%}" if (ended := row["answered"] + row["abandoned"]) else "",
            )
            for row in rows
        ),
        left_out_first=("offered", "talking", "answered"),
    )


def sites(rows: list[Row], *, as_json: bool) -> None:
    if as_json:
        return print_json(rows)
    if not rows:
        return print_line("No queue has a further site (queues.yaml: `sites`).")
    print_table(
        ("queue", "site", "now", "why", "held"),
        (
            (
                row["queue"],
                row["site"],
                "open" if row["is_open"] else "closed",
                row["why"],
                f"{row['held']}, by {row['by']}" if row["by"] else row["held"],
            )
            for row in rows
        ),
    )


def call_backs(rows: list[Row], at_s: float, *, as_json: bool) -> None:
    if as_json:
        return print_json(rows)
    if not rows:
        return print_line("Nobody waits to be called back.")
    print_table(
        ("promised in", "queue", "number", "waits for", "attempts", "now"),
        (
            (
                row["call"],
                row["queue"],
                row["number"],
                _span(at_s - row["first_entered_s"]),
                row["attempts"],
                "in the line" if row["attempt"] else f"in {_span(row['due_s'] - at_s)}",
            )
            for row in rows
        ),
        left_out_first=("attempts", "queue"),
    )


def phones(rows: list[Row], *, as_json: bool) -> None:
    if as_json:
        return print_json(rows)
    heads = ("phone", "name", "make", "mac", "secret")
    print_line(f"Phones register at {rows[0]['server']} by {rows[0]['transport']}, each with its own name as user.")
    shown = ([row["user"], row["name"], row["make"] or "", row["mac"], row["secret"]] for row in rows)
    print_table(heads, shown, left_out_first=("name", "mac"))


def agents(snapshot: Row, *, as_json: bool) -> None:
    rows = list(snapshot["agents"].values())
    if as_json:
        return print_json(rows)
    print_table(
        ("agent", "name", "site", "phone", "state", "doing", "since", "left", "call"),
        (
            (
                row["id"],
                row["name"],
                row["site"],
                row["phone"] + ("" if row["reachable"] or not row["phone"] else " (away)"),
                row["chosen"] + (f": {row['reason']}" if row["reason"] else ""),
                _doing(row) if row["chosen"] != "signed out" else "",
                _span(snapshot["at_s"] - row["since_s"]) if row["since_s"] else "",
                _span(row["until_s"] - snapshot["at_s"]) if row["until_s"] else "",
                row["call"],
            )
            for row in rows
        ),
        left_out_first=("name", "since", "site"),
    )


def _doing(row: Row) -> str:
    """What calls cause at an agent; one that no queue brought is a call as well."""
    doing = "in a call of their own" if row["own_call"] and row["doing"] == "free" else str(row["doing"])
    return f"{doing}, asks for help" if row["asks_for_help"] else doing


def agent(row: Row, *, as_json: bool) -> None:
    if as_json:
        return print_json(row)
    reason = f" ({row['reason']})" if row["reason"] else ""
    phone = f" at {row['phone']}" if row["phone"] and row["chosen"] != "signed out" else ""
    away = "" if row["reachable"] or row["chosen"] == "signed out" else "; the phone is not registered"
    left = f", for another {_span(row['until_s'] - row['at_s'])}" if row["until_s"] else ""
    doing = f"; {row['doing']}{left}" if row["doing"] != "free" else left
    print_line(f"{row['id']} is {row['chosen']}{reason}{phone}{away}{doing}")


def calls(rows: Sequence[Any], zone: ZoneInfo, *, as_json: bool) -> None:
    if as_json:
        return print_json([dataclasses.asdict(row) for row in rows])
    print_table(
        (
            "call",
            "arrived",
            "number",
            "from",
            "came of it",
            "queue",
            "agent",
            "wait",
            "talk",
            "case",
            "about",
            "message",
        ),
        (
            (
                row.id,
                row.arrived_at.astimezone(zone).strftime("%d/%m %H:%M:%S"),
                row.service or row.dialled,
                "withheld" if row.withheld else row.number,
                row.outcome or row.state,
                row.queue or "",
                row.agent or "",
                _span(row.wait_s),
                _span(row.talk_s),
                row.case_id or "",
                disposition(row.kind, row.topic, row.level),
                f"{row.voicemail}.wav" if row.voicemail else "",
            )
            for row in rows
        ),
        left_out_first=("message", "about", "case", "talk", "number", "wait", "queue", "agent", "from"),
    )


def own_calls(rows: Sequence[Any], zone: ZoneInfo, *, as_json: bool) -> None:
    if as_json:
        return print_json([dataclasses.asdict(row) for row in rows])
    print_table(
        ("call", "begun", "agent", "phone", "to", "for", "came of it", "rang", "talk", "why", "asked by"),
        (
            (
                row.id,
                row.begun_at.astimezone(zone).strftime("%d/%m %H:%M:%S"),
                row.agent or "",
                row.phone,
                row.to or row.number,
                row.entity or "",
                row.state,
                _span(row.ring_s),
                _span(row.talk_s),
                row.why or "",
                row.by or "",
            )
            for row in rows
        ),
        left_out_first=("asked by", "for", "why", "rang", "phone", "talk", "begun", "agent"),
    )


def prompts(rows: Sequence[Any], *, as_json: bool) -> None:
    if as_json:
        return print_json([dataclasses.asdict(row) for row in rows])
    print_table(
        ("record as", "spoken by", "s", "text"),
        ((f"{row.language}/{row.name}", row.by, f"{row.seconds:.1f}", row.text) for row in rows),
        left_out_first=("s", "spoken by"),
    )


def trail(events: Sequence[Any], zone: ZoneInfo, *, as_json: bool) -> None:
    if as_json:
        return print_json([dataclasses.asdict(event) for event in events])
    print_line(f"{events[0].at.astimezone(zone):%A %d %B %Y}")
    for event in events:
        at = event.at.astimezone(zone).strftime("%H:%M:%S.%f")[:-3]
        print_line(f"{at}  {sentence(event.kind, event.body)}")
        if event.why:
            print_line(f"{'':12}  because {event.why}")


def findings(found: Sequence[Any], records: int, *, as_json: bool) -> None:
    if as_json:
        return print_json([dataclasses.asdict(finding) for finding in found])
    for finding in found:
        print_line(f"{finding.kind}: {finding.sentence}")
    if not found:
        print_line(f"Nothing is missing: {records} records of Asterisk's held against our calls.")


def sentence(kind: str, body: Row) -> str:
    """An event as one reads it aloud; an unknown kind by its name and its facts."""
    form = SENTENCES.get(kind)
    body = body | {
        "by_whom": BY_WHOM.get(body.get("by", ""), "?"),
        "how_with": HOW_WITH.get(body.get("how", ""), "?"),
        "left": _message(body),
        "seconds": f"{body.get('duration_s', 0):.0f}",
        "told": _told(body),
        "head_start": _head_start(body),
        "by_hand": f" by {body['by']}" if body.get("by") else "",
        "for_office": f", for office {body['office']}" if body.get("office") else "",
        "whose": body.get("agent") or body.get("by") or "?",
        "disposition": disposition(body.get("kind"), body.get("topic"), body.get("level")),
        "caller": " at ".join(word for name in ("agent", "phone") if (word := body.get(name))),
        "callee": body.get("to") or "somebody outside",
        "with_note": ", with a note" if body.get("note") else "",
        "step_named": STEPS_OF_OURS.get(body.get("step", ""), f"step {body.get('step', '?')}"),
        "office_named": handed_to.named(body.get("office", "?"), office="office "),
        "to_named": handed_to.named(body.get("to", "?")),
    }
    facts = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in body.get("facts", {}).items())
    text = form.format_map(_Facts(body)) if form else f"{kind} {json.dumps(body)}"
    return f"{text} ({facts})" if facts else text


def _message(body: Row) -> str:
    return f"left a message of {body.get('duration_s', 0):.0f} s" if body.get("kept") else "left no message"


def disposition(kind: str | None, topic: str | None, level: str | None) -> str:
    """What was said of a call, in one cell; empty: nothing."""
    return ", ".join(word for word in (kind, topic, level) if word)


def _head_start(body: Row) -> str:
    by_s = body.get("head_start_s", 0.0)
    return f", as if it had waited {_span(by_s)} already" if by_s else ""


def _told(body: Row) -> str:
    place, to_s = body.get("position", 0), body.get("to_s", 0.0)
    said = ([f"place {place} in line"] if place else []) + (
        [f"a wait of {_span(body.get('from_s', 0.0))} to {_span(to_s)}"] if to_s else []
    )
    return " and ".join(said) or "only what can be pressed: anything else would be worse than before"


BY_WHOM = {
    "caller": "the caller hung up",
    "agent": "the agent hung up",
    "office": "the office hung up",
    "supervisor": "the supervisor hung up",
    "lost": "the line was lost",
}
HOW_WITH = {
    "listen": "listen to",
    "whisper": "whisper to",
    "barge": "talk with the caller and",
    "take-over": "take over from",
}
STEPS_OF_OURS = {
    NOTICE: "the notice of the emergency",
    CALL_BACK: "the offer of a call-back",
    BACK_IN_LINE: "the way back to the queue",
    HANDED_ON: "where the agent sent the caller",
    FIRST_LEVEL: "the way back to the first level",
}
SENTENCES = {
    "CallArrived": "called {dialled}",
    "StepEntered": "came to {step_named}",
    "KeyPressed": "pressed {key} at {step}",
    "LanguageChosen": "chose language {language}",
    "EntityChosen": "is for {entity}",
    "AnswerKept": "keyed in {note} at {step}",
    "CallBackPromised": "is to be called back by the people of {queue}",
    "CallBackAsked": "{by} promised a call-back by the people of {queue}",
    "CallBackBegun": "is called back as promised in {of}: has the old place in queue {queue} (attempt {attempt})",
    "CallBackRung": "{agent} is there: the citizen's phone is rung",
    "CallBackUnanswered": "was not reached, and {agent} is let go",
    "CallBackPutOff": "the call-back is put off",
    "CallBackOver": "the call-back is over{by_hand}",
    "CaseAsked": "asked how a case stands",
    "OfficeRung": "{office_named} is rung",
    "OfficeAway": "{office_named} did not take it",
    "OfficeAnswered": "talks with {office_named}",
    "OfficeLeft": "the talk with {office_named} ended: {by_whom}",
    "QueueEntered": "entered queue {queue}{for_office}{head_start}",
    "CallWaits": "waits in {queue}",
    "RecordingAnnounced": "begins to hear that the talk may be recorded, unless {key} is pressed",
    "RecordingTold": "was told that the talk may be recorded, unless {key} is pressed",
    "RecordingRefused": "pressed {key}: does not want to be recorded",
    "CallerTold": "hears: {told}",
    "CallOffered": "offered to {agent} at {phone}",
    "OfferEnded": "the offer to {agent} ended",
    "RingEnded": "the phone of {agent} rings no more",
    "WhisperStarted": "{agent} is there, and hears: {words}",
    "WhisperCutOff": "{agent} had not been joined yet: {by_whom}",
    "TalkStarted": "talks with {agent}",
    "ColleagueTalks": "talks with {agent}",
    "TalkEnded": "the talk with {agent} ended: {by_whom}",
    "CallHandedOn": "{agent} of {queue} hands the caller on to {to_named}{with_note}",
    "SupervisorRung": "the phone {phone} of supervisor {supervisor} is rung, to {how_with} {agent}{by_hand}",
    "ListeningBegun": "supervisor {supervisor} begins to {how_with} {agent}",
    "ListeningChanged": "supervisor {supervisor} goes on to {how_with} {agent}",
    "ListeningEnded": "supervisor {supervisor} no longer listens to {agent}",
    "ListeningRefused": "supervisor {supervisor}, at {phone}, may not {how_with} {agent}",
    "CallTakenOver": "supervisor {supervisor} talks on with the caller; the talk with {agent} is over",
    "SupervisorLeft": "the talk with supervisor {supervisor} ended: {by_whom}",
    "CallerParked": "{agent} of {queue} parks the caller at {place}",
    "CallerSetAside": "{agent} is asked where the call is to go; the caller hears music",
    "CallTakenBack": "talks with {agent} again",
    "ConsultRung": "{agent} asks {to_named}",
    "ConsultAnswered": "{agent} talks with whom they asked",
    "ConsultEnded": "{agent} no longer asks",
    "ConferenceBegun": "all three talk",
    "CallTransferred": "{agent} of {queue} leaves the caller with {to_named}",
    "HelpAsked": "{agent} asks for a supervisor",
    "HelpOver": "{agent} no longer asks for a supervisor",
    "CallHeld": "{agent} puts the caller on hold",
    "CallResumed": "{agent} takes the caller off hold",
    "TransferRefused": "the phone {phone} of {agent} may not transfer the caller",
    "TalkRecordingStarted": "the talk is recorded as {recording}.wav",
    "TalkRecordingPaused": "the recording of the talk with {agent} pauses",
    "TalkRecordingResumed": "the recording of the talk with {agent} goes on",
    "TalkRecordingDiscarded": "{agent} ends the recording of the talk, and it is deleted",
    "TalkRecordingPauseFailed": "the recording of the talk with {agent} did not pause or go on; tried again",
    "TalkNotRecorded": "the talk is not recorded",
    "TalkRecordingEnded": "{seconds} s were recorded as {recording}.wav",
    "RecordingDeleted": "{recording}.wav was deleted",
    "QueueLeft": "left queue {queue}",
    "VoicemailStarted": "came to the voicemail of {box}",
    "VoicemailEnded": "{left} in the voicemail",
    "CallEnded": "ended: {outcome}",
    "CallDisposed": "{whose} says: {disposition}",
    "OwnCallBegun": "{caller} calls {callee}",
    "OwnCallTakenUp": "{caller} is there: now {callee} is rung",
    "OwnCallAnswered": "was answered",
    "OwnCallEnded": "ended",
    "OwnCallRefused": "{caller} may not call, or cannot reach, {callee}",
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

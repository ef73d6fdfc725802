"""The live state as people read it: rows of plain texts for the page and for its updates, in one language.

Pure: a row of the door in, a row of texts out. Instants stay instants (`…since`, epoch seconds): the browser makes them
tick. A `tone` names the colour of a row; the words beside it say the same.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from web.texts import Texts

Row = dict[str, Any]
State = Mapping[str, Any]

TEXT_LENGTH_MAX = 80  # why: a caller's name may be 5,000 characters; the whole of it stands in the API
# controls, and the marks that turn the direction of writing: they can make a row read as another
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


def shown(text: str) -> str:
    """Text from outside, on one line and short enough for a cell."""
    line = _UNSEEN.sub(" ", text[: 4 * TEXT_LENGTH_MAX]).strip()
    return line if len(line) <= TEXT_LENGTH_MAX else line[: TEXT_LENGTH_MAX - 1] + "…"


def clock(seconds: float) -> str:
    """`75` as `1:15`, `3675` as `1:01:15`; below 0 counts as 0. The page's script writes the same."""
    whole = max(0, int(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def share(part: float, whole: float) -> str:
    """`part` of `whole` in percent; a dash where there is nothing yet."""
    return f"{100 * part / whole:.0f} %" if whole else "–"


def queue_row(row: State, texts: Texts) -> Row:
    answered, ended = row["answered"], row["answered"] + row["abandoned"]
    return {
        "id": row["name"],
        "name": row["name"],
        "target": texts("target", share=share(row["target_answer"], 1), within=f"{row['target_within_s']:g} s"),
        "sites": "; ".join(
            texts("site_open", site=site["site"], why=texts.why(site["why"]))
            for site in row["sites"]
            if site["is_open"]
        ),
        "waiting": row["waiting"],
        "waiting_since": row["oldest_s"],
        "late_after_s": row["target_within_s"],
        "free": row["free"],
        "talking": row["talking"],
        "answered": answered,
        "abandoned": row["abandoned"],
        "mean_wait": clock(row["wait_sum_s"] / answered) if answered else "–",
        "in_time": share(row["in_time"], ended),
        "tone": "waiting" if row["waiting"] else "quiet",
        "in_time_tone": "low" if ended and row["in_time"] < row["target_answer"] * ended else "good",
    }


def agent_row(row: State, texts: Texts) -> Row:
    # what calls cause goes first: a paused agent may still be talking
    state = row["chosen"] if row["doing"] == "free" and row["chosen"] != "ready" else row["doing"]
    detail = texts.why(row["reason"] or "") if state in ("paused", "signed out") else row["queue"] or ""
    unreachable = not row["reachable"] and state != "signed out"
    warning = "asks_for_help" if row["asks_for_help"] else "phone_unreachable" if unreachable else ""
    return {
        "id": row["id"],
        "site": row["site"],
        "name": shown(row["name"]),
        "phone": row["phone"] or "–",
        "state": texts.state("agent", state),
        "detail": shown(detail or ""),
        "warning": texts(warning) if warning else "",
        "since": row["since_s"],
        "until": row["until_s"],
        "tone": state.replace(" ", "-"),
    }


def call_row(row: State, agents: Mapping[str, State], texts: Texts) -> Row:
    number, name = shown(row["caller"] or ""), shown(row["name"] or "")
    agent = row["agent"] or ""
    return {
        "id": row["id"],
        "caller": number or texts("withheld"),
        "name": "" if name == number else name,
        "service": row["service"] or "–",
        "language": row["language"] or "–",
        "state": texts.state("call", "on hold" if row["on_hold"] else row["state"]),
        "where": _where(row, texts),
        "agent": shown(agents[agent]["name"]) if agent in agents else agent or _several(row["rung"], texts),
        "why": shown(texts.why(row["why"] or "")),
        "since": row["since_s"],
        "arrived_since": row["arrived_s"],
        "tone": row["state"].replace(" ", "-"),
    }


def _several(rung: Sequence[str], texts: Texts) -> str:
    return texts("rung", phones=len(rung)) if rung else ""


def _where(row: State, texts: Texts) -> str:
    if row["queue"] and row["position"]:
        return texts("position", queue=row["queue"], position=row["position"])
    return row["queue"] or row["step"] or ""


def summary(state: State, texts: Texts) -> Row:
    """The figures on top. Free and talking count agents and calls of all sites."""
    queues, agents = state["queues"].values(), state["agents"].values()
    waiting = sum(row["waiting"] for row in queues)
    free = sum(a["chosen"] == "ready" and a["doing"] == "free" and a["reachable"] for a in agents)
    talking = sum(call["state"] == "talking" for call in state["calls"].values())
    answered, abandoned = sum(row["answered"] for row in queues), sum(row["abandoned"] for row in queues)
    return {
        "waiting": waiting,
        "longest_since": min((row["oldest_s"] for row in queues if row["oldest_s"] is not None), default=None),
        "free": free,
        "talking": talking,
        "answered": answered,
        "abandoned": abandoned,
        "in_time": share(sum(row["in_time"] for row in queues), answered + abandoned),
        "spoken": texts("spoken_summary", waiting=waiting, free=free, talking=talking),
        "can_answer": state["can_answer"],
        "health": texts("can_answer" if state["can_answer"] else "can_not_answer"),
        "why_not": shown(texts.why(state["why_not"])),
    }


def whole(state: State, now_s: float, texts: Texts) -> Row:
    """Everything the page shows."""
    return {
        "now": now_s,
        "summary": summary(state, texts),
        "queues": [queue_row(row, texts) for row in state["queues"].values()],
        "agents": [agent_row(row, texts) for row in state["agents"].values()],
        "calls": [
            call_row(row, state["agents"], texts)
            for row in sorted(state["calls"].values(), key=lambda call: (call["arrived_s"], call["id"]))
        ],
    }


def changed(state: State, changes: State, now_s: float, texts: Texts) -> Row:
    """What the page must change: full rows in the order of the changes, and the ids of the rows that are gone."""
    gone = {table: [key for key, row in changes.get(table, {}).items() if row is None] for table in TABLES}
    here = {table: [row for row in changes.get(table, {}).values() if row is not None] for table in TABLES}
    return {
        "now": now_s,
        "summary": summary(state, texts),
        "queues": [queue_row(row, texts) for row in here["queues"]],
        "agents": [agent_row(row, texts) for row in here["agents"]],
        "calls": [call_row(row, state["agents"], texts) for row in here["calls"]],
        "gone": gone,
    }


TABLES = ("queues", "agents", "calls")

"""What the command line shows of messages that callers left."""

import dataclasses
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from cases.messages import CLAIM_LASTS, State
from cases.voicemails import Message
from centralino.printing import print_json, print_line, print_table

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400


def table(found: Sequence[Message], zone: ZoneInfo, *, as_json: bool) -> None:
    if as_json:
        return print_json([dataclasses.asdict(message) for message in found])
    if not found:
        return print_line("There are no such messages.")
    print_table(
        ("call", "left", "waits", "for", "number", "name", "long", "state", "heard", "case"),
        (
            (
                message.call,
                message.at.astimezone(zone).strftime("%d/%m/%y %H:%M"),
                span(message.waited_s),
                message.box,
                message.number or "withheld",
                message.name,
                f"{message.duration_s:.0f} s" if message.duration_s else "?",
                _state(message, zone),
                f"by {message.listened_by}" if message.listened_by else "",
                message.case,
            )
            for message in found
        ),
        left_out_first=("name", "case", "heard", "left", "long"),
    )


def done(message: Message, *, as_json: bool) -> None:
    """How the message stands after something was done to it."""
    if as_json:
        return print_json(dataclasses.asdict(message))
    print_line(f"the message of {message.call} is {message.state}")


def span(seconds: float) -> str:
    """How long somebody waits: `3 d 4 h`, `4 h 5 min`, `5 min`."""
    if seconds >= DAY_S:
        return f"{seconds // DAY_S:.0f} d {seconds % DAY_S // HOUR_S:.0f} h"
    if seconds >= HOUR_S:
        return f"{seconds // HOUR_S:.0f} h {seconds % HOUR_S // MINUTE_S:.0f} min"
    return f"{seconds // MINUTE_S:.0f} min"


def _state(message: Message, zone: ZoneInfo) -> str:
    if message.state is State.DONE:
        return f"{message.done_how}, by {message.done_by}"
    if message.state is State.CLAIMED and message.claimed_at:
        until = (message.claimed_at + CLAIM_LASTS).astimezone(zone)
        return f"with {message.claimed_by} until {until:%H:%M}"
    return message.state

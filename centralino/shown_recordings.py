"""What the command line shows of recordings."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from centralino.printing import print_json, print_line, print_table
from centralino.recording_desk import Listed


def table(found: Sequence[Listed], zone: ZoneInfo, *, as_json: bool) -> None:
    if as_json:
        return print_json([one.facts() for one in found])
    if not found:
        return print_line("There are no such recordings.")

    def day(at: Any) -> str:
        return at.astimezone(zone).strftime("%d/%m/%y %H:%M") if at else ""

    print_table(
        ("recording", "of", "queue", "made", "long", "state", "goes", "deleted", "why", "heard by"),
        (
            (
                one.recording.name,
                one.recording.kind,
                one.recording.queue,
                day(one.recording.at),
                "?" if one.recording.duration_s is None else f"{one.recording.duration_s:.0f} s",
                str(one.standing),
                day(one.goes_at) if not one.recording.deleted_at else "",
                day(one.recording.deleted_at),
                one.recording.deleted_why or "",
                ", ".join(dict.fromkeys(heard.by for heard in one.heard)),
            )
            for one in found
        ),
        left_out_first=("made", "queue", "long", "of"),
    )

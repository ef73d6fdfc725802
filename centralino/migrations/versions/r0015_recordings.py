"""Each message and each talk that was recorded, how long it is, and since when it is deleted."""

import sqlalchemy as sa
from alembic import op

from centralino.database import Instant

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "recordings",
        sa.Column("name", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("call", "kind", "queue")),
        sa.Column("at", Instant, nullable=False),
        sa.Column("duration_s", sa.Float),
        sa.Column("deleted_at", Instant),
        sa.Column("deleted_why", sa.Text),
    )
    op.create_index("ix_recordings_call", "recordings", ["call"])
    op.create_index("ix_recordings_deleted_at", "recordings", ["deleted_at"])
    _fill()


def downgrade() -> None:
    op.drop_table("recordings")


def _fill() -> None:
    """As the projector does from now on."""
    events = sa.table(
        "call_events",
        *(sa.column(name) for name in ("n", "call", "kind")),
        sa.column("at", Instant),
        sa.column("body", sa.JSON),
    )
    kinds = ("TalkRecordingStarted", "TalkRecordingEnded", "VoicemailEnded", "RecordingDeleted")
    told = sa.select(events).where(events.c.kind.in_(kinds)).order_by(events.c.n)
    rows: dict[str, dict[str, object]] = {}
    for event in op.get_bind().execute(told):
        name, body = event.body.get("recording", ""), event.body
        if event.kind == "TalkRecordingStarted":
            rows[name] = _row(event, "talk", body["queue"], None)
        elif event.kind == "VoicemailEnded" and body["kept"]:
            rows[name] = _row(event, "message", body.get("box", ""), body["duration_s"])
        elif event.kind == "TalkRecordingEnded" and name in rows:
            rows[name]["duration_s"] = body["duration_s"]
        elif event.kind == "RecordingDeleted" and name in rows:
            rows[name] |= {"deleted_at": event.at, "deleted_why": body["why"]}
    if rows:
        columns = ("name", "call", "kind", "queue", "deleted_why")
        instants = (sa.column(name, Instant) for name in ("at", "deleted_at"))
        table = sa.table("recordings", *(sa.column(name) for name in columns), sa.column("duration_s"), *instants)
        op.get_bind().execute(table.insert(), list(rows.values()))


def _row(event: sa.Row[tuple[object, ...]], kind: str, queue: str, duration_s: float | None) -> dict[str, object]:
    row = {"name": event.body["recording"], "call": event.call, "kind": kind, "queue": queue, "at": event.at}
    return row | {"duration_s": duration_s, "deleted_at": None, "deleted_why": None}

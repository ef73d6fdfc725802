"""Each message that a caller left, and what people did to it; those that are there are to be worked through."""

import sqlalchemy as sa
from alembic import op

from centralino.database import Instant

revision = "0010"
down_revision = "0009"

FILLED = ("call", "recording", "box", "person", "at", "duration_s")


def upgrade() -> None:
    op.create_table(
        "messages",
        sa.Column("call", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("recording", "box", "person")),
        sa.Column("at", Instant, nullable=False),
        sa.Column("duration_s", sa.Float, nullable=False),
        *(sa.Column(name, sa.Text) for name in ("claimed_by", "listened_by", "done_by", "done_how")),
        *(sa.Column(name, Instant) for name in ("claimed_at", "listened_at")),
        sa.Column("done_at", Instant, index=True),
    )
    _fill()


def downgrade() -> None:
    op.drop_table("messages")


def _fill() -> None:
    """Of each call one message: its recordings all had one name, so that the last is there."""
    contacts = sa.table("contacts", *(sa.column(name) for name in ("case_id", "kind", "call", "at")))
    calls = sa.table("calls", *(sa.column(name) for name in ("id", "voicemail", "voicemail_s", "person")))
    cases = sa.table("cases", sa.column("id"), sa.column("person"))
    events = sa.table("call_events", sa.column("call"), sa.column("kind"), sa.column("body", sa.JSON))
    box = sa.select(sa.func.max(events.c.body["box"].as_string())).where(
        events.c.call == contacts.c.call, events.c.kind == "VoicemailStarted"
    )
    there = (
        sa.select(
            contacts.c.call,
            sa.func.coalesce(sa.func.max(calls.c.voicemail), ""),
            sa.func.coalesce(box.scalar_subquery(), ""),
            sa.func.max(sa.func.coalesce(calls.c.person, cases.c.person)),
            sa.func.max(contacts.c.at),
            sa.func.coalesce(sa.func.max(calls.c.voicemail_s), 0.0),
        )
        .select_from(
            contacts.join(cases, cases.c.id == contacts.c.case_id).outerjoin(calls, calls.c.id == contacts.c.call)
        )
        .where(contacts.c.kind == "voicemail", contacts.c.call.is_not(None))
        .group_by(contacts.c.call)
    )
    messages = sa.table("messages", *(sa.column(name) for name in FILLED))
    op.execute(messages.insert().from_select(FILLED, there))

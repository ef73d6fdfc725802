"""The first tables: people, cases, contacts, calls, their logs, and how far the projections are."""

import sqlalchemy as sa
from alembic import op

from centralino.database import Instant

revision = "0001"
down_revision = None


def upgrade() -> None:
    _people_and_cases()
    _calls()
    _log("call_events", "call")
    _log("agents_log", "agent")
    _log("house_log", None)
    projected = op.create_table(
        "projected",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("calls_n", sa.BigInteger, nullable=False),
        sa.Column("cases_n", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(projected, [{"id": 1, "calls_n": 0, "cases_n": 0}])


def downgrade() -> None:
    for name in ("projected", "house_log", "agents_log", "call_events", "calls", "contacts", "cases", "people"):
        op.drop_table(name)


def _people_and_cases() -> None:
    op.create_table(
        "people",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("number", sa.Text, nullable=False, index=True),
        sa.Column("name", sa.Text, nullable=False),
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("opened_at", Instant, nullable=False, index=True),
        sa.Column("closed_at", Instant),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("entity", sa.Text),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("topic", sa.Text),
        sa.Column("opened_by_call", sa.Text),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("closed_why", sa.Text),
        sa.Index(None, "person", "state"),
    )
    op.create_table(
        "contacts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), nullable=False, index=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("call", sa.Text),
        sa.Column("at", Instant, nullable=False),
        sa.Column("ended_at", Instant),
        sa.UniqueConstraint("call", "kind", "at"),
    )


def _calls() -> None:
    op.create_table(
        "calls",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("dialled", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("entity", sa.Text),
        sa.Column("person", sa.Text, nullable=False, index=True),
        sa.Column("withheld", sa.Boolean, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("arrived_at", Instant, nullable=False, index=True),
        sa.Column("state", sa.Text, nullable=False, index=True),
        *(sa.Column(name, sa.Text) for name in ("step", "queue", "agent", "phone", "outcome", "why", "voicemail")),
        *(sa.Column(name, Instant) for name in ("queued_at", "answered_at", "talk_started_at")),
        *(sa.Column(name, Instant) for name in ("talk_ended_at", "ended_at")),
        sa.Column("in_time", sa.Boolean),
        *(sa.Column(name, sa.Float) for name in ("wait_s", "talk_s", "voicemail_s")),
        sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), index=True),
    )


def _log(name: str, about: str | None) -> None:
    op.create_table(
        name,
        sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
        *([sa.Column(about, sa.Text, nullable=False, index=True)] if about else []),
        sa.Column("at", Instant, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.JSON),
    )

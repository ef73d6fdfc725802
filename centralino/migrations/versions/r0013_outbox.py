"""Each message that is to be sent to a citizen or an owner, and what came of it."""

import sqlalchemy as sa
from alembic import op

from centralino.database import Instant

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), index=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("channel", "to", "subject", "words", "in_reply_to")),
        sa.Column("attachments", sa.JSON, nullable=False),
        sa.Column("once", sa.Text),
        sa.Column("at", Instant, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        *(sa.Column(name, Instant) for name in ("next_at", "sent_at")),
        sa.Column("failed_why", sa.Text),
        sa.UniqueConstraint("once", name="uq_outbox_once"),
    )
    op.create_index("ix_outbox_channel_next_at", "outbox", ["channel", "next_at"])


def downgrade() -> None:
    op.drop_table("outbox")

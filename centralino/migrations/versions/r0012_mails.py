"""Each mail that came in, by its fingerprint, and the files that came with it."""

import sqlalchemy as sa
from alembic import op

from centralino.database import Instant

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "mails",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at", Instant, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("message_id", "envelope", "sender", "recipient")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("file", "why", "told")),
        sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), nullable=False, index=True),
        sa.Column("intake", sa.Integer, sa.ForeignKey("intakes.id"), index=True),
    )
    op.create_index("ix_mails_sender_at", "mails", ["sender", "at"])
    op.create_table(
        "attachments",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("intake", sa.Integer, sa.ForeignKey("intakes.id"), nullable=False, index=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("name", "content_type", "sha256", "file")),
        sa.Column("size_bytes", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("attachments")
    op.drop_table("mails")

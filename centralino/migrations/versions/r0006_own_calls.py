"""Calls that agents make by themselves stand in the records."""

import sqlalchemy as sa
from alembic import op

from centralino.database import Instant

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "own_calls",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("phone", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text) for name in ("agent", "to", "to_phone")),
        sa.Column("person", sa.Text, index=True),
        sa.Column("begun_at", Instant, nullable=False, index=True),
        sa.Column("state", sa.Text, nullable=False),
        *(sa.Column(name, Instant) for name in ("answered_at", "ended_at")),
        *(sa.Column(name, sa.Float) for name in ("ring_s", "talk_s")),
        sa.Column("why", sa.Text),
    )


def downgrade() -> None:
    op.drop_table("own_calls")

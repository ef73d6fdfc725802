"""What people do to a case stands with it, and what its clock is counted from."""

import sqlalchemy as sa
from alembic import op

from centralino.database import Instant

revision = "0008"
down_revision = "0007"

ADDED = ("office", "merged_into", "closed_by")


def upgrade() -> None:
    for name in ADDED:
        op.add_column("cases", sa.Column(name, sa.Text))
    for name in ("stopped_at", "worked_at"):
        op.add_column("cases", sa.Column(name, Instant))
    op.add_column("cases", sa.Column("is_complex", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("ix_cases_office", "cases", ["office"])
    op.create_table(
        "case_events",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), nullable=False, index=True),
        sa.Column("at", Instant, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("act", "by", "role", "words", "about")),
    )


def downgrade() -> None:
    op.drop_table("case_events")
    op.drop_index("ix_cases_office", "cases")
    for name in ("is_complex", "worked_at", "stopped_at", *reversed(ADDED)):
        op.drop_column("cases", name)

"""Calls that keep the promise of a call-back."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("calls", sa.Column("call_back_of", sa.Text))


def downgrade() -> None:
    op.drop_column("calls", "call_back_of")

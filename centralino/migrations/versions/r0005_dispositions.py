"""What agents say of a call: its kind, its topic, and whether it was solved or handed on."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ADDED = (("calls", "kind"), ("calls", "topic"), ("calls", "level"), ("cases", "kind"), ("cases", "level"))


def upgrade() -> None:
    for table, column in ADDED:
        op.add_column(table, sa.Column(column, sa.Text))


def downgrade() -> None:
    for table, column in reversed(ADDED):
        op.drop_column(table, column)

"""What callers keyed in, the offices they were led to, and who is to be called back."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("calls", sa.Column("office", sa.Text))
    op.add_column("calls", sa.Column("answers", sa.JSON))
    op.add_column("contacts", sa.Column("person", sa.Text))
    op.add_column("contacts", sa.Column("queue", sa.Text))


def downgrade() -> None:
    for table, column in (("contacts", "queue"), ("contacts", "person"), ("calls", "answers"), ("calls", "office")):
        op.drop_column(table, column)

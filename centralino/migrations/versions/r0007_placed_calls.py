"""Who asked for an agent's own call, for which entity, and since when the other one was rung."""

import sqlalchemy as sa
from alembic import op

from centralino.database import Instant

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for name in ("by", "entity"):
        op.add_column("own_calls", sa.Column(name, sa.Text))
    op.add_column("own_calls", sa.Column("rung_at", Instant))
    rows = sa.table("own_calls", sa.column("begun_at"), sa.column("rung_at"), sa.column("state"))
    op.execute(rows.update().where(rows.c.state != "refused").values(rung_at=rows.c.begun_at))  # as ring_s counted


def downgrade() -> None:
    for name in ("rung_at", "entity", "by"):
        op.drop_column("own_calls", name)

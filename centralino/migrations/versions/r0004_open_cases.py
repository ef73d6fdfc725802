"""Open cases are found without reading those that are closed."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index("ix_cases_state", "cases", ["state"])


def downgrade() -> None:
    op.drop_index("ix_cases_state", "cases")

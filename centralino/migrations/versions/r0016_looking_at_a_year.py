"""Indexes for what people look at: cases by state or office, the newest first, and who wrote, in small letters."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.drop_index("ix_cases_state", "cases")
    op.drop_index("ix_cases_office", "cases")
    op.create_index("ix_cases_state_opened_at", "cases", ["state", "opened_at"])
    op.create_index("ix_cases_office_opened_at", "cases", ["office", "opened_at"])
    op.create_index("ix_intakes_phone", "intakes", ["phone"])
    op.execute("UPDATE intakes SET mail = lower(mail)")
    op.create_index("ix_intakes_mail", "intakes", ["mail"])


def downgrade() -> None:
    op.drop_index("ix_intakes_mail", "intakes")
    op.drop_index("ix_intakes_phone", "intakes")
    op.drop_index("ix_cases_office_opened_at", "cases")
    op.drop_index("ix_cases_state_opened_at", "cases")
    op.create_index("ix_cases_office", "cases", ["office"])
    op.create_index("ix_cases_state", "cases", ["state"])

"""Indexes for what is looked at: cases by state or office, the newest first; who wrote; whom we told."""

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
    op.create_index("ix_outbox_to_at", "outbox", ["to", "at"])


def downgrade() -> None:
    op.drop_index("ix_outbox_to_at", "outbox")
    op.drop_index("ix_intakes_mail", "intakes")
    op.drop_index("ix_intakes_phone", "intakes")
    op.drop_index("ix_cases_office_opened_at", "cases")
    op.drop_index("ix_cases_state_opened_at", "cases")
    op.create_index("ix_cases_office", "cases", ["office"])
    op.create_index("ix_cases_state", "cases", ["state"])

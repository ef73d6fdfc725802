"""Letters, faxes, forms and mails stand with the cases that they are for."""

import sqlalchemy as sa
from alembic import op

from centralino.database import Instant

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "intakes",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("by", "subject", "words", "name", "phone", "mail")),
    )
    with op.batch_alter_table("contacts") as contacts:
        contacts.add_column(sa.Column("intake", sa.Integer))
        contacts.create_foreign_key("fk_contacts_intake_intakes", "intakes", ["intake"], ["id"])
        contacts.create_index("ix_contacts_intake", ["intake"])


def downgrade() -> None:
    with op.batch_alter_table("contacts") as contacts:
        contacts.drop_index("ix_contacts_intake")
        contacts.drop_constraint("fk_contacts_intake_intakes", type_="foreignkey")
        contacts.drop_column("intake")
    op.drop_table("intakes")

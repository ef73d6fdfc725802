"""As what and from where somebody asks; whose each contact is, so that a case can be split; a form is taken in once."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    for name in ("requester", "region"):
        op.add_column("cases", sa.Column(name, sa.Text))
    op.add_column("contacts", sa.Column("service", sa.Text))
    _fill()
    with op.batch_alter_table("intakes") as intakes:
        intakes.add_column(sa.Column("once", sa.Text))
        intakes.create_unique_constraint("uq_intakes_once", ["once"])


def downgrade() -> None:
    with op.batch_alter_table("intakes") as intakes:
        intakes.drop_constraint("uq_intakes_once", type_="unique")
        intakes.drop_column("once")
    op.drop_column("contacts", "service")
    for name in ("region", "requester"):
        op.drop_column("cases", name)


def _fill() -> None:
    """Whose the contacts are that calls made; of the others their case says it."""
    contacts = sa.table("contacts", *(sa.column(name) for name in ("call", "kind", "person", "service")))
    calls = sa.table("calls", *(sa.column(name) for name in ("id", "person", "service")))
    of_call = calls.c.id == contacts.c.call
    found = {name: sa.select(calls.c[name]).where(of_call).scalar_subquery() for name in ("person", "service")}
    person = sa.func.coalesce(contacts.c.person, found["person"])
    op.execute(contacts.update().where(contacts.c.call.is_not(None)).values(person=person, service=found["service"]))

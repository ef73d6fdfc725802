"""The sheets of the knowledge base, and the words by which they are found."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

TEXTS = ("title", "kind", "owner", "entity", "language", "address", "hours", "body", "digest")


def upgrade() -> None:
    op.create_table(
        "sheets",
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in TEXTS),
        sa.Column("valid_until", sa.Date),
        *(sa.Column(name, sa.JSON, nullable=False) for name in ("topics", "keywords", "phones")),
        sa.UniqueConstraint("id", name="uq_sheets_id"),
    )
    op.create_index("ix_sheets_entity_kind", "sheets", ["entity", "kind"])
    if op.get_bind().dialect.name == "sqlite":
        # the words come folded and stemmed: all that is left to do is to part them
        tokenizer = "unicode61 remove_diacritics 0"
        op.execute(f"CREATE VIRTUAL TABLE sheet_words USING fts5(title, keywords, body, tokenize = '{tokenizer}')")
    else:
        op.execute("CREATE TABLE sheet_words (n integer PRIMARY KEY, words tsvector NOT NULL)")
        op.execute(
            "ALTER TABLE sheet_words ALTER words SET STORAGE MAIN"
        )  # beside its row: each that is ranked is read
        op.execute("CREATE INDEX ix_sheet_words_words ON sheet_words USING gin (words)")


def downgrade() -> None:
    op.execute("DROP TABLE sheet_words")
    op.drop_table("sheets")

"""How Alembic reaches the database: over the connection that `centralino.database` hands it."""

from alembic import context

from centralino.database import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()

"""Runs migrations on the connection that the store opened; there is no alembic.ini."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()

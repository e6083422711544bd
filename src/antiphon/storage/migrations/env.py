"""How migration scripts are run: on the connection that `storage.migrate` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from antiphon.storage.migrate import whole_metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=whole_metadata(), render_as_batch=True)
context.run_migrations()

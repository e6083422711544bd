"""The first schema: every table as declared in storage/tables, and what they add after creation (search indexes)."""

from __future__ import annotations

from alembic import op

from antiphon.storage.migrate import whole_metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    whole_metadata().create_all(op.get_bind(), checkfirst=False)


def downgrade() -> None:
    raise RuntimeError("There is nothing before the first schema.")

"""The first tables and the views over them."""

from __future__ import annotations

from alembic import op

from stockpulse_engine.storage.server.schema import metadata
from stockpulse_engine.storage.server.views import DROP_VIEWS, VIEWS

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    metadata.create_all(op.get_bind())
    for statement in VIEWS:
        op.execute(statement)


def downgrade() -> None:
    """Remove them, with everything that is in them."""
    for statement in DROP_VIEWS:
        op.execute(statement)
    metadata.drop_all(op.get_bind())

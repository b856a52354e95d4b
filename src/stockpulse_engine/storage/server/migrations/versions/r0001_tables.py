"""The first tables and the views over them: the statements of the file beside this one, which never change."""

from __future__ import annotations

import re
from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


def upgrade() -> None:
    """Make them."""
    for statement in STATEMENTS.split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    """Remove them, with everything that is in them."""
    for kind in ("VIEW", "TABLE"):
        for name in re.findall(rf"^CREATE {kind} (\w+)", STATEMENTS, flags=re.MULTILINE):
            op.execute(f"DROP {kind} IF EXISTS {name}")

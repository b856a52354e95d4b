"""A migration that was published is history: databases were made by it, so a change comes as the next revision."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from stockpulse_engine.storage.server.migrations.versions import r0001_tables

DIGESTS = {"r0001_tables.sql": "675be8801190e0b54e271a6e51eee8250bdf9043c9ffb3a3331fb99dbc1f92a1"}
PLACE = Path(r0001_tables.__file__).parent


@pytest.mark.parametrize("name", DIGESTS)
def test_a_published_revision_never_changes(name: str) -> None:
    found = hashlib.sha256((PLACE / name).read_bytes()).hexdigest()
    assert found == DIGESTS[name], f"{name} was published: leave it, and write the change as the next revision"


def test_every_revision_has_its_statements_in_a_file_that_is_held() -> None:
    revisions = {f"{file.stem}.sql" for file in PLACE.glob("r*.py")}
    assert revisions == set(DIGESTS)


def test_a_revision_asks_no_code_that_may_change() -> None:
    ours = [name for name, value in vars(r0001_tables).items() if "stockpulse" in str(getattr(value, "__module__", ""))]
    assert set(ours) == {"upgrade", "downgrade"}

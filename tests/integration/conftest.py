"""What integration tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.postgres_server import PostgresServer, running_server


@pytest.fixture(scope="session")
def postgres(sandbox: Path) -> Iterator[PostgresServer]:
    """One PostgreSQL for all tests of a run."""
    with running_server(sandbox / "pg") as server:
        yield server

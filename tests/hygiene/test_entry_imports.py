"""What each entry point loads: start-up time is decided by the imports, and a static rule cannot see a deferred one."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import NamedTuple

import pytest

HEAVY = frozenset(
    {"torch", "numba", "polars", "pandas", "duckdb", "sqlalchemy", "talib", "numpy", "redis", "psycopg", "ollama"}
    | {"exchange_calendars", "pydantic", "scipy", "matplotlib"}
)
SERVER = frozenset({"litestar", "uvicorn", "uvloop", "apsw", "prometheus_client", "structlog"})
TESTING = frozenset({"pytest", "hypothesis"})

PROBE = """
import json, sys
touched = []
def look(event, arguments):
    if event in ("socket.bind", "socket.connect", "subprocess.Popen", "os.mkdir", "os.remove", "os.rename"):
        touched.append(f"{event} {arguments[:2]}")
    elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        touched.append(f"open {arguments[0]}")
sys.addaudithook(look)
__import__(sys.argv[1])
loaded = sorted({name.partition(".")[0] for name in sys.modules} | {n for n in sys.modules if n.startswith("stockpulse")})
print(json.dumps({"loaded": loaded, "touched": touched}))
"""


class Entry(NamedTuple):
    """A module somebody starts or imports first, and what may not come with it."""

    module: str
    forbidden: frozenset[str]


ENTRIES = (
    Entry("stockpulse_engine.cli", HEAVY | SERVER | TESTING | {"textual", "httpx", "websockets"}),
    Entry(
        "stockpulse_engine.client.blocking",
        HEAVY | SERVER | TESTING | {"textual", "rich", "httpx", "websockets", "asyncio", "typer"},
    ),
    Entry("stockpulse_engine.client.client", HEAVY | SERVER | TESTING | {"textual", "rich", "httpx", "typer"}),
    Entry(
        "stockpulse_tui.__main__",  # up to the first paint: the standard library, and little of it
        HEAVY | SERVER | TESTING | {"msgspec", "rich", "textual", "asyncio", "typer", "dataclasses", "inspect", "ssl"},
    ),
    Entry("stockpulse_tui.app", HEAVY | SERVER | TESTING | {"httpx", "typer"}),
    Entry("stockpulse_engine.wire.rest", HEAVY | SERVER | TESTING | {"asyncio", "rich", "textual", "httpx"}),
    Entry("stockpulse_engine.actions.registry", HEAVY | SERVER | TESTING | {"asyncio", "rich", "textual", "httpx"}),
    Entry("stockpulse_engine.actions.orderline", HEAVY | SERVER | TESTING | {"asyncio", "rich", "textual", "httpx"}),
    Entry("stockpulse_engine.render.theme", HEAVY | SERVER | TESTING | {"asyncio", "textual", "httpx"}),
    Entry("stockpulse_engine.base.paths", HEAVY | SERVER | TESTING | {"asyncio", "msgspec", "rich"}),
    Entry("stockpulse_engine.venue.server", frozenset({"torch", "textual", "litestar", "uvicorn", "duckdb"}) | TESTING),
    Entry(
        "stockpulse_engine.daemon",
        frozenset({"torch", "textual", "duckdb", "sqlalchemy", "numba", "redis", "polars", "numpy"})
        | frozenset({"keyring", "cryptography", "stockpulse_engine.adapters.alpaca"})  # nothing live in a paper engine
        | TESTING,
    ),
)


def is_built(entry: Entry) -> bool:
    try:
        return importlib.util.find_spec(entry.module) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if is_built(entry)], ids=lambda entry: entry.module)
def test_an_entry_point_loads_nothing_it_should_not_and_touches_nothing(entry: Entry) -> None:
    done = subprocess.run(
        [sys.executable, "-B", "-c", PROBE, entry.module], capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    leaked = entry.forbidden & set(seen["loaded"])
    assert not leaked, f"{entry.module} loads {sorted(leaked)}"
    assert not seen["touched"], f"importing {entry.module} does work: {seen['touched']}"


def test_the_probe_sees_a_leak_and_work_at_import() -> None:
    done = subprocess.run(
        [sys.executable, "-B", "-c", PROBE, "tests.hygiene.planted_leak"], capture_output=True, text=True, check=True
    )
    seen = json.loads(done.stdout.splitlines()[-1])
    assert "sqlite3" in seen["loaded"]
    assert any("devnull" in touch or "/dev/null" in touch for touch in seen["touched"])

"""What every test stands on: a throw-away home, a clock that moves when told, and the count of real-data tests."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from stockpulse_engine.base.clock import ManualClock

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
IS_NIGHT = os.environ.get("STOCKPULSE_NIGHT") == "1"
_XDG = {"XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data", "XDG_STATE_HOME": "state", "XDG_RUNTIME_DIR": "run"}

# Repeatable by default: a change is judged by the same examples twice. The night looks for new ones.
settings.register_profile(
    "commit", max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "night", max_examples=1500, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("night" if IS_NIGHT else "commit")

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Path]:
    """One short directory for everything a run writes (a Unix socket's path may have 100 bytes)."""
    directory = Path(tempfile.mkdtemp(prefix="spt-", dir="/tmp"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _session_isolation(sandbox: Path) -> Iterator[None]:
    """Nothing made for the whole session sees the real home either."""
    with pytest.MonkeyPatch.context() as patch:
        _isolate(patch, sandbox / "session")
        patch.setenv("HOME", str(sandbox / "user"))
        (sandbox / "user").mkdir()
        yield


@pytest.fixture(autouse=True)
def _isolation(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point every test at a home of its own, made when first used, and at no settings from outside."""
    directory = sandbox / str(next(_numbers))
    _isolate(monkeypatch, directory)
    return directory


@pytest.fixture
def home(_isolation: Path) -> Iterator[Path]:
    """An empty home directory with a short path; `STOCKPULSE_HOME` points at it."""
    _isolation.mkdir(mode=0o700)
    yield _isolation
    shutil.rmtree(_isolation, ignore_errors=True)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at 2023-11-14 22:13:20 UTC until it is advanced."""
    return ManualClock()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The directory of recorded market data beside the repository; mark its readers `real_data`."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared beside this clone: recorded market data is not part of it")
    return SHARED


def _isolate(patch: pytest.MonkeyPatch, directory: Path) -> None:
    for name in tuple(os.environ):
        if name.startswith("STOCKPULSE_") and name != "STOCKPULSE_NIGHT":
            patch.delenv(name)
    patch.setenv("STOCKPULSE_HOME", str(directory))
    for name, part in _XDG.items():
        patch.setenv(name, str(directory / "xdg" / part))
    for name in ("NO_COLOR", "COLORTERM"):
        patch.delenv(name, raising=False)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for the night (left out, not skipped: a skip means that something is missing)."""
    if IS_NIGHT:
        return
    late = [item for item in items if item.get_closest_marker("night")]
    if late:
        config.hook.pytest_deselected(items=late)
        items[:] = [item for item in items if item not in late]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With the recordings present, a skipped real-data test is a failure: nothing real may go unlooked at."""
    report = yield
    if report.skipped and SHARED.is_dir() and item.get_closest_marker("real_data"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped although ../shared is present: {reason}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much was tried on real data."""

    def count(*outcomes: str) -> int:
        reports = (report for outcome in outcomes for report in terminalreporter.stats.get(outcome, ()))
        return len({report.nodeid for report in reports if "real_data" in getattr(report, "keywords", {})})

    terminalreporter.write_line(f"real-data: {count('passed', 'failed', 'error')} ran, {count('skipped')} skipped")

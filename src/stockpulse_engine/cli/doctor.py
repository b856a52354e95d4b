"""`sp doctor`: what is wrong with this installation, and the fix."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable

import msgspec

from stockpulse_engine.base.lock import lock_holder
from stockpulse_engine.base.paths import MAX_SOCKET_PATH, Paths
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.render.terminal_colors import color_depth

MIN_FREE_BYTES = 500_000_000
MAX_HELD_BACK = 0.02
"""Part of the feed's events that may be held back before it is worth a look."""
MIN_EVENTS = 1000
OLD_BACKUP_NS = 26 * 3600 * 1_000_000_000
MIN_COLUMNS, MIN_ROWS = 80, 24
_NEEDED = ("textual", "msgspec", "litestar", "uvicorn", "websockets", "apsw", "ta-lib", "polars", "typer")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One check: `verdict` is ok, `!` (look) or `!!` (wrong)."""

    name: str
    verdict: str
    found: str
    fix: str = ""


def examine(paths: Paths) -> list[Finding]:
    """Run every check; a check that fails itself is a finding, never a crash."""
    findings = []
    for name, check in _CHECKS:
        try:
            findings.append(check(paths))
        except (OSError, StockPulseError, ValueError) as error:
            fix = error.fix if isinstance(error, StockPulseError) else "See the message."
            findings.append(Finding(name=name, verdict="!!", found=str(error)[:300], fix=fix))
    return findings


def _python(paths: Paths) -> Finding:
    del paths
    found = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    is_ok = sys.version_info >= (3, 11)
    return Finding(
        name="python", verdict="ok" if is_ok else "!!", found=found, fix="" if is_ok else "Use 3.11 or newer."
    )


def _packages(paths: Paths) -> Finding:
    del paths
    missing = []
    for name in _NEEDED:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding(name="packages", verdict="!!", found=f"missing {', '.join(missing)}", fix="make venv")
    return Finding(name="packages", verdict="ok", found=f"{len(_NEEDED)} found")


def _kernels(paths: Paths) -> Finding:
    """Which way studies are carried on: the engine's own rule, and whether what it needs is installed."""
    from stockpulse_engine.indicators.kernels.nine import INSTALL, find_engine
    from stockpulse_engine.marketdata.studies import MANY

    engine = find_engine()
    if not engine.is_compiled:
        words = f"not installed: TA-Lib {engine.version} carries each study on by a handle of its own ({INSTALL})"
        return Finding(name="kernels", verdict="ok", found=words)
    is_warm = any(paths.kernels.rglob("*.nbc"))
    words = "compiled" if is_warm else "compiled when first asked for, beside the engine"
    rule = f"from {MANY} standard studies on one call a frame, TA-Lib's handles below that and for all others"
    return Finding(name="kernels", verdict="ok", found=f"numba {engine.version}, {words}; {rule}")


def _settings(paths: Paths) -> Finding:
    from stockpulse_engine.settings import describe, load_settings

    rows = describe(load_settings(paths, os.environ))
    changed = sum(row.value != row.default for row in rows)
    return Finding(name="settings", verdict="ok", found=f"{len(rows)} right, {changed} changed by you")


def _directories(paths: Paths) -> Finding:
    open_ones = [str(d) for d in (paths.state, paths.runtime, paths.tokens) if d.is_dir() and d.stat().st_mode & 0o077]
    if open_ones:
        fix = f"chmod 700 {' '.join(open_ones)}"
        return Finding(name="directories", verdict="!!", found=f"others can read {', '.join(open_ones)}", fix=fix)
    return Finding(name="directories", verdict="ok", found=str(paths.state))


def _home(paths: Paths) -> Finding:
    """Whether the engine of this version can open the home."""
    from stockpulse_engine.bootstrap.offline import home_versions

    found, ours = home_versions(paths)
    if found is not None and found > ours:
        fix = "Install the newer StockPulse, go back with its `sp engine rollback`, or choose another --home."
        return Finding(name="home", verdict="!!", found=f"version {found}, this StockPulse knows {ours}", fix=fix)
    words = "new" if found is None else f"version {found}"
    return Finding(
        name="home", verdict="ok", found=words if found in {None, ours} else f"{words}, migrated at the start"
    )


def _socket(paths: Paths) -> Finding:
    length = len(os.fsencode(paths.socket))
    verdict = "ok" if length <= MAX_SOCKET_PATH else "!!"
    return Finding(
        name="socket path",
        verdict=verdict,
        found=f"{length} bytes",
        fix="" if verdict == "ok" else "Use a shorter --home.",
    )


def _disk(paths: Paths) -> Finding:
    place = next(one for one in (paths.state, *paths.state.parents) if one.exists())
    free = shutil.disk_usage(place).free
    is_ok = free >= MIN_FREE_BYTES
    fix = "" if is_ok else "Free some space: the journal becomes read-only when the disk is full."
    return Finding(name="disk", verdict="ok" if is_ok else "!!", found=f"{free / 1e9:.1f} GB free", fix=fix)


def _engine(paths: Paths) -> Finding:
    holder = lock_holder(paths.lock)
    if holder is None:
        return Finding(name="engine", verdict="!", found="not running", fix="Any command starts it: sp engine start")
    from stockpulse_engine.client.blocking import BlockingClient

    with BlockingClient(paths, role="viewer", head_id="doctor") as client:
        view = client.health()
    bad = [f"{part.name} {part.state}: {part.detail}" for part in view.parts if part.state in {"late", "gone"}]
    verdict = "ok" if view.status == "ok" else "!"
    return Finding(
        name="engine", verdict=verdict, found=f"{view.status}, process {view.pid}; {'; '.join(bad)}".rstrip("; ")
    )


def _quotes(paths: Paths) -> Finding:
    """What the running engine's feed held back: worth a look when it is more than a few in a hundred."""
    if lock_holder(paths.lock) is None:
        return Finding(name="quotes", verdict="ok", found="no engine to ask")
    from stockpulse_engine.cli.feed import feed_words, source_words
    from stockpulse_engine.client.blocking import BlockingClient

    with BlockingClient(paths, role="viewer", head_id="doctor") as client:
        feed = client.health().feed
    held_back = feed.crossed + feed.refused
    is_much = held_back > MAX_HELD_BACK * max(feed.events, MIN_EVENTS)
    words = feed_words(feed) + (f". Recording: {source_words(feed.source)}" if feed.source is not None else "")
    fix = "The market sends what can not be right: see `sp engine logs`, and the files of a replay." if is_much else ""
    return Finding(name="quotes", verdict="!" if is_much else "ok", found=words, fix=fix)


def _store(paths: Paths) -> Finding:
    """The user's PostgreSQL, where there is one: that it answers, and has the tables of this version."""
    from stockpulse_engine.settings import load_settings

    if not load_settings(paths, os.environ).storage.url:
        return Finding(name="server", verdict="ok", found="none (storage.url)")
    from stockpulse_engine.bootstrap.serverstore import store_status

    found = store_status(paths)
    waiting = sum(stream.waiting for stream in found.streams)
    words = f"{found.server}, {found.features}; {waiting:,} rows wait"
    words += f"; {found.further:,} series reach further there" if found.further else ""
    if found.revision != found.newest_revision:
        return Finding(
            name="server", verdict="!", found=f"{words}; revision {found.revision or 'none'}", fix="sp store migrate"
        )
    return Finding(name="server", verdict="ok", found=words)


def _backups(paths: Paths) -> Finding:
    """Whether what is traded here is copied anywhere: a home that nobody backs up is worth a look."""
    from stockpulse_engine.base.clock import WallClock
    from stockpulse_engine.bootstrap.offline import newest_backup
    from stockpulse_engine.render.format import format_age

    if not any((paths.state / "worlds").glob("*/journal.db")):
        return Finding(name="backups", verdict="ok", found="no journal yet")
    newest = newest_backup(paths)
    if newest is None:
        return Finding(
            name="backups", verdict="!", found="none", fix="sp jobs install writes one every hour; sp backup."
        )
    age = WallClock().now_ns() - newest.stat().st_mtime_ns
    is_old = age > OLD_BACKUP_NS
    fix = "sp jobs run backup; sp jobs install lets cron do it." if is_old else ""
    found = f"newest {format_age(age)} old, {newest.name}"
    return Finding(name="backups", verdict="!" if is_old else "ok", found=found, fix=fix)


def _latch(paths: Paths) -> Finding:
    if paths.latch.exists():
        return Finding(
            name="halt latch", verdict="!", found="HALTED: no order leaves", fix="sp resume, when you know why."
        )
    return Finding(name="halt latch", verdict="ok", found="not set")


def _terminal(paths: Paths) -> Finding:
    del paths
    columns, rows = shutil.get_terminal_size()
    if not sys.stdout.isatty():
        return Finding(name="terminal", verdict="ok", found="none here")
    depth = color_depth(os.environ)
    is_small = columns < MIN_COLUMNS or rows < MIN_ROWS
    found = f"{columns}×{rows}, {depth.words}"
    return Finding(
        name="terminal",
        verdict="!" if is_small else "ok",
        found=found,
        fix="Make it 80×24 or larger." if is_small else "",
    )


def _locale(paths: Paths) -> Finding:
    del paths
    encoding = (sys.stdout.encoding or "").lower()
    is_ok = "utf" in encoding
    return Finding(
        name="locale", verdict="ok" if is_ok else "!", found=encoding, fix="" if is_ok else "export LANG=C.UTF-8"
    )


_CHECKS: tuple[tuple[str, Callable[[Paths], Finding]], ...] = (
    ("python", _python),
    ("packages", _packages),
    ("kernels", _kernels),
    ("settings", _settings),
    ("directories", _directories),
    ("home", _home),
    ("socket path", _socket),
    ("disk", _disk),
    ("engine", _engine),
    ("quotes", _quotes),
    ("server", _store),
    ("backups", _backups),
    ("halt latch", _latch),
    ("terminal", _terminal),
    ("locale", _locale),
)

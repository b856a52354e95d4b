"""Work on a home without its engine: backup and restore for the command line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from stockpulse_engine.base.clock import Clock, WallClock
from stockpulse_engine.base.lock import FileLock, LockHeldError, acquire_lock
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.domain.errors import ConflictError, NotFoundError
from stockpulse_engine.domain.views import VerifyResult
from stockpulse_engine.settings import load_settings
from stockpulse_engine.storage.backup import (
    Manifest,
    Verified,
    latest_backup,
    restore_backup,
    verify_backup,
    write_backup,
)
from stockpulse_engine.storage.chain import verify
from stockpulse_engine.storage.home import STEPS, home_version, migrate, rollback


def backup_to(paths: Paths, target: Path, clock: Clock | None = None) -> tuple[Path, int]:
    """Write a backup to `target`, with the history where the settings want it; see `storage.backup.write_backup`."""
    wanted = load_settings(paths, os.environ).backup.history
    return write_backup(paths, target, clock or WallClock(), with_history=wanted)


def restore_from(
    place: Path, paths: Paths, *, replace_existing: bool, with_history: bool = True, with_tail: bool = True
) -> Manifest:
    """Restore a backup; see `storage.backup.restore_backup`."""
    return restore_backup(
        place, paths, replace_existing=replace_existing, with_history=with_history, with_tail=with_tail
    )


def verified(place: Path) -> Verified:
    """Check a backup, or the newest of a directory; see `storage.backup.verify_backup`."""
    return verify_backup(place)


def backup_directory(paths: Paths) -> Path:
    """Where backups are written that were asked for without a target."""
    chosen = load_settings(paths, os.environ).backup.directory
    return Path(chosen).expanduser().absolute() if chosen else paths.data / "backups"


def newest_backup(paths: Paths) -> Path | None:
    """The newest backup that was asked for without a target; None before the first."""
    try:
        return latest_backup(backup_directory(paths))
    except NotFoundError:
        return None


def verify_journal(paths: Paths, world: str) -> VerifyResult:
    """Walk a world's journal while no engine holds it; damage is in the result, never raised.

    Raises:
        NotFoundError: this home has no journal of that world.
    """
    journal, head = paths.journal(world), paths.journal_head(world)
    if not journal.exists() and not head.exists():
        raise NotFoundError(f"There is no journal of {world} here.", fix="Start the engine once, or name --world.")
    return verify(journal, head)


def rollback_home(paths: Paths) -> str:
    """Go back to the home as it was before its last migration; returns what was done, in words.

    Raises:
        ConflictError: the engine of this home runs.
    """
    clock = WallClock()
    with hold_home(paths, clock):
        change = rollback(paths, clock)
    return f"Back from version {change.from_version} to {change.to_version}, from {change.backup}."


def hold_home(paths: Paths, clock: Clock) -> FileLock:
    """Take the lock that only one engine of a home may hold.

    Raises:
        ConflictError: saying who holds it and since when.
    """
    try:
        return acquire_lock(paths.lock, clock)
    except LockHeldError as error:
        raise ConflictError(
            str(error), fix="One engine per home: `sp engine stop`, or choose another --home."
        ) from None


def home_versions(paths: Paths) -> tuple[int | None, int]:
    """Version of the home, None for an empty one, and the one this StockPulse knows."""
    return home_version(paths), STEPS[-1].to_version


def migrate_home(paths: Paths, clock: Clock, on_step: Callable[[str], None]) -> None:
    """Bring the home to this version's format, after a backup; see `storage.home.migrate`."""
    migrate(paths, clock, on_step=on_step)

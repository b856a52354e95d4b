"""The format of a home: its version, migration after a backup, and the way back.

The engine calls `migrate` once at start, holding the home's lock. A step that is interrupted is run again, so each
must give the same result twice. What a rollback replaces is set aside, never deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.base.paths import Paths, ensure_private
from stockpulse_engine.domain.errors import ConflictError, IntegrityError, NotFoundError
from stockpulse_engine.storage.backup import restore_backup, write_backup

_KEPT_BACKUPS = 3


class Step(msgspec.Struct, frozen=True):
    """One step from the version before `to_version` to it; `words` tell a person what is done."""

    to_version: int
    words: str
    run: Callable[[Paths], None]


class HomeChange(msgspec.Struct, frozen=True):
    """What a migration or rollback did; `backup` is the archive written before, or restored."""

    from_version: int
    to_version: int
    backup: str = ""
    is_complete: bool = True


def make_private(paths: Paths) -> None:
    """Version 1: nobody but the owner reads anything of a home, whatever the umask was when it was made."""
    for root in (paths.config, paths.data, paths.state):
        for path in [root, *root.rglob("*")] if root.is_dir() else []:
            if not path.is_symlink():
                path.chmod(0o700 if path.is_dir() else 0o600)


STEPS: tuple[Step, ...] = (Step(1, "making every file private", make_private),)
"""Every step ever made, oldest first; the last one's version is ours."""


def home_version(paths: Paths) -> int | None:
    """Version of the home, None for an empty one; a home from before versions were written has 0.

    Raises:
        IntegrityError: the version file does not hold a version.
    """
    try:
        text = _version_file(paths).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        used = (paths.state / "worlds", paths.tokens, paths.data / "heads")
        return 0 if any(part.exists() for part in used) else None
    if not (text.strip().isdigit() and len(text) < 10):  # noqa: PLR2004 - more digits are no version of ours
        raise IntegrityError(
            f"{_version_file(paths)} does not hold a version.",
            fix="Restore a backup with `sp restore`, or write the version the home has into it.",
        )
    return int(text)


def migrate(
    paths: Paths, clock: Clock, *, on_step: Callable[[str], None] | None = None, steps: Sequence[Step] = STEPS
) -> HomeChange:
    """Bring a home to our version, writing a backup first; an empty home only gets its version.

    Raises:
        ConflictError: the home is of a newer version than ours; nothing is touched.
    """
    ours = steps[-1].to_version
    found = home_version(paths)
    if found is None or found == ours:
        ensure_private(paths.state)
        if found is None:
            _write_version(paths, ours)
        return HomeChange(ours, ours)
    if found > ours:
        raise ConflictError(
            f"This home has version {found}, and this StockPulse knows version {ours}.",
            fix="Install the newer StockPulse again, go back with its `sp engine rollback`, or choose another --home.",
        )
    say = on_step or _say_nothing
    change = _begin(paths, clock, found, ours, say)
    for step in steps:
        if step.to_version > found:
            say(step.words)
            step.run(paths)
            _write_version(paths, step.to_version)
    done = msgspec.structs.replace(change, is_complete=True)
    _remember(paths, done)
    return done


def rollback(paths: Paths, clock: Clock) -> HomeChange:
    """Restore the backup from before the last migration; what is there now is set aside.

    The engine must be stopped and its lock held.

    Raises:
        NotFoundError: the home was never migrated, or the backup is gone.
        IntegrityError: the backup is damaged; nothing was changed.
    """
    change = _last_change(paths)
    if change is None or not Path(change.backup).is_file():
        raise NotFoundError(
            "There is no backup from before a migration of this home.",
            fix="`sp restore FILE` brings back an ordinary backup.",
        )
    worlds = paths.state / "worlds"
    aside = paths.state / f"worlds-before-rollback-{clock.now_ns()}"
    if worlds.exists():
        worlds.rename(aside)
    try:
        restore_backup(Path(change.backup), paths, is_rollback=True)
    except BaseException:
        if aside.exists() and not worlds.exists():
            aside.rename(worlds)
        raise
    _version_file(paths).unlink(missing_ok=True)
    if change.from_version > 0:
        _write_version(paths, change.from_version)
    _record_file(paths).unlink()
    return HomeChange(change.to_version, change.from_version, change.backup)


def _begin(paths: Paths, clock: Clock, found: int, ours: int, say: Callable[[str], None]) -> HomeChange:
    """The backup and its record; an interrupted migration keeps the backup it began with."""
    earlier = _last_change(paths)
    if earlier is not None and not earlier.is_complete and Path(earlier.backup).is_file():
        return earlier
    say(f"backing up the home before it goes from version {found} to {ours}")
    directory = ensure_private(paths.state / "backups")
    file = directory / f"before-version-{ours}-{clock.now_ns() // 1_000_000_000}.tar.gz"
    written, _ = write_backup(paths, file, clock, with_history=False)  # the history has a format of its own
    change = HomeChange(found, ours, str(written), is_complete=False)
    _remember(paths, change)
    for old in sorted(directory.glob("before-version-*.tar.gz"), key=lambda path: path.stat().st_mtime)[
        :-_KEPT_BACKUPS
    ]:
        old.unlink()
    return change


def _say_nothing(_: str) -> None:
    """For whoever does not want to hear the steps."""


def _version_file(paths: Paths) -> Path:
    return paths.state / "version"


def _write_version(paths: Paths, version: int) -> None:
    ensure_private(paths.state)
    atomic_write(_version_file(paths), f"{version}\n".encode())


def _record_file(paths: Paths) -> Path:
    return paths.state / "backups" / "last-migration.json"


def _remember(paths: Paths, change: HomeChange) -> None:
    atomic_write(_record_file(paths), msgspec.json.encode(change))


def _last_change(paths: Paths) -> HomeChange | None:
    try:
        return msgspec.json.decode(_record_file(paths).read_bytes(), type=HomeChange)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise IntegrityError(
            f"{_record_file(paths)} cannot be read.", fix="Remove it; `sp restore FILE` brings back a backup."
        ) from error

"""What of a home belongs into a backup, in the order that makes it consistent, and copies of databases in use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import apsw

from stockpulse_engine.base.paths import Paths
from stockpulse_engine.storage.backup.archive import HISTORY
from stockpulse_engine.storage.history.catalog import Catalog
from stockpulse_engine.storage.restored import NAME as RESTORED

PAGE = 4096
_SKIPPED = frozenset({"engine.lock", "last-frame.ansi", "venue.pid", "venue.lock", RESTORED})
_SKIPPED_DIRS = frozenset({"logs", "backups", "tokens", "kernels", "locks", "keys"})
_SQLITE_SIDE_FILES = ("-wal", "-shm", "-journal")
_NOT_OBJECTS = frozenset({"hot", "tail", "bars", "quotes", "trades", "actions"})
"""Directories of a history that are derived, or copied as the catalog says."""


class Wanted(NamedTuple):
    """A file of the history: its name in a backup, where it lies, and its digest where its commit told one."""

    name: str
    path: Path
    size: int
    sha256: str


def sources(paths: Paths) -> Iterator[tuple[str, Path]]:
    """Heads first, then journals, then the rest of the state, the venue's store last of it.

    So a copied journal is never behind its head, and the venue never behind the journal: what it knows more is fetched
    by the ordinary reconciliation at the next start.
    """
    heads = paths.data / "heads"
    yield from ((f"data/heads/{one.name}", one) for one in _files(heads))
    state = list(_files(paths.state))
    for one in sorted(state, key=lambda path: (path.name != "journal.db", "venue" in path.parts, str(path))):
        yield f"state/{one.relative_to(paths.state).as_posix()}", one
    yield from ((f"config/{one.relative_to(paths.config).as_posix()}", one) for one in _files(paths.config))


def history_files(root: Path, catalog_copy: Path) -> list[Wanted]:
    """The segments that a copied catalog lists, and what else of a history can not be made again."""
    catalog = Catalog(catalog_copy.parent)
    listed = catalog.segments(0, "", 2**31)
    catalog.close()
    found = []
    for one in listed:
        name = Path(one.path).relative_to(catalog_copy.parent).as_posix()
        found.append(Wanted(HISTORY + name, root / name, one.bytes, one.sha256))
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root).parts
        if len(inside) > 1 and inside[0] not in _NOT_OBJECTS and _is_kept(path):
            found.append(Wanted(HISTORY + "/".join(inside), path, -1, ""))
    return found


def tail_logs(root: Path) -> list[Path]:
    """The logs of what is recorded now; they only grow."""
    return sorted(path for path in (root / "tail").glob("*.log") if path.is_file() and not path.is_symlink())


def copy_database(source: Path, target: Path) -> None:
    """A consistent copy through SQLite's own backup: one snapshot, for which no writer waits."""
    target.unlink(missing_ok=True)
    origin = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)
    copy = apsw.Connection(str(target))
    try:
        origin.set_busy_timeout(5_000)
        with copy.backup("main", origin, "main") as work:
            work.step(-1)  # in several steps a busy writer would make it begin again and again
        copy.execute("PRAGMA journal_mode=DELETE")
    finally:
        copy.close()
        origin.close()


def _files(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    found = []
    for one in sorted(root.rglob("*")):
        inside = one.relative_to(root).parts
        if _is_kept(one) and not _SKIPPED_DIRS.intersection(inside[:-1]) and not inside[0].startswith(".restore-"):
            found.append(one)
    return found


def _is_kept(path: Path) -> bool:
    is_side_file = path.name.endswith((*_SQLITE_SIDE_FILES, ".tmp", ".lock"))
    return path.is_file() and not path.is_symlink() and not is_side_file and path.name not in _SKIPPED

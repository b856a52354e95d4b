"""The watchlists on disk, one file for every head of a home: what one head changes the others show a moment later."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from stockpulse_tui.watchlists import Watchlists, load_watchlists

BROKEN = ".broken"
"""Ending of the name under which a file that could not be read is kept when a new one takes its place."""
Stamp = tuple[int, int, int]


class WatchFile:
    """Keeps one head's groups and the file equal. Without a path nothing is kept."""

    def __init__(self, path: Path | None, lists: Watchlists) -> None:
        self._path = path
        self._lists = lists
        self._seen: Stamp | None = None  # the first look reads what came since the groups were loaded

    def look(self) -> bool:
        """Take in what another head wrote since; True when it changed anything here."""
        stamp = self._stamp()
        if stamp == self._seen or self._path is None:
            return False
        self._seen = stamp
        found, problem = load_watchlists(self._path)
        return not problem and self._lists.take(found.groups)

    def save(self) -> None:
        """Write the groups. A file that can not be read is somebody's work: it is kept beside."""
        if self._path is None:
            return
        if load_watchlists(self._path)[1]:
            with suppress(OSError):
                self._path.replace(self._path.with_name(self._path.name + BROKEN))
        self._lists.save(self._path)
        self._seen = self._stamp()

    def _stamp(self) -> Stamp | None:
        try:
            found = self._path.stat() if self._path is not None else None
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_ino, found.st_size) if found is not None else None

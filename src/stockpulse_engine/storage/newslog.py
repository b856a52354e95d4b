"""News lines of the market as they came, in a small database beside the history: what a copy elsewhere is made from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw
import msgspec

from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.market import NewsItem

FILE: Final = "news.db"
KEPT: Final = 100_000
"""Lines remembered; older ones go, the copy keeps them."""
_BUSY_MS: Final = 10_000
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS news(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, news_id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, ts INTEGER NOT NULL,
    headline TEXT NOT NULL, tone INTEGER NOT NULL, instruments TEXT NOT NULL, known_at INTEGER NOT NULL
) STRICT
"""


class NewsLine(NamedTuple):
    """One line with its place in the log; `known_at` is the wall time at which it came."""

    seq: int
    news_id: str
    item: NewsItem
    known_at: int


class NewsLog:
    """Appends lines, each once, and reads those after a place. Several processes may use one file."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / FILE

    @property
    def exists(self) -> bool:
        """Whether anything was ever written."""
        return self._file.exists()

    def append(self, items: Sequence[NewsItem], source: str, known_at: int) -> None:
        """Keep lines that are not kept yet; the same again is nothing. `source` is the world they were told in.

        Raises:
            UnavailableError: the disk can not be written.
        """
        named = [(f"{source}/{item.source}" if item.source else source, item) for item in items]
        rows = [
            (
                news_id(name, item),
                *(name, item.ts_event, item.headline, item.tone),
                msgspec.json.encode(item.instrument_ids).decode(),
                known_at,
            )
            for name, item in named
        ]
        ensure_private(self._file.parent)
        try:
            with self._opened() as db, db:
                db.executemany(
                    "INSERT INTO news(news_id, source, ts, headline, tone, instruments, known_at) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    rows,
                )
                db.execute("DELETE FROM news WHERE seq <= (SELECT max(seq) FROM news) - ?", (KEPT,))
        except (apsw.Error, OSError) as error:
            raise UnavailableError(f"{self._file} cannot be written: {error}.", fix="Make room on the disk.") from error

    def after(self, seq: int, limit: int) -> list[NewsLine]:
        """Lines after a place, in their order.

        Raises:
            UnavailableError: the file can not be read.
        """
        if not self.exists:
            return []
        try:
            with self._opened() as db:
                rows: list[Any] = db.execute(
                    "SELECT seq, news_id, headline, instruments, ts, source, tone, known_at FROM news "
                    "WHERE seq > ? ORDER BY seq LIMIT ?",
                    (seq, limit),
                ).fetchall()
        except apsw.Error as error:
            raise UnavailableError(f"{self._file} cannot be read: {error}.", fix="Move it away.") from error
        return [
            NewsLine(
                place,
                name,
                NewsItem(headline, msgspec.json.decode(names, type=tuple[str, ...]), ts, source, tone),
                known,
            )
            for place, name, headline, names, ts, source, tone, known in rows
        ]

    def last_seq(self) -> int:
        """The place of the last line, 0 when there is none."""
        if not self.exists:
            return 0
        with self._opened() as db:
            found: list[Any] = db.execute("SELECT coalesce(max(seq), 0) FROM news").fetchall()
        return int(found[0][0])

    def _opened(self) -> _Closing:
        return _Closing(self._file)


class _Closing:
    """A connection for one look; lines come seldom."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> apsw.Connection:
        self._db = apsw.Connection(str(self._file))
        self._db.set_busy_timeout(_BUSY_MS)
        self._db.pragma("journal_mode", "wal")
        self._db.execute(_TABLE)
        return self._db

    def __exit__(self, *_: object) -> None:
        self._db.close()


def news_id(source: str, item: NewsItem) -> str:
    """The same line of the same source has the same name, whoever tells it again."""
    told = msgspec.json.encode((source, item.ts_event, item.headline))
    return hashlib.sha256(told).hexdigest()[:32]

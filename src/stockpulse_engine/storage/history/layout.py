"""Where things lie below the history directory."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.history import ACTIONS, BARS

_SOURCE = re.compile(r"[a-z0-9][a-z0-9_.:/-]{0,39}")
_DECADE = 10
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Layout(NamedTuple):
    """The parts of one history directory."""

    root: Path

    @property
    def catalog(self) -> Path:
        """The only point of commit."""
        return self.root / "catalog.db"

    @property
    def hot(self) -> Path:
        """Mapped files of the newest bars; derived."""
        return self.root / "hot"

    @property
    def tail(self) -> Path:
        """Logs of what is recorded now."""
        return self.root / "tail"

    def hot_file(self, spec: str, instrument_id: str, source: str) -> Path:
        """The mapped file of one series."""
        return self.hot / spec / f"{quote(instrument_id, safe='~')}@{quote(source, safe='')}.col"

    def segment(self, table: str, spec: str, bucket: str, segment_id: str) -> Path:
        """Where a segment lies, relative to `root`."""
        return Path(*(part for part in (table, spec, bucket) if part), f"{segment_id}.parquet")


def bucket_of(table: str, spec: str, ts_event: int) -> str:
    """The directory by time that a row belongs to: a day for ticks, a year for bars, a decade from daily ones on."""
    if table == ACTIONS:
        return ""
    day = _EPOCH + dt.timedelta(seconds=ts_event // SECOND_NS)
    if table != BARS:
        return day.date().isoformat()
    return f"{day.year // _DECADE * _DECADE}s" if spec[-1] in "dw" else str(day.year)


def require_source(text: str) -> str:
    """Return `text` if it can name a source, else raise InvalidValueError."""
    if not _SOURCE.fullmatch(text):
        raise InvalidValueError(
            f"{text[:40]!r} is not the name of a source.",
            fix="Use lower case letters, digits and _ . : / - like yahoo, oanda/mid, sim:7.",
        )
    return text

"""Universes of a home: its own files in `universes/` of the config directory, and the simulated market's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from stockpulse_engine.base.paths import Paths
from stockpulse_engine.domain.errors import NotFoundError, StockPulseError
from stockpulse_engine.marketdata.history import BARS, HistoryReader
from stockpulse_engine.marketdata.listings import Listing
from stockpulse_engine.marketdata.universes import (
    SUFFIXES,
    Member,
    Placed,
    Universe,
    UniverseOnDay,
    UniverseRow,
    members_on,
    placed,
    problems_of,
    read_universe,
    require_name,
)
from stockpulse_engine.storage.importing.listingfile import listings_file, read_listings

SIM = "sim"
MAX_FILES = 500


class Universes:
    """Reads, and answers as of a day. Blocking."""

    def __init__(self, paths: Paths, reader: Callable[[], HistoryReader], today: Callable[[], str]) -> None:
        """`reader` tells what is held, `today` the date by which a question about now is answered."""
        self._paths = paths
        self._reader = reader
        self._today = today

    @property
    def directory(self) -> Path:
        """Where the files lie."""
        return self._paths.config / "universes"

    def names(self) -> tuple[str, ...]:
        """Every universe there is: the shipped one, then the files."""
        found = sorted(file.stem for file in self._files())
        return (SIM, *dict.fromkeys(name for name in found if name != SIM))

    def rows(self) -> tuple[UniverseRow, ...]:
        """The list; a file that is wrong is in it, with what is wrong."""
        rows = []
        for name in self.names():
            try:
                one = self.load(name)
            except StockPulseError as error:
                rows.append(
                    UniverseRow(name=name, about="", source="", members=0, is_dated=False, problem=error.message)
                )
                continue
            now = sum(member.is_in(self._today()) for member in one.members)
            rows.append(UniverseRow(name=name, about=one.about, source=one.source, members=now, is_dated=one.is_dated))
        return tuple(rows)

    def load(self, name: str) -> Universe:
        """One universe.

        Raises:
            NotFoundError: there is none of that name.
            InvalidValueError: its file is wrong.
        """
        wanted = require_name(name)
        if wanted == SIM:
            return _simulated()
        file = next((file for file in self._files() if file.stem == wanted), None)
        if file is None:
            raise NotFoundError(
                f"There is no universe {wanted!r}.",
                fix=f"There are {', '.join(self.names()[:8])}; the file `universes/{wanted}.csv` adds it.",
            )
        return read_universe(wanted, file.suffix, file.read_bytes())

    def on_day(self, name: str, day: str = "", *, takes_todays: bool = False) -> UniverseOnDay:
        """Who belonged on a day ("" for today), and which instrument each of them was then.

        Raises:
            NotFoundError: there is none of that name.
            InvalidValueError: its file is wrong, or it does not know its past and `takes_todays` is not set.
        """
        universe, today = self.load(name), self._today()
        asked = day or today
        members, bias = members_on(universe, asked, is_past=bool(day), takes_todays=takes_todays)
        return UniverseOnDay(
            name=universe.name, as_of=asked, bias=bias, members=self._placed(members, today if bias else asked)
        )

    def problems(self, name: str) -> tuple[str, ...]:
        """What is wrong with a universe; raises like `load`."""
        return problems_of(self.load(name), self._listings())

    def _files(self) -> list[Path]:
        if not self.directory.is_dir():
            return []
        return sorted(file for file in self.directory.iterdir() if file.suffix in SUFFIXES)[:MAX_FILES]

    def _listings(self) -> tuple[Listing, ...]:
        return read_listings(listings_file(self._paths.history))

    def _placed(self, members: tuple[Member, ...], day: str) -> tuple[Placed, ...]:
        held = {one.instrument_id for one in self._reader().series(table=BARS)}
        mics = {member.symbol: _mic_of(member.symbol) for member in members if not member.mic}
        return placed(members, day, self._listings(), held, mics)


def today_in_new_york(now_ns: int) -> str:
    """The exchange's date at a moment."""
    from zoneinfo import ZoneInfo

    return dt.datetime.fromtimestamp(now_ns // 1_000_000_000, ZoneInfo("America/New_York")).date().isoformat()


def _simulated() -> Universe:
    from stockpulse_engine.venue.market.listings import ROWS

    members = tuple(Member(symbol=str(row[0]), mic=str(row[1])) for row in ROWS)
    return Universe(
        name=SIM,
        about="what the simulated market trades: familiar names of today",
        source="shipped",
        members=members,
    )


def _mic_of(symbol: str) -> str:
    from stockpulse_engine.venue.replay.reference import instrument_for

    return instrument_for(symbol.partition("~")[0]).instrument_id.rpartition(".")[2]

"""ISO times out of text, a column at a time: two digits are read at once, of all rows together.

A column spells its times in one way, or in a few. Each way is taken from the first text that is not yet read, as a
pattern of its length, its separators and its offset; what no pattern reads is left to the slow and thorough way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import polars as pl

from stockpulse_engine.marketdata.columns import Ints

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAY_NS: Final = 86_400_000_000_000
_WAYS: Final = 6
"""Spellings of one column that are tried: winter and summer, with a fraction and without."""
_ISO: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?P<seconds>:\d\d(?:\.(?P<fraction>\d{1,9}))?)?(?P<offset>Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_DATE: Final = (0, 2, 5, 8)
_CLOCK: Final = (11, 14, 17)
"""Where two digits stand: century, year, month, day; hour, minute, second."""
_FRACTION_AT: Final = 20
_WORD: Final = 8
_NO_DAY: Final = -(2**31)
_FIRST_YEAR, _LAST_YEAR = 1678, 2261
"""Whole years that nanoseconds in 64 bits can tell."""


class IsoTimes(NamedTuple):
    """Day since 1970 and nanoseconds after its midnight, both as written, and how far that clock is ahead of UTC."""

    days: Ints
    within: Ints
    ahead: Ints
    is_zoned: NDArray[np.bool_]
    is_read: NDArray[np.bool_]
    """Where False, the other four say nothing."""


class _Way(NamedTuple):
    """One spelling."""

    length: int
    has_seconds: bool
    digits: int
    """Of the fraction of a second."""
    ahead: int | None
    first: bytes
    """A text like this."""

    @property
    def pairs(self) -> tuple[int, ...]:
        """Where two digits stand."""
        fraction = range(_FRACTION_AT, _FRACTION_AT + self.digits - 1, 2)
        return (*_DATE, *_CLOCK[: 3 if self.has_seconds else 2], *fraction)

    @property
    def odd(self) -> int | None:
        """Where one digit more stands."""
        return _FRACTION_AT + self.digits - 1 if self.digits % 2 else None


def iso_times(texts: pl.Series) -> IsoTimes:
    """What of a column can be read like this; the rest has `is_read` False."""
    count = len(texts)
    numbers, flags = np.zeros((3, count), np.int64), np.zeros((2, count), np.bool_)
    found = IsoTimes(numbers[0], numbers[1], numbers[2], flags[0], flags[1])
    lengths = texts.str.len_bytes().fill_null(0).to_numpy()
    rest = np.arange(count)
    for _ in range(_WAYS):
        if not len(rest):
            break
        way = _way_of(texts[int(rest[0])] or "")
        if way is not None:
            same = rest[lengths[rest] == way.length]
            _read(texts if len(same) == count else texts.gather(same), way, same, found)
        rest = rest[1:][~found.is_read[rest[1:]]]  # the first one is read now, or never
    return found


def _way_of(text: str) -> _Way | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    digits = len(match["fraction"] or "")
    offset = match["offset"]
    ahead = None
    if offset is not None:
        ahead = 0 if offset == "Z" else int(offset[0] + "1") * (int(offset[1:3]) * 60 + int(offset[-2:])) * 60 * 10**9
    return _Way(len(text), match["seconds"] is not None, digits, ahead, text.encode())


def _read(texts: pl.Series, way: _Way, places: Ints, found: IsoTimes) -> None:
    """Read the texts that are at `places` of the column as one way says; those it does not fit stay unread."""
    raw = texts.str.join("").cast(pl.Binary).item()
    is_read = _has_same_others(raw, way)
    days = _one_day(raw, way)
    pairs = []
    for place in way.pairs[len(_DATE) if days is not None else 0 :]:
        pair, is_number = _pair(raw, place, way.length)
        is_read &= is_number
        pairs.append(pair)
    if days is None:
        days, is_day = _days(pairs[: len(_DATE)])
        is_read &= is_day
        pairs = pairs[len(_DATE) :]
    within = np.zeros(len(is_read), np.int64)
    for pair, top, unit in zip(pairs, (24, 60, 60), (3600 * 10**9, 60 * 10**9, 10**9), strict=False):
        is_read &= pair < top
        within += pair * np.int64(unit)
    for number, pair in enumerate(pairs[len(_CLOCK) :], 1):
        within += pair * np.int64(10 ** (9 - 2 * number))
    if way.odd is not None:
        digit = np.ndarray(len(is_read), np.uint8, raw, way.odd, (way.length,)) - np.uint8(ord("0"))
        is_read &= digit <= 9  # noqa: PLR2004 - a digit
        within += digit * np.int64(10 ** (9 - way.digits))
    days[~is_read] = 0
    which = slice(None) if len(places) == len(found.days) else places
    found.days[which], found.within[which], found.ahead[which] = days, within, way.ahead or 0
    found.is_zoned[which], found.is_read[which] = way.ahead is not None, is_read


def _one_day(raw: bytes, way: _Way) -> Ints | None:
    """The day of every text when all are of one that there is, as ticks mostly are: it is read once."""
    count = len(raw) // way.length
    for start, kind in ((0, "<u8"), (_WORD, "<u2")):
        words = np.ndarray(count, kind, raw, start, (way.length,))
        if not (words == words[0]).all():
            return None
    pairs = [np.array([int(way.first[place : place + 2])], np.uint16) for place in _DATE]
    days, is_day = _days(pairs)
    return np.full(count, days[0], np.int64) if is_day[0] and raw.startswith(way.first[:10]) else None


def _has_same_others(raw: bytes, way: _Way) -> NDArray[np.bool_]:
    """Which texts have what the first one has wherever no digit of date and time stands, eight places at once."""
    told = {place + more for place in way.pairs for more in (0, 1)} | {way.odd}
    mask = bytes(0 if place in told else 255 for place in range(way.length))
    same = np.ones(len(raw) // way.length, np.bool_)
    for start in dict.fromkeys(min(start, way.length - _WORD) for start in range(0, way.length, _WORD)):
        words = np.ndarray(len(same), np.uint64, raw, start, (way.length,))
        wanted, bits = (np.frombuffer(text[start : start + _WORD], np.uint64)[0] for text in (way.first, mask))
        same &= (words ^ wanted) & bits == 0
    return same


def _pair(raw: bytes, place: int, stride: int) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """The number that two digits make, of every text, and whether they are digits."""
    both = np.ndarray(len(raw) // stride, "<u2", raw, place, (stride,)) - np.uint16(0x3030)
    tens, ones = both & np.uint16(0xFF), both >> np.uint16(8)
    return tens * np.uint16(10) + ones, (tens <= 9) & (ones <= 9)  # noqa: PLR2004 - digits


def _days(pairs: Sequence[NDArray[np.uint16]]) -> tuple[Ints, NDArray[np.bool_]]:
    """Days since 1970 of centuries, years, months and days, and which are none; looked up in the years that occur."""
    century, year, month, day = pairs
    years = century * np.uint16(100) + year
    is_year = (years >= _FIRST_YEAR) & (years <= _LAST_YEAR) & (month < 100) & (day < 100)  # noqa: PLR2004 - two digits
    if not is_year.any():
        return np.zeros(len(years), np.int64), is_year
    known = years if is_year.all() else years[is_year]
    first, last = int(known.min()), int(known.max())
    places = (years.astype(np.int32) - first) * 10_000 + month * np.uint16(100) + day
    days = _table(first, last)[places if is_year.all() else np.where(is_year, places, 0)]
    return days.astype(np.int64), is_year & (days != _NO_DAY)


def _table(first: int, last: int) -> NDArray[np.int32]:
    """By (year - first) × 10,000 + month × 100 + day: the day since 1970."""
    days = np.arange(f"{first}-01-01", f"{last + 1}-01-01", dtype="datetime64[D]")
    months = days.astype("datetime64[M]")
    years = months.astype("datetime64[Y]")
    in_month, in_year = (days - months).astype(np.int64) + 1, (months - years).astype(np.int64) + 1
    places = (years.astype(np.int64) + 1970 - first) * 10_000 + in_year * 100 + in_month
    table = np.full((last - first + 1) * 10_000, _NO_DAY, np.int32)
    table[places] = days.astype(np.int32)
    return table

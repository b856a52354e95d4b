"""Which company traded under which ticker when, as map files tell: a ticker may be given to another company later.

A company's whole past is one instrument under its last ticker, its home: QQQQ of 2008 is QQQ. Where another company has
that ticker now, the home carries the year in which it began: FB~1999.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec


class Listing(msgspec.Struct, frozen=True):
    """A company traded as `ticker` from `since` up to and including `until` (ISO dates)."""

    company: str
    ticker: str
    since: str
    until: str


class Rename(NamedTuple):
    """A company, known by its home, that traded as `before` and from `since` (ISO date) on as `after`."""

    home: str
    before: str
    after: str
    since: str


def home_of(listings: Sequence[Listing], company: str) -> str:
    """The symbol under which a company's whole past is kept."""
    last = max((one for one in listings if one.company == company), key=lambda one: one.until)
    return _stored(listings, last)


def renames(listings: Sequence[Listing], companies: Iterable[str]) -> Iterator[Rename]:
    """Each change of these companies' tickers, oldest first."""
    for company in sorted(set(companies)):
        told = sorted((one for one in listings if one.company == company), key=lambda one: one.until)
        for before, after in itertools.pairwise(told):
            if before.ticker != after.ticker:
                yield Rename(home_of(listings, company), before.ticker, after.ticker, after.since)


def homes(listings: Sequence[Listing], ticker: str) -> tuple[tuple[str, str], ...]:
    """Until when (ISO date) a ticker meant which home, the latest first."""
    held = sorted((one for one in listings if one.ticker == ticker), key=lambda one: one.until, reverse=True)
    return tuple((one.until, home_of(listings, one.company)) for one in held)


def reused(listings: Sequence[Listing], ticker: str) -> tuple[Listing, ...]:
    """Spans in which `ticker` meant another company than the last one that had it; their rows are `TICKER~YEAR`."""
    spans = sorted((one for one in listings if one.ticker == ticker), key=lambda one: one.until)
    return tuple(one for one in spans if one.company != spans[-1].company)


def symbols_on(listings: Sequence[Listing], symbol: str, day: str) -> tuple[str, ...]:
    """What the company known as `symbol` may be called in the store on a day, its home first.

    A ticker that had an owner on that day means that owner. One that had none means the company that got it later, or
    had it last. Its ticker of that day comes second: what was imported before the maps lies there. Without a listing a
    symbol is its own name. Empty: the maps know the ticker, and its company was not there.
    """
    spans = sorted((one for one in listings if one.ticker == symbol), key=lambda one: one.since)
    if not spans:
        return (symbol,)
    owner = next((one for one in spans if one.since <= day <= one.until), None)
    if owner is not None:
        return tuple(dict.fromkeys((home_of(listings, owner.company), _stored(listings, owner))))
    known = next((one for one in spans if one.since > day), spans[-1])
    then = next((one for one in listings if one.company == known.company and one.since <= day <= one.until), None)
    if then is not None:
        return tuple(
            dict.fromkeys((home_of(listings, known.company), _stored(listings, then), _stored(listings, known)))
        )
    is_older_than_maps = day < known.since == min(one.since for one in listings)
    return (_stored(listings, known),) if is_older_than_maps else ()


def owners(listings: Sequence[Listing], ticker: str, since: str, until: str) -> tuple[str, ...]:
    """Companies that had the ticker within a span of days, in their order."""
    spans = sorted((one for one in listings if one.ticker == ticker), key=lambda one: one.since)
    found = [one.company for one in spans if one.since <= until and since <= one.until]
    return tuple(dict.fromkeys(found))


def _stored(listings: Sequence[Listing], span: Listing) -> str:
    """Its symbol in an instrument's id: a ticker's earlier company carries the year in which it began."""
    return f"{span.ticker}~{span.since[:4]}" if span in reused(listings, span.ticker) else span.ticker

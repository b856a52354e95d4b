"""Which company traded under which ticker when, as map files tell: a ticker may be given to another company later."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class Listing(msgspec.Struct, frozen=True):
    """A company traded as `ticker` from `since` up to and including `until` (ISO dates)."""

    company: str
    ticker: str
    since: str
    until: str


def reused(listings: Sequence[Listing], ticker: str) -> tuple[Listing, ...]:
    """Spans in which `ticker` meant another company than the last one that had it; their rows are `TICKER~YEAR`."""
    spans = sorted((one for one in listings if one.ticker == ticker), key=lambda one: one.until)
    return tuple(one for one in spans if one.company != spans[-1].company)


def symbols_on(listings: Sequence[Listing], symbol: str, day: str) -> tuple[str, ...]:
    """What the company known as `symbol` is called in the store on a day, the ticker it had then first.

    A ticker that had an owner on that day means that owner. One that had none means the company that got it later, or
    had it last, under the ticker of that day: META of 2015 is FB, FB of 2025 is META. Without a listing a symbol is
    its own name. Empty: the maps know the ticker, and its company was not there.
    """
    spans = sorted((one for one in listings if one.ticker == symbol), key=lambda one: one.since)
    if not spans:
        return (symbol,)
    owner = next((one for one in spans if one.since <= day <= one.until), None)
    if owner is not None:
        return (_stored(listings, owner),)
    known = next((one for one in spans if one.since > day), spans[-1])
    then = next((one for one in listings if one.company == known.company and one.since <= day <= one.until), None)
    if then is not None:
        return (_stored(listings, then), _stored(listings, known))
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

"""Quotes as rows: shared by `sp quote` and `sp watch`."""

from __future__ import annotations

from collections.abc import Sequence

from stockpulse_engine.cli.link import engine
from stockpulse_engine.cli.output import emit_json, emit_table, number
from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.market import Quote

QUOTE_HEADINGS = ("instrument", "bid", "ask", "size", "last", "volume", "source", "time")


def show_quotes(symbols: Sequence[str], *, as_json: bool) -> None:
    """Print the quotes of `symbols`.

    Raises:
        NotFoundError: none of them has a quote yet.
    """
    quotes = engine().quotes(tuple(symbols))
    if as_json:
        emit_json(quotes)
    elif quotes:
        emit_table(QUOTE_HEADINGS, [quote_row(one) for one in quotes])
    if not quotes:
        raise NotFoundError(f"No quote of {', '.join(symbols)} yet.", fix="Try again when the market moves.")


def quote_row(one: Quote) -> list[str]:
    """The cells of a quote under `QUOTE_HEADINGS`."""
    from stockpulse_engine.render.format import iso_utc

    return [
        one.instrument_id,
        number(one.bid),
        number(one.ask),
        f"{number(one.bid_size)} × {number(one.ask_size)}",
        number(one.last),
        number(one.volume),
        one.source,
        iso_utc(one.ts_event)[11:23],
    ]

"""`sp watch`: quotes as they change, straight from the stream."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.cli.link import engine, paths
from stockpulse_engine.cli.output import emit, emit_json_line, say
from stockpulse_engine.cli.quotes import QUOTE_HEADINGS, quote_row
from stockpulse_engine.client.stream import LinkState, StreamLink
from stockpulse_engine.domain.market import Quote

RATE_MS = 100
_WIDTHS = (12, 11, 11, 16, 11, 14, 8, 12)


def follow_quotes(symbols: list[str], *, count: int, as_json: bool) -> None:
    """Print each change of the named instruments (all when none is named) until `count` or Ctrl-C."""
    found = engine().quotes(tuple(symbols))  # with or without names: this is what starts an engine that is down
    wanted = {quote.instrument_id for quote in found} if symbols else set()
    topics = tuple(f"quote:{key}" for key in sorted(wanted)) or ("quotes",)
    if not as_json:
        emit("  ".join(name.rjust(width) for name, width in zip(QUOTE_HEADINGS, _WIDTHS, strict=True)))
    asyncio.run(_follow(topics, count, as_json=as_json))


async def _follow(topics: tuple[str, ...], count: int, *, as_json: bool) -> None:
    link = StreamLink(paths(), topics=topics, kind="cli", rate_ms=RATE_MS, role="viewer")
    printed, told = 0, ""
    async with aclosing(link.events()) as events:
        async for event in events:
            if isinstance(event, LinkState):
                words = clean_line(event.detail) if event.state == "lost" else told
                if words != told:  # it is asked again every moment; the same sentence once is enough
                    say(f"… {words}")
                told = "" if event.state == "live" else words
                continue
            for quote in event.quotes:
                _print(quote, as_json=as_json)
                printed += 1
                if printed == count:
                    return


def _print(quote: Quote, *, as_json: bool) -> None:
    if as_json:
        emit_json_line(quote)
    else:
        cells = map(clean_line, quote_row(quote))
        emit("  ".join(cell.rjust(width) for cell, width in zip(cells, _WIDTHS, strict=True)))

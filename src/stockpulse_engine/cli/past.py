"""`--at`: what was known at a moment, for the commands that read what is now."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from stockpulse_engine.cli.link import engine
from stockpulse_engine.cli.output import emit_json, emit_table, number, say
from stockpulse_engine.client import past
from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.past import KnownQuote

AtMoment = Annotated[
    str,
    typer.Option(
        "--at",
        metavar="MOMENT",
        help="As it was known then: 11:32, -5m, 2013-10-07 11:32, yesterday close (exchange time without a zone).",
    ),
]
HEADINGS = ("instrument", "bid", "ask", "last", "prev close", "low", "high", "volume", "from", "age")


def moment(at: str) -> str:
    """The moment as every request takes it; what it means is told on stderr."""
    found = engine().send(past.moment(at))
    say(f"as it was known {found.words}")
    return str(found.at_ns)


def books_moment(at: str) -> str:
    """The same, once the journal was read up to it; a long one is told how far it is, and Ctrl-C gives it up."""
    at_ns, told = moment(at), ""
    while True:
        view = engine().send(past.view(at_ns))
        if view.is_ready:
            if told:
                say("")
            for note in view.notes:
                say(note)
            return at_ns
        if sys.stderr.isatty():
            told = f"… {view.step} ({view.done:.0%})"
            sys.stderr.write(f"\r{told:<78}")
            sys.stderr.flush()


def show_known_quotes(symbols: list[str], at: str, *, as_json: bool) -> None:
    """Print what was known of prices; a row of which nothing is held says so.

    Raises:
        NotFoundError: nothing was known of any of them.
    """
    at_ns = moment(at)
    known = engine().send(past.quotes(tuple(symbols), at_ns))
    if as_json:
        emit_json(known)
    else:
        emit_table(HEADINGS, [_row(one, int(at_ns)) for one in known], left=(0, 8))
        for one in known:
            if one.note:
                say(f"{one.instrument_id}: {one.note}")
    if all(one.quote is None for one in known):
        raise NotFoundError("Nothing was known of it then.", fix="`sp coverage` lists what is held.")


def _row(one: KnownQuote, at_ns: int) -> list[str]:
    from stockpulse_engine.render.format import format_age

    quote = one.quote
    if quote is None:
        return [one.instrument_id, *["·"] * 7, "not held", "·"]
    return [
        one.instrument_id,
        number(quote.bid if quote.bid_size else None),
        number(quote.ask if quote.ask_size else None),
        number(quote.last),
        number(one.previous_close),
        number(one.low),
        number(one.high),
        number(quote.volume),
        f"{one.made_of} of {one.source}",
        format_age(at_ns - one.known_at),
    ]

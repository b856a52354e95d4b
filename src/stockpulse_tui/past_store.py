"""What a head shows of a moment, as the same fold of one frame that it shows now as. Pure."""

from __future__ import annotations

from typing import Final

from stockpulse_engine.domain.past import KnownQuote, PastView
from stockpulse_engine.render.format import format_age
from stockpulse_engine.wire.stream import Frame
from stockpulse_tui.store import Store

OLD_OPEN_NS: Final = 900 * 1_000_000_000
OLD_CLOSED_NS: Final = 4 * 86_400 * 1_000_000_000
"""A price that is this much older than the moment says so, while the market was open and while it was not."""
NOT_HELD: Final = "not held"


def past_store(view: PastView) -> Store:
    """A store that knows what was known; nothing is ever folded into it again."""
    store = Store()
    books = view.books
    store.apply(
        Frame(
            seq=1,
            sent_at=view.moment.at_ns,
            kind="snapshot",
            instruments=view.instruments,
            quotes=tuple(one.quote for one in view.quotes if one.quote is not None),
            references={one.instrument_id: _reference(one) for one in view.quotes},
            sparks={one.instrument_id: one.spark for one in view.quotes if one.spark},
            news=tuple(reversed(view.news)),
            orders=tuple(reversed(books.orders)) if books is not None else (),
            fills=tuple(reversed(books.fills)) if books is not None else (),
            positions=books.positions if books is not None else (),
            accounts=books.accounts if books is not None else (),
            clock=view.clock,
        )
    )
    for instrument in reversed(view.instruments):  # of two with one symbol the world's own counts: it comes first
        store.by_symbol[instrument.symbol] = instrument
    is_open = view.clock is not None and view.clock.phase == "OPEN"
    for one in view.quotes:
        words = _missing(one, view.moment.at_ns, is_open=is_open)
        if words:
            store.notes[one.instrument_id] = words
    return store


def _reference(known: KnownQuote) -> tuple[str, str, str]:
    values = (known.previous_close, known.low, known.high)
    if any(value is None for value in values):
        return ("", "", "")
    return (str(values[0]), str(values[1]), str(values[2]))


def _missing(known: KnownQuote, at_ns: int, *, is_open: bool) -> str:
    """What the row says over its last columns; "" for a price of that time."""
    if known.quote is None:
        return NOT_HELD
    age = at_ns - known.known_at
    return f"{format_age(age)} old" if age > (OLD_OPEN_NS if is_open else OLD_CLOSED_NS) else ""

"""`?`: what the number under the cursor is, where it came from, how old it is, and how to compute it again."""

from __future__ import annotations

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.views import Explanation
from stockpulse_engine.render.format import format_age
from stockpulse_engine.render.span import Line, Span, wrap_line
from stockpulse_tui.cell import Cell
from stockpulse_tui.painter import cells
from stockpulse_tui.store import Store
from stockpulse_tui.widgets.board_row import BoardRow

NAME_WIDTH = 22
SHEET_WIDTH = 72
"""Cells of a row of text in the narrowest window."""
MAX_INPUTS = 24


def explain_lines(cell: Cell, told: Explanation | None, market_ns: int, width: int = SHEET_WIDTH) -> list[Line]:
    """The engine's explanation where there is one, else what this head knows by itself; nothing of it is cut."""
    if told is not None:
        source, age, formula, inputs, value = told.source, told.age_ns, told.formula, told.inputs, told.value
    else:
        source, formula, inputs, value = cell.source, cell.formula, cell.inputs, cell.value
        age = market_ns - cell.ts_event if cell.ts_event else -1
    rows = [("shown", cell.value, "strong")]
    if value != cell.value:
        rows.append(("engine says now", value, "strong"))
    rows.append(("source", source or "this head", "text"))
    rows.append(("age", format_age(age) if age >= 0 else "no time known", "text"))
    rows.append(("formula", formula or "as sent, not computed", "text"))
    given = [(f"  {cells(clean_line(name, 40))}", text, "text") for name, text in list(inputs.items())[:MAX_INPUTS]]
    left = max(len(name) for name, _, _ in [*rows, *given]) + 2
    lines = [line for row in rows for line in _wrapped(*row, left, width)]
    lines += [(), (Span("inputs", "muted"),)] if given else []
    return lines + [line for row in given for line in _wrapped(*row, left, width)]


def _wrapped(name: str, text: str, token: str, left: int, width: int) -> list[Line]:
    """A name, and its text on as many rows as it needs."""
    rows = wrap_line((Span(cells(clean_line(text, 400)), token),), max(12, width - left))
    return [(Span((name if i == 0 else "").ljust(left), "muted"), *row) for i, row in enumerate(rows)]


def describe_lines(store: Store, instrument: Instrument, market_ns: int) -> list[Line]:
    """DES: what an instrument is, where it trades, and how it stands now."""
    row = BoardRow(instrument.symbol, instrument)
    row.update(store)
    row.update_slow(store, 0.0, "")
    status = store.statuses.get(instrument.instrument_id)
    quote = row.quote
    lines = [
        (Span(cells(clean_line(instrument.name, 60)), "strong", bold=True),),
        (),
        _row("id", instrument.instrument_id, "text"),
        _row("kind", instrument.asset_class.value.lower(), "text"),
        _row("sector", cells(clean_line(instrument.sector, 30)) or "·", "text"),
        _row("currency, tick, lot", f"{instrument.currency}  {instrument.tick_size}  {instrument.lot_size}", "text"),
        _row("phase", status.phase.value.lower().replace("_", " ") if status else "·", "text"),
        (),
    ]
    texts = row.texts()
    lines += [_row(name, texts[name], "strong") for name in ("last", "chg%", "bp", "low", "high")]
    if quote is not None:
        lines += [
            _row("bid × size", f"{quote.bid} × {quote.bid_size:,}", "buy"),
            _row("ask × size", f"{quote.ask} × {quote.ask_size:,}", "sell"),
            _row("age", format_age(market_ns - quote.ts_event), "text"),
        ]
    held = store.held(instrument.instrument_id)
    return [*lines, _row("you hold", f"{held:,}" if held else "nothing", "strong" if held else "muted")]


def _row(name: str, text: str, token: str) -> Line:
    return (Span(f"{name:<{NAME_WIDTH}}", "muted"), Span(cells(clean_line(text, 200)), token))

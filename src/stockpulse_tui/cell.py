"""What is under the cursor: enough to copy it, explain it and act on it."""

from __future__ import annotations

import msgspec


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One cell of a pane.

    Attributes:
        name: what the column is called (`last`, `chg%`, `open P&L`).
        value: the text as shown.
        instrument_id: the row's instrument, "" without one.
        market_name: name under which the engine explains it (`MarketPort.explain`), "" when only this head knows.
        source, formula, inputs, ts_event: the explanation this head can give by itself.
        row: the whole row, name → text, for `Y`.
    """

    name: str
    value: str
    instrument_id: str = ""
    market_name: str = ""
    source: str = ""
    formula: str = ""
    inputs: dict[str, str] = {}
    ts_event: int = 0
    row: dict[str, str] = {}

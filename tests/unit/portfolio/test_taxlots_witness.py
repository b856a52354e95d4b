"""FIFO against a witness: the published results of another program (rp2), disposal by disposal, lot by lot."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from stockpulse_engine.portfolio.ledger import Ledger
from tests.fakes.portfolio_build import D, fill, filled, opened, terms

Row = dict[str, str]
CASES = [("rp2_test_data", sheet) for sheet in ("B2", "B3", "B4")]
CASES += [("rp2_test_data2", sheet) for sheet in ("B1", "B2", "B3", "B4")]


def read(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(path.read_text())
    return rows


def moment(row: Row) -> tuple[datetime, int]:
    stamp = datetime.fromisoformat(row["Timestamp"])
    return stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC), 0 if row["table"] == "IN" else 1


def acquired(row: Row) -> tuple[Decimal, Decimal]:
    """Quantity and cost with the fee in it, as that program counts it."""
    quantity = D(row["Crypto In"])
    return quantity, D(row.get("USD In (With Fee)") or quantity * D(row["Spot Price"]) + D(row["USD Fee"]))


def disposed(row: Row) -> tuple[Decimal, Decimal]:
    """Quantity that left and its proceeds; of a move only what was lost on the way."""
    if row["table"] == "INTRA":
        lost = D(row["Crypto Sent"]) - D(row["Crypto Received"])
        return lost, lost * D(row.get("Spot Price") or "0")
    out, fee = D(row["Crypto Out"]), D(row["Crypto Fee"])
    taxed = out if row["Transaction Type"].lower() == "sell" else out + fee
    return out + fee, taxed * D(row["Spot Price"])


def replay(rows: list[Row]) -> list[tuple[Decimal, Decimal]]:
    """(quantity, gain) of each income and each part of a lot closed, in order of time, from our ledger."""
    ledger, seen = Ledger(), list[tuple[Decimal, Decimal]]()
    ledger.apply(opened())
    for number, row in enumerate(sorted(rows, key=moment)):
        if row["table"] == "IN":
            quantity, cost = acquired(row)
            signed, price = quantity, cost / quantity
            if row["Transaction Type"].lower() == "interest":
                seen.append((quantity, cost))
        else:
            quantity, proceeds = disposed(row)
            if not quantity:
                continue
            signed, price = -quantity, round(proceeds / quantity, 12)
            parts = ledger.preview_close(terms(f"{signed:f}"), price)
            seen += [(part.quantity, part.realized) for part in parts]
        ledger.apply(filled(fill(f"f{number}", f"{signed:f}", f"{price:f}", at=number + 1)))
    return seen


def published(rows: list[dict[str, Any]], sheet: str) -> list[tuple[Decimal, Decimal]]:
    tax = [row for row in rows if row["sheet"] == f"{sheet} Tax"]
    start = next(row["row"] for row in tax if row["cells"][0] == "Gain / Loss Detail") + 3
    return [(D(row["cells"][0]), D(row["cells"][3])) for row in tax if row["row"] >= start]


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "sheet"), CASES)
def test_fifo_parts_and_gains_equal_the_published_ones(shared: Path, name: str, sheet: str) -> None:
    folder = shared / "data" / "expected" / "taxlots"
    rows = [row for row in read(folder / f"{name}_input.json") if row["sheet"] == sheet]
    ours, theirs = replay(rows), published(read(folder / f"{name}_fifo_expected.json"), sheet)
    assert [quantity for quantity, _ in ours] == [quantity for quantity, _ in theirs]
    for (_, gain), (_, expected) in zip(ours, theirs, strict=True):
        assert abs(gain - expected) < D("0.000001")

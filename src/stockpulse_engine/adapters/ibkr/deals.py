"""Executions: each once, with its cost, and what later statements make of it.

An execution's id ends in the number of its statement: `….01` is the first, `….02` corrects it. Its commission comes
in a message of its own, mostly at once; one that is late is told as a correction of the same execution.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from msgspec import structs

from stockpulse_engine.adapters.ibkr.known import Entry
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.money import ZERO

MOST: Final = 50_000
LATE_FEE: Final = "+fee"


@dataclass(eq=False)
class Deal:
    """One execution as it stands. `fill` is as told last; `seq` the number of that report, 0 before it was told."""

    entry: Entry
    statement: int
    fill: Fill
    fee: Decimal | None = None
    seq: int = 0
    is_gone: bool = False


class Deals:
    """All that is known, by what their ids begin with."""

    def __init__(self) -> None:
        self._deals: dict[str, Deal] = {}
        self._early_fees: dict[str, Decimal] = {}

    def get(self, exec_id: str) -> Deal | None:
        """The execution of which this is a statement."""
        return self._deals.get(split_id(exec_id)[0])

    def put(self, exec_id: str, deal: Deal) -> None:
        """Keep one."""
        self._deals[split_id(exec_id)[0]] = deal
        deal.fee = self._early_fees.pop(exec_id, deal.fee)
        if len(self._deals) > MOST:
            del self._deals[next(iter(self._deals))]

    def keep_fee(self, exec_id: str, fee: Decimal) -> None:
        """A commission that came before its execution."""
        self._early_fees[exec_id] = fee
        if len(self._early_fees) > MOST:
            del self._early_fees[next(iter(self._early_fees))]

    def untold(self, entry: Entry | None = None) -> list[Deal]:
        """Those that wait for their commission."""
        return [one for one in self._deals.values() if not one.seq and entry in (None, one.entry)]

    def all(self) -> Iterable[Deal]:
        """Those that stand."""
        return tuple(one for one in self._deals.values() if not one.is_gone)


def split_id(exec_id: str) -> tuple[str, int]:
    """What an execution's id begins with, and the number of the statement."""
    base, _, last = exec_id.rpartition(".")
    return (base, int(last)) if base and last.isdigit() else (exec_id, 1)


def first_id(exec_id: str) -> str:
    """The id of the first statement: what every later one restates, whichever of those between was heard."""
    base, _, last = exec_id.rpartition(".")
    return f"{base}.{1:0{len(last)}d}" if base and last.isdigit() else exec_id


def with_fee(fill: Fill, fee: Decimal | None) -> Fill:
    """The fill with what it cost, as far as it is known."""
    return structs.replace(fill, fee=fee if fee is not None else ZERO)

"""What the gate answers: one row per check, and the reason when it says no."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.risk.codes import DenialCode

OK, READ, DENIED = "ok", "read", "denied"


class CheckRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Outcome of one check. `verdict` is ok, read (allowed, but worth reading) or denied."""

    name: str
    verdict: str
    text: str
    code: DenialCode | None = None
    fix: str = ""
    numbers: dict[str, str] = {}
    nearest: Decimal | None = None
    """The largest quantity this check would pass; None when no quantity helps."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the order may leave, and why not.

    Attributes:
        code: of the first denied check, in the gate's order.
        nearest_quantity: the largest smaller quantity that passes every check; None when there is none.
        rows: every check that was made, in the gate's order.
    """

    is_allowed: bool
    rows: tuple[CheckRow, ...]
    code: DenialCode | None = None
    sentence: str = ""
    fix: str = ""
    nearest_quantity: Decimal | None = None

    @property
    def denial(self) -> str:
        """The code as text, "" when allowed."""
        return self.code.value if self.code is not None else ""

    @property
    def needs_reading(self) -> bool:
        """Allowed, but at least one check wants to be read."""
        return self.is_allowed and any(row.verdict == READ for row in self.rows)

"""The session's report draws its equity, as text that any reader of Markdown shows."""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.bootstrap.jobs import equity_plot
from stockpulse_engine.domain.views import DayReview, EquityPoint

OPEN = 1_795_185_000_000_000_000
MINUTE = 60_000_000_000
ZERO = Decimal(0)


def session(*curve: EquityPoint) -> DayReview:
    return DayReview(
        account_id="main", session_date="2026-11-20", equity_open=ZERO, equity_now=ZERO, realized=ZERO, fees=ZERO,
        spread_cost=ZERO, slippage=ZERO, orders=(), refusals=(), kills_survived=0, curve=curve,
    )  # fmt: skip


def test_the_equity_of_a_session_is_drawn_from_its_first_point_to_its_last() -> None:
    points = [EquityPoint(OPEN + n * MINUTE, Decimal(100_000 + n), Decimal(0)) for n in range(30)]
    page = equity_plot(session(*points))
    rows = page.splitlines()
    assert (rows[0], rows[2], rows[-1]) == ("## Equity", "```", "```")
    assert "100,029" in page
    assert rows[-2].split() == ["09:30:00.000", "09:59:00.000"]
    assert all(row == row.rstrip() for row in rows)


def test_a_session_without_a_curve_has_no_drawing() -> None:
    assert equity_plot(session()) == ""

"""Risk of an account that trades a little: limits of every fullness, a raise that waits, a drill of the kill switch."""

from __future__ import annotations

from decimal import Decimal

from msgspec import structs

from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.errors import ForbiddenError, InvalidValueError, NotFoundError
from stockpulse_engine.domain.risk import (
    ExposureRow,
    KillProof,
    LimitAnswer,
    LimitRow,
    LossStop,
    PausedRow,
    RiskView,
    WaitingRaise,
)
from stockpulse_engine.domain.views import HaltView
from stockpulse_engine.wire.risk import ReleaseLoss, SetLimit

D = Decimal
SECOND = 1_000_000_000
NOW = 1_700_000_000 * SECOND
DAY = 86_400 * SECOND

_FULL = (
    ("max_position_weight", "AAPL weight", "0.25", "23.8 %", "25 %", "0.952", "denies opening", "AAPL.XNAS"),
    ("max_open_orders", "open orders", "8", "6", "8", "0.75", "denies", ""),
    ("max_net", "net exposure", "1.25", "68.3 %", "125 %", "0.5464", "denies opening", ""),
    ("max_gross", "gross exposure", "1.50", "78.1 %", "150 %", "0.5207", "denies opening", ""),
    ("daily_loss_fraction", "day loss", "0.03", "1,204.10", "3,000.00", "0.4014", "reduces only", ""),
    ("max_order_notional", "TSLA order notional", "100000", "10,445.00", "100,000.00", "0.1045", "denies", "TSLA.XNAS"),
    ("max_drawdown_fraction", "drawdown", "0.15", "1,310.55", "15,721.86", "0.0834", "reduces only", ""),
    ("max_orders_per_second", "orders / s", "20", "1", "20", "0.05", "denies", ""),
    ("max_orders_per_day", "orders / day", "5000", "41", "5,000", "0.0082", "denies", ""),
    ("max_strategy_orders_per_day", "strategy orders / day", "200", "0", "200", "0", "denies", ""),
)
_PLAIN = (
    ("collar_fraction", "price collar", "0.05", "5 %", "denies"),
    ("duplicate_window_ms", "same order again within", "2000", "2 s", "asks twice"),
    ("max_quote_age_ms", "quote age", "10000", "10 s", "denies"),
    ("restricted", "restricted", '["GME.XNYS"]', "GME.XNYS", "denies"),
)


def risk_view() -> RiskView:
    """A usual morning."""
    full = tuple(
        LimitRow(
            key=key, title=title, value=value, used=used, limit=limit, fraction=D(fraction), effect=effect,
            subject=subject, source="set by tui/trader" if key == "max_open_orders" else "default",
            scope="strategy" if "strategy" in key else "", name="trend" if "strategy" in key else "",
        )
        for key, title, value, used, limit, fraction, effect, subject in _FULL
    )  # fmt: skip
    plain = tuple(
        LimitRow(key=key, title=title, value=value, limit=limit, effect=effect, source="default")
        for key, title, value, limit, effect in _PLAIN
    )
    raised = WaitingRaise(
        change_id="R-raise-1", key="max_gross", title="gross exposure", old="1.50", new="1.80",
        acts_at=NOW + 41 * SECOND, recorded_at=NOW - 19 * SECOND, actor="cli/admin", reason="month end",
    )  # fmt: skip
    weights = (("AAPL.XNAS", "100", "23212", "0.2221", "0.2381", "1"), ("MSFT.XNAS", "60", "21684", "0.2075", "0.2075", "0.9342"),
               ("NVDA.XNAS", "150", "17820", "0.1705", "0.2", "0.7677"), ("SPY.ARCX", "-12", "-5988", "-0.0573", "0.0573", "-0.258"),
               ("TSLA.XNAS", "0", "0", "0", "0.0999", "0"))  # fmt: skip
    exposures = tuple(
        ExposureRow(
            instrument_id=name, quantity=D(quantity), value=D(value), weight=D(weight), worst=D(worst), bar=D(bar)
        )
        for name, quantity, value, weight, worst, bar in weights
    )
    return RiskView(
        account_id="main", currency="USD", as_of=NOW, wall_ns=NOW, state=TradingState.ACTIVE,
        halt=HaltView(state=TradingState.ACTIVE, reason="", since=NOW - DAY, actor="engine", is_latched=False),
        limits=(*full, *plain), waiting=(raised,), exposures=exposures,
        paused=(PausedRow(instrument_id="GME.XNYS", count=3, reason="NOT_SHORTABLE", probe_at=NOW + 22 * SECOND),),
        stops=(),
        kill=KillProof(
            halted_at=NOW - 3 * DAY, reason="drill", actor="tui/trader", resumed_at=NOW - 3 * DAY + 9 * SECOND, count=2
        ),
        equity=D("103501.85"), equity_open=D("104705.95"), peak=D("104812.40"), fall=D("1310.55"),
        day_pnl=D("-1204.10"), day_fraction=D("-0.0115"), loss_left=D("1795.90"), gross=D("68704"),
        gross_weight=D("0.6638"), net=D("56728"), net_weight=D("0.5481"), open_worst=D("11310.20"),
        open_notional=D("15117"), open_orders=6, unknown_worst=D("4642.40"), unknown_orders=1,
    )  # fmt: skip


def stopped_view() -> RiskView:
    """The daily loss has acted."""
    stop = LossStop(
        kind="daily loss",
        amount=D("3010.20"),
        limit=D(3000),
        since=NOW - 600 * SECOND,
        until="the next session, or RELEASE",
    )
    return structs.replace(
        risk_view(), state=TradingState.REDUCING, stops=(stop,), day_pnl=D("-3010.20"), loss_left=D(0)
    )


class FakeRisk:
    """Satisfies `api.risk.RiskPort`."""

    def __init__(self, effects: list[str] | None = None) -> None:
        self.effects = effects if effects is not None else []
        self.shown = risk_view()

    def view(self, account_id: str = "", *, strategy: str = "", instrument_id: str = "") -> RiskView:
        """What it is set to; narrower limits where a strategy is named."""
        rows = self.shown.limits
        if strategy or instrument_id:
            rows = tuple(row for row in rows if row.fraction is None or row.subject in ("", instrument_id))
        return structs.replace(self.shown, limits=rows, account_id=account_id or "main")

    async def set_limit(self, wish: SetLimit, actor: str, *, may_raise: bool) -> LimitAnswer:
        """Numbers above what is there are raises."""
        row = next((one for one in self.shown.limits if one.key == wish.key), None)
        if row is None:
            raise InvalidValueError(f"{wish.key} is not a limit.", fix="See `sp limits`.")
        looser = D(wish.value) > D(row.value)
        if looser and not may_raise:
            raise ForbiddenError(
                f"This raises {wish.key} of all from {row.value} to {wish.value}: that is an admin's to do.",
                fix="Use the admin token; it acts after 60 s.",
            )
        self.effects.append(" ".join(f"limit {wish.key} {wish.value} {wish.scope} {wish.name}".split()))
        acts_at = NOW + 60 * SECOND if looser else NOW
        return LimitAnswer(
            change_id=wish.request_id, key=wish.key, old=row.value, new=wish.value, acts_at=acts_at, waits=looser,
            scope=wish.scope, name=wish.name,
        )  # fmt: skip

    async def withdraw(self, change_id: str, actor: str) -> LimitAnswer:
        """Takes the raise back."""
        found = next((one for one in self.shown.waiting if one.change_id.startswith(change_id)), None)
        if found is None:
            raise NotFoundError(f"No raise {change_id!r} waits.", fix="`sp limits waiting` lists those that do.")
        self.effects.append(f"withdraw {found.change_id}")
        return LimitAnswer(
            change_id=found.change_id, key=found.key, old=found.old, new=found.new, acts_at=0, waits=False
        )

    async def release(self, wish: ReleaseLoss, actor: str) -> RiskView:
        """Frees."""
        if wish.word != "RELEASE":
            raise ForbiddenError("To free main type the word RELEASE.", fix="Type RELEASE in capital letters.")
        self.effects.append(f"release {wish.account_id}".strip())
        self.shown = structs.replace(self.shown, stops=(), state=TradingState.ACTIVE)
        return self.shown

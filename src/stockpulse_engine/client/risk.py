"""Requests about risk and limits, for either client's `send`."""

from __future__ import annotations

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.client.call import Call, get, post
from stockpulse_engine.domain.risk import LimitAnswer, RiskView
from stockpulse_engine.wire.risk import ReleaseLoss, SetLimit, WithdrawLimit


def risk(account_id: str = "", *, strategy: str = "", instrument: str = "") -> Call[RiskView]:
    """Limits, exposure and what waits."""
    return get("/v1/risk", RiskView, account=account_id, strategy=strategy, instrument=instrument)


def set_limit(wish: SetLimit, role: str = "trader") -> Call[LimitAnswer]:
    """Set one limit; a looser one needs the role admin."""
    return post("/v1/limits", LimitAnswer, wish, role)


def withdraw_limit(change_id: str, request_id: str = "") -> Call[LimitAnswer]:
    """Take back a raise that waits."""
    body = WithdrawLimit(request_id=request_id or new_id("R"), change_id=change_id)
    return post("/v1/limits/withdraw", LimitAnswer, body, "trader")


def release_loss(word: str, *, account_id: str = "", reason: str = "", request_id: str = "") -> Call[RiskView]:
    """Free an account of what its loss limits stopped."""
    body = ReleaseLoss(request_id=request_id or new_id("R"), word=word, account_id=account_id, reason=reason)
    return post("/v1/limits/release", RiskView, body, "admin")

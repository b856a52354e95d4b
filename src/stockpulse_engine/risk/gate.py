"""The pre-trade gate: every order passes here, or does not leave.

`check` is pure and total: the same inputs give the same verdict, nothing is raised, and a check that can not be
made denies.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec

from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import OrderTerms
from stockpulse_engine.risk import checks_flow as flow
from stockpulse_engine.risk import checks_market as market
from stockpulse_engine.risk import checks_money as money
from stockpulse_engine.risk import checks_terms as instruction
from stockpulse_engine.risk.codes import DenialCode
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.proposal import MissingInputError, Proposal
from stockpulse_engine.risk.rows import amount, denied
from stockpulse_engine.risk.verdict import DENIED, CheckRow, Verdict
from stockpulse_engine.risk.view import GateView

Check = Callable[[Proposal], CheckRow]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("numbers", instruction.check_finite),
    ("kind", instruction.check_supported),
    ("prices", instruction.check_prices),
    ("instrument", instruction.check_instrument),
    ("trading state", flow.check_trading_state),
    ("reconciled", flow.check_reconciled),
    ("armed", flow.check_armed),
    ("session", market.check_session),
    ("increments", instruction.check_increments),
    ("quote", market.check_quote),
    ("last price", market.check_last_price),
    ("collar", market.check_collar),
    ("stop side", market.check_stop_side),
    ("bracket", instruction.check_protection),
    ("reduce-only", money.check_reduce_only),
    ("short", money.check_short),
    ("quantity", money.check_quantity),
    ("notional", money.check_notional),
    ("smallest", money.check_smallest),
    ("volume", money.check_volume),
    ("buying power", money.check_buying_power),
    ("weight", money.check_weight),
    ("gross", money.check_gross),
    ("net", money.check_net),
    ("daily loss", money.check_daily_loss),
    ("drawdown", money.check_drawdown),
    ("duplicate", flow.check_duplicate),
    ("rejections", flow.check_rejections),
    ("rate", flow.check_rate),
    ("strategy rate", flow.check_strategy_rate),
    ("open orders", flow.check_open_orders),
    ("self-cross", flow.check_self_cross),
)
"""Every check, in the order in which the first refusal is told."""

_TRIES = 3
"""How often a suggested quantity is put before the gate again, before no quantity is suggested."""


def check(
    terms: OrderTerms,
    view: GateView,
    limits: Limits,
    *,
    allow_duplicate: bool = False,
    bracket: tuple[Decimal | None, Decimal | None] = (None, None),
) -> Verdict:
    """Say whether the order may leave.

    Args:
        terms: the instruction; a modified order passes its new terms with what is left to execute.
        view: what is known now.
        limits: what is allowed.
        allow_duplicate: the owner means the same order twice.
        bracket: take and stop price of a bracket around it.

    Returns:
        The verdict with one row per check. Never raises.
    """
    proposal = Proposal(terms, view, limits, allow_duplicate=allow_duplicate, bracket=bracket)
    rows = tuple([_run(name, make, proposal) for name, make in CHECKS])
    refusals = [row for row in rows if row.verdict == DENIED]
    if not refusals:
        return Verdict(is_allowed=True, rows=rows)
    first, nearest = refusals[0], _nearest(proposal, refusals)
    return Verdict(
        is_allowed=False,
        rows=rows,
        code=first.code,
        sentence=first.text,
        fix=_fix(first, nearest),
        nearest_quantity=nearest,
    )


def passes(
    terms: OrderTerms,
    view: GateView,
    limits: Limits,
    *,
    allow_duplicate: bool = False,
    bracket: tuple[Decimal | None, Decimal | None] = (None, None),
) -> bool:
    """`check(...).is_allowed` of the same arguments without the words, for the many orders of which nobody reads them.

    Never raises.
    """
    order = Proposal(terms, view, limits, allow_duplicate=allow_duplicate, bracket=bracket, is_silent=True)
    try:
        for _, holds in CHECKS:
            if holds(order).verdict == DENIED:
                return False
    except Exception:  # noqa: BLE001 - a check that fails in any way denies; `check` says which
        return False
    return True


def _fix(first: CheckRow, nearest: Decimal | None) -> str:
    """The fix of the first refusal, with the quantity that passes every check and not only its own."""
    if nearest is None or first.code is None:
        return first.fix
    return first.code.fix.format(**{**first.numbers, "nearest": amount(nearest)})


def _run(name: str, make: Check, proposal: Proposal) -> CheckRow:
    """One check; whatever goes wrong inside it is a denial."""
    try:
        return make(proposal)
    except MissingInputError as missing:
        return denied(name, missing.code, nearest=None, **{"check": name, **missing.words})
    except Exception as error:  # noqa: BLE001 - a check that fails in any way denies, that is the point
        return denied(name, DenialCode.CANNOT_CHECK, check=name, problem=type(error).__name__)


def _nearest(proposal: Proposal, refusals: list[CheckRow]) -> Decimal | None:
    """The largest smaller quantity that passes every check, proven by asking the gate again."""
    terms = proposal.terms
    for _ in range(_TRIES):
        offers = [row.nearest for row in refusals if row.nearest is not None]
        if len(offers) < len(refusals):
            return None
        quantity = min(offers)
        if quantity <= ZERO or quantity >= terms.quantity:
            return None
        terms = msgspec.structs.replace(terms, quantity=quantity)
        smaller = Proposal(
            terms,
            proposal.view,
            proposal.limits,
            allow_duplicate=proposal.allow_duplicate,
            bracket=proposal.bracket,
        )
        refusals = [row for name, make in CHECKS if (row := _run(name, make, smaller)).verdict == DENIED]
        if not refusals:
            return quantity
    return None

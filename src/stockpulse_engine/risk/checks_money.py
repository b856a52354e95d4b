"""Checks of size and money. An order that can only reduce passes those on exposure: an exit is never blocked."""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.domain.accounts import AccountType
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Side
from stockpulse_engine.portfolio.margin import free_funds, opening_rate
from stockpulse_engine.risk.codes import DenialCode
from stockpulse_engine.risk.proposal import SILENT, Proposal
from stockpulse_engine.risk.rows import amount, denied, money, passed, percent, to_read
from stockpulse_engine.risk.verdict import CheckRow

NEAR = Decimal("0.8")
"""From this part of a limit on, the row asks to be read."""
_NOT_ASKED = passed("reduce-only", "not asked for")
_NOT_SHORT = passed("short", "does not go short")
_NO_VOLUME = to_read("volume", "average daily volume is not known")


def check_reduce_only(order: Proposal) -> CheckRow:
    """A reduce-only order, with what is already closing, is no larger than the position (L10)."""
    if not order.terms.is_reduce_only:
        return _NOT_ASKED
    if order.is_reducing:
        text = "closes {} of {}"
        return order.holds("reduce-only", lambda: text.format(amount(order.terms.quantity), amount(abs(order.held))))
    working = max(ZERO, -order.held * order.terms.side.sign) - order.closable
    return denied(
        "reduce-only",
        DenialCode.REDUCE_ONLY,
        nearest=order.to_lot(order.closable),
        quantity=amount(order.terms.quantity),
        held=amount(order.held),
        working=amount(working),
    )


def check_short(order: Proposal) -> CheckRow:
    """Selling beyond what is held goes short: never in a cash account, and only where a locate is assumed."""
    if order.terms.side is not Side.SELL or order.is_reducing:
        return _NOT_SHORT
    numbers = {"quantity": amount(order.terms.quantity), "spare": amount(order.closable)}
    nearest = order.to_lot(order.closable)
    if order.account.account_type is AccountType.CASH:
        return denied("short", DenialCode.NO_SHORT, nearest=nearest, **numbers)
    if not order.instrument.shortable:
        name = order.terms.instrument_id
        return denied("short", DenialCode.NO_LOCATE, nearest=nearest, instrument=name, **numbers)
    text = "{} may be sold short; a locate is assumed"
    return order.to_read("short", lambda: text.format(amount(order.opening)), lambda: numbers)


def check_notional(order: Proposal) -> CheckRow:
    """Money of the order at its worst price."""
    limit, notional = order.limits.max_order_notional, order.notional
    if order.is_silent and notional <= limit:
        return SILENT

    def numbers() -> dict[str, str]:
        return {"notional": money(notional), "limit": money(limit)}

    if notional > limit and not _is_exit(order):
        return denied("notional", DenialCode.MAX_NOTIONAL, nearest=order.to_lot(limit / order.worst), **numbers())
    say = order.to_read if notional >= order.limits.confirm_notional else order.holds
    return say("notional", lambda: f"{money(notional)} of {money(limit)}", numbers)


def check_smallest(order: Proposal) -> CheckRow:
    """An order that opens is worth sending; the rest of a position may always be closed."""
    if order.is_reducing:
        return order.holds("smallest", _only_reduces)
    limit, notional = order.limits.min_order_notional, order.notional
    if notional < limit:
        return denied("smallest", DenialCode.MIN_NOTIONAL, notional=money(notional), limit=money(limit))
    return order.holds("smallest", lambda: f"{money(notional)}, at least {money(limit)}")


def check_quantity(order: Proposal) -> CheckRow:
    """Units of the order."""
    limit, quantity = order.limits.max_order_quantity, order.terms.quantity
    if order.is_silent and quantity <= limit:
        return SILENT

    def numbers() -> dict[str, str]:
        return {"quantity": amount(quantity), "limit": amount(limit)}

    if quantity > limit and not _is_exit(order):
        return denied("quantity", DenialCode.MAX_QUANTITY, nearest=order.to_lot(limit), **numbers())
    return order.holds("quantity", lambda: f"{amount(quantity)} of {amount(limit)}", numbers)


def check_volume(order: Proposal) -> CheckRow:
    """Part of the average daily volume; an instrument without one says so."""
    volume, quantity = order.money("average volume", order.instrument.average_daily_volume), order.terms.quantity
    if volume <= 0:
        return _NO_VOLUME
    fraction = order.limits.max_adv_fraction
    limit = volume * fraction
    if order.is_silent and quantity <= limit:
        return SILENT

    def numbers() -> dict[str, str]:
        return {"quantity": amount(quantity), "volume": amount(volume), "fraction": percent(fraction)}

    if quantity > limit and not _is_exit(order):
        return denied("volume", DenialCode.MAX_ADV, nearest=order.to_lot(limit), **numbers())
    return order.holds("volume", lambda: f"{percent(quantity / volume)} of a usual day", numbers)


def check_buying_power(order: Proposal) -> CheckRow:
    """Own money bound at worst fits into what open orders and positions leave free."""
    free = _free(order)
    if order.is_reducing:
        return order.holds("buying power", _only_reduces, lambda: {"free": money(free)})
    if order.is_silent and order.needed <= free:
        return SILENT

    def numbers() -> dict[str, str]:
        return {"needed": money(order.needed), "free": money(free)}

    if order.needed > free:
        return denied("buying power", DenialCode.BUYING_POWER, nearest=_affordable(order, free), **numbers())
    return order.holds("buying power", lambda: f"{money(order.needed)} of {money(free)} free", numbers)


def _free(order: Proposal) -> Decimal:
    view = order.view
    return free_funds(
        order.account.account_type,
        cash=order.money("cash", view.cash),
        equity=order.equity,
        bound=order.money("bound margin", view.bound),
        reserved=order.money("reserved", view.reserved),
    )


def _affordable(order: Proposal, free: Decimal) -> Decimal:
    """The largest quantity whose opening part and whole fee fit into `free`."""
    room = max(ZERO, free - order.fee)
    opening = room / (order.worst * opening_rate(order.account.account_type))
    return order.to_lot(min(order.closable + opening, order.terms.quantity))


def check_weight(order: Proposal) -> CheckRow:
    """The position, with every working order filled, stays within its part of equity."""
    if order.is_reducing:
        return order.holds("weight", _only_reduces)
    name, limit = order.terms.instrument_id, order.limits.max_position_weight
    equity, after = order.equity, _position_after(order)
    if equity <= 0:
        return denied(
            "weight", DenialCode.MAX_WEIGHT, instrument=name, weight="all", limit=percent(limit), nearest=ZERO
        )
    weight = after / equity
    if order.is_silent and weight <= limit:
        return SILENT

    def numbers() -> dict[str, str]:
        return {"weight": percent(weight), "limit": percent(limit)}

    if weight > limit:
        nearest = order.terms.quantity - (after - limit * equity) / abs(order.reference)
        return denied("weight", DenialCode.MAX_WEIGHT, nearest=order.to_lot(nearest), instrument=name, **numbers())
    say = order.to_read if weight > limit * NEAR else order.holds
    return say("weight", lambda: f"{percent(weight)} of {percent(limit)}", numbers)


def _position_after(order: Proposal) -> Decimal:
    """|value| of the position if this and every opening order on the same side fills."""
    sign = order.terms.side.sign
    working = sum((claim.quantity for claim in order.view.claims if claim.sign == sign and not claim.is_closing), ZERO)
    return abs(order.held + sign * (order.terms.quantity + working)) * abs(order.money("reference", order.reference))


def check_gross(order: Proposal) -> CheckRow:
    """All positions and all opening orders together stay within their multiple of equity."""
    if order.is_reducing:
        return order.holds("gross", _only_reduces)
    limit, view = order.limits.max_gross, order.view
    equity, already = order.equity, order.money("gross", view.gross) + order.pending
    gross = already + order.added_pending
    if equity <= 0:
        return denied("gross", DenialCode.MAX_GROSS, gross="all", limit=percent(limit), nearest=ZERO)
    if order.is_silent and gross <= limit * equity:
        return SILENT

    def numbers() -> dict[str, str]:
        return {"gross": percent(gross / equity), "limit": percent(limit)}

    if gross > limit * equity:
        room = max(ZERO, limit * equity - already) / order.worst
        nearest = order.to_lot(min(order.closable + room, order.terms.quantity))
        return denied("gross", DenialCode.MAX_GROSS, nearest=nearest, **numbers())
    return order.holds("gross", lambda: f"{percent(gross / equity)} of {percent(limit)}", numbers)


def check_net(order: Proposal) -> CheckRow:
    """Long less short, with everything that works going the same way, stays within its multiple of equity."""
    if order.is_reducing:
        return order.holds("net", _only_reduces)
    limit, view = order.limits.max_net, order.view
    equity, net = order.equity, order.money("net", view.net)
    after = abs(net + order.sign * order.notional)
    if after <= abs(net):
        return order.holds("net", _only_balances)
    worst = after + order.pending
    if equity <= 0:
        return denied("net", DenialCode.MAX_NET, net="all", limit=percent(limit), nearest=ZERO)
    if order.is_silent and worst <= limit * equity:
        return SILENT

    def numbers() -> dict[str, str]:
        return {"net": percent(worst / equity), "limit": percent(limit)}

    if worst > limit * equity:
        nearest = order.to_lot(order.terms.quantity - (worst - limit * equity) / order.worst)
        return denied("net", DenialCode.MAX_NET, nearest=nearest, **numbers())
    return order.holds("net", lambda: f"{percent(worst / equity)} of {percent(limit)}", numbers)


def check_daily_loss(order: Proposal) -> CheckRow:
    """After the day's loss reached its limit only orders that reduce are taken."""
    base, brake = order.money("equity at the open", order.view.equity_open), order.brake
    lost, limit = -order.money("day P&L", order.view.day_pnl), max(ZERO, base) * order.limits.daily_loss_fraction
    loss = lost - brake.forgiven_loss
    if (loss >= limit or brake.daily is not None) and not order.is_reducing:
        return denied(
            "daily loss",
            DenialCode.DAILY_LOSS,
            nearest=order.to_lot(order.closable),
            loss=money(lost if brake.daily is None else max(lost, brake.daily.amount)),
            limit=money(limit + brake.forgiven_loss if brake.daily is None else brake.daily.limit),
        )
    if order.is_silent:
        return SILENT

    def left() -> str:
        return money(max(ZERO, limit - loss))

    say = order.to_read if loss > limit * NEAR else order.holds
    return say("daily loss", lambda: f"{left()} left to lose today", lambda: {"left": left()})


def check_drawdown(order: Proposal) -> CheckRow:
    """After equity fell too far from its peak only orders that reduce are taken."""
    peak, brake = order.money("peak of equity", order.view.peak), order.brake
    fallen, limit = (
        peak - order.equity,
        max(ZERO, peak) * order.limits.max_drawdown_fraction,
    )
    fall = fallen - brake.forgiven_fall
    if ((fall >= limit and fall > 0) or brake.drawdown is not None) and not order.is_reducing:
        return denied(
            "drawdown",
            DenialCode.DRAWDOWN,
            nearest=order.to_lot(order.closable),
            fall=money(fallen if brake.drawdown is None else max(fallen, brake.drawdown.amount)),
            peak=money(peak),
            limit=money(limit + brake.forgiven_fall if brake.drawdown is None else brake.drawdown.limit),
        )
    if order.is_silent:
        return SILENT
    say = order.to_read if fall > limit * NEAR else order.holds
    return say("drawdown", lambda: f"{money(max(ZERO, fallen))} below the peak of {money(peak)}")


def _only_reduces() -> str:
    return "only reduces"


def _only_balances() -> str:
    return "brings long and short closer"


def _is_exit(order: Proposal) -> bool:
    """A reduce-only order that reduces passes the limits on size: an exit must not be cut up."""
    return order.terms.is_reduce_only and order.is_reducing

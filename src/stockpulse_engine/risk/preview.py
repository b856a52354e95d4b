"""The ticket's honest preview: what would happen if this order were sent now, from the gate's own numbers.

A row whose inputs are not known is absent; it is never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec import structs

from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.conditions import Condition
from stockpulse_engine.domain.money import ZERO, round_to_tick
from stockpulse_engine.domain.orders import OrderTerms, OrderType, Side
from stockpulse_engine.domain.views import Preview, PreviewRow
from stockpulse_engine.portfolio.lots import ClosedPart
from stockpulse_engine.portfolio.margin import buying_power, free_funds, opening_rate
from stockpulse_engine.render.sentence import describe_command, describe_condition, describe_order, trail_words
from stockpulse_engine.risk.codes import SETTLED
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.proposal import Proposal
from stockpulse_engine.risk.rows import amount, money, percent, price
from stockpulse_engine.risk.verdict import DENIED, OK, READ, Verdict
from stockpulse_engine.risk.view import GateView

Bracket = tuple[Decimal | None, Decimal | None]
NO_BRACKET: Bracket = (None, None)


def build_preview(
    terms: OrderTerms,
    verdict: Verdict,
    view: GateView,
    limits: Limits,
    *,
    bracket: Bracket = NO_BRACKET,
    closing: Sequence[ClosedPart] = (),
) -> Preview:
    """Rows in the ticket's order: cost, risk, weight, power, lots, checks.

    Args:
        terms: the instruction.
        verdict: what `gate.check` said about exactly these terms, view and limits.
        view: what the gate looked at.
        limits: what is allowed.
        bracket: take and stop price.
        closing: lots the order would close (`Ledger.preview_close`).
    """
    order = Proposal(terms, view, limits, bracket=bracket)
    makers = (_cost, _risk, _weight, _power)
    rows = [row for make in makers if (row := _attempt(make, order, verdict)) is not None]
    if closing:
        rows.append(_lots(closing))
    rows.append(_checks(verdict))
    quote = view.quote
    return Preview(
        sentence=describe_order(terms, tick=_tick(view), take_price=bracket[0], stop_price=bracket[1]),
        notional=_value(lambda: terms.quantity * order.entry_price),
        rows=tuple(rows),
        is_allowed=verdict.is_allowed,
        denial=verdict.denial,
        denial_text=f"{verdict.sentence} {verdict.fix}".strip(),
        nearest_quantity=verdict.nearest_quantity,
        quantity=terms.quantity,
        as_of=view.now_ns,
        bid=quote.bid if quote is not None else None,
        ask=quote.ask if quote is not None else None,
        bid_size=quote.bid_size if quote is not None else None,
        ask_size=quote.ask_size if quote is not None else None,
        risk_amount=_value(lambda: _at_stop(order)),
        reward_amount=_value(lambda: _at_take(order)),
    )


def with_later_words(made: Preview, command: SubmitOrder, verdict: Verdict, view: GateView) -> Preview:
    """The preview with what only a whole command says: a pair's stop, a trigger that follows, what it waits for.

    What an order waits for is judged again when it fires: what the gate would refuse now is told, and holds nothing up.
    """
    tick, rows = _tick(view), list(made.rows)
    exits = (command.take_price, command.stop_price, command.oco_stop_price)
    if command.terms.is_trailing and view.quote is not None:
        rows.insert(
            0, _trail(command.terms, view.quote.bid if command.terms.side is Side.SELL else view.quote.ask, tick)
        )
    is_allowed = made.is_allowed
    if command.condition is not None:
        rows.insert(0, _held(command.condition))
        is_allowed = is_allowed or verdict.denial not in SETTLED
    sentence = describe_command(command.terms, tick=tick, exits=exits, condition=command.condition)
    denial = {} if not is_allowed else {"denial": "", "denial_text": ""}
    return structs.replace(made, sentence=sentence, rows=tuple(rows), is_allowed=is_allowed, **denial)


def _trail(terms: OrderTerms, touch: Decimal, tick: Decimal | None) -> PreviewRow:
    """Where the trigger would stand now."""
    raw, side = terms.trail_from(touch), terms.side
    stop = raw if raw is None or tick is None else round_to_tick(raw, tick, up=side is Side.BUY)
    end = "highest" if side is Side.SELL else "lowest"
    return PreviewRow(
        name="trigger",
        text=f"{'—' if stop is None else price(stop)} now   {trail_words(terms, tick)} from the {end} price on",
        verdict=OK,
        explanation="The trigger follows the best print of regular hours and never goes back; then it is a market "
        "order, or a limit order where an offset is given.",
        numbers={} if stop is None else {"trigger": f"{stop:f}"},
    )


def _held(condition: Condition) -> PreviewRow:
    return PreviewRow(
        name="held",
        text=f"by the engine: does nothing while StockPulse is down   until {describe_condition(condition)}",
        verdict=READ,
        explanation="The engine holds the order and sends it once, when this happens; the gate judges it again then. "
        "A price that is missing or stale fires nothing.",
    )


def _tick(view: GateView) -> Decimal | None:
    return view.instrument.tick_size if view.instrument is not None else None


def _attempt(
    make: Callable[[Proposal, Verdict], PreviewRow | None], order: Proposal, verdict: Verdict
) -> PreviewRow | None:
    try:
        return make(order, verdict)
    except Exception:  # noqa: BLE001 - a row that can not be made is absent; the checks row says what is missing
        return None


def _value(make: Callable[[], Decimal | None]) -> Decimal | None:
    try:
        value = make()
    except Exception:  # noqa: BLE001 - the same for a single number
        return None
    return value if value is None or value.is_finite() else None


def _verdict_of(verdict: Verdict, *names: str) -> str:
    """The gravest verdict among the named checks."""
    found = [row.verdict for row in verdict.rows if row.name in names]
    return DENIED if DENIED in found else READ if READ in found else OK


def _cost(order: Proposal, verdict: Verdict) -> PreviewRow:
    terms, quantity = order.terms, order.terms.quantity
    reaches = terms.order_type not in (OrderType.LIMIT, OrderType.STOP_LIMIT) or (
        terms.limit_price is not None and (terms.limit_price - order.touch) * terms.side.sign >= 0
    )
    spread = abs(order.touch - order.reference) * quantity if reaches else ZERO
    total = spread + order.fee
    worst = terms.limit_price or _worst_fill(order)
    words = f"worst fill {price(worst)}" if reaches else "rests at its price, may not fill"
    return PreviewRow(
        name="cost",
        text=f"{money(total)}   spread {money(spread)}   fee {money(order.fee)}   {words}",
        verdict=_verdict_of(verdict, "quote", "collar", "notional"),
        explanation="Spread is quantity × (touch - mid); the fee is the schedule's estimate at the worst price.",
        numbers={"total": f"{total:f}", "spread": f"{spread:f}", "fee": f"{order.fee:f}", "worst_fill": f"{worst:f}"},
    )


def _worst_fill(order: Proposal) -> Decimal:
    """The furthest price an order without a limit may fill at: the touch or trigger and the collar."""
    terms, sign = order.terms, order.terms.side.sign
    start = order.touch if terms.stop_price is None else terms.stop_price
    edge = start * (1 + sign * order.collar)
    return round_to_tick(edge, order.instrument.tick_size, up=terms.side is Side.SELL)


def _at_stop(order: Proposal) -> Decimal | None:
    return None if order.stop is None else abs(order.entry_price - order.stop) * order.terms.quantity


def _at_take(order: Proposal) -> Decimal | None:
    return None if order.take is None else abs(order.take - order.entry_price) * order.terms.quantity


def _risk(order: Proposal, verdict: Verdict) -> PreviewRow | None:
    if order.is_reducing:
        return None
    risk, reward, equity = _at_stop(order), _at_take(order), order.view.equity
    if risk is None:
        return PreviewRow(
            name="risk",
            text=f"no stop   {money(order.opening * order.entry_price)} exposed",
            verdict=READ,
            explanation="Without a stop nothing bounds the loss but the size of the position.",
            numbers={"exposed": f"{order.opening * order.entry_price:f}"},
        )
    parts, numbers = [money(risk)], {"risk": f"{risk:f}"}
    if equity is not None and equity > 0:
        parts.append(f"{percent(risk / equity)} of equity")
        numbers["fraction"] = f"{risk / equity:.6f}"
    if reward is not None and risk:
        parts.append(f"reward {money(reward)}   {reward / risk:.1f} R")
        numbers |= {"reward": f"{reward:f}", "r": f"{reward / risk:.2f}"}
    return PreviewRow(
        name="risk",
        text="   ".join(parts),
        verdict=_verdict_of(verdict, "daily loss", "bracket"),
        explanation="Quantity × distance from entry to stop; R is reward over risk. A gap can fill beyond the stop.",
        numbers=numbers,
    )


def _weight(order: Proposal, verdict: Verdict) -> PreviewRow | None:
    equity = order.money("equity", order.view.equity)
    if equity <= 0:
        return None
    mark = order.view.mark or order.reference
    before = abs(order.held) * mark / equity
    after = abs(order.held + order.terms.quantity * order.terms.side.sign) * mark / equity
    limit = order.limits.max_position_weight
    return PreviewRow(
        name="weight",
        text=f"{percent(before)} → {percent(after)}   limit {percent(limit)}",
        verdict=_verdict_of(verdict, "weight", "gross"),
        explanation="|position| at the mark over equity, before and after this order fills.",
        numbers={"before": f"{before:.6f}", "after": f"{after:.6f}", "limit": f"{limit:f}"},
    )


def _power(order: Proposal, verdict: Verdict) -> PreviewRow:
    view, kind = order.view, order.account.account_type
    free = free_funds(
        kind,
        cash=order.money("cash", view.cash),
        equity=order.money("equity", view.equity),
        bound=order.money("bound margin", view.bound),
        reserved=order.money("reserved", view.reserved),
    )
    before = buying_power(kind, free)
    after = before if order.is_reducing else buying_power(kind, free - order.needed)
    return PreviewRow(
        name="power",
        text=f"{money(before)} → {money(after)}",
        verdict=_verdict_of(verdict, "buying power", "short"),
        explanation=(
            f"Free own money over {percent(opening_rate(kind))}; free is what positions and the worst case of all "
            "open orders leave."
        ),
        numbers={"before": f"{before:f}", "after": f"{after:f}"},
    )


def _lots(closing: Sequence[ClosedPart]) -> PreviewRow:
    realized = sum((part.realized for part in closing), ZERO)
    quantity = abs(sum((part.quantity for part in closing), ZERO))
    listed = "   ".join(f"{amount(abs(part.quantity))} at {price(part.lot_price)}" for part in closing[:3])
    more = f"   and {len(closing) - 3} more" if len(closing) > 3 else ""  # noqa: PLR2004 - three fit the row
    return PreviewRow(
        name="lots",
        text=f"{realized:+,.2f}   closes {amount(quantity)}: {listed}{more}",
        verdict=OK,
        explanation="Lots this order would close, first to close first, at its expected price; before fees.",
        numbers={part.lot_id: f"{part.realized:f}" for part in closing[:20]},
    )


def _checks(verdict: Verdict) -> PreviewRow:
    refused = [row for row in verdict.rows if row.verdict == DENIED]
    to_read = [row for row in verdict.rows if row.verdict == READ]
    shown = refused or to_read
    if shown:
        text = "   ".join(f"{row.name}: {row.text}" for row in shown[:2])
        text += f"   and {len(shown) - 2} more" if len(shown) > 2 else ""  # noqa: PLR2004 - two fit the row
    else:
        text = f"{len(verdict.rows)} checks hold"
    return PreviewRow(
        name="checks",
        text=text,
        verdict=DENIED if refused else READ if to_read else OK,
        explanation="   ".join(f"{row.name} {row.verdict}: {row.text}" for row in verdict.rows),
        numbers={row.name: row.verdict for row in verdict.rows},
    )

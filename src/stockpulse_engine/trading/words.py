"""Orders and journal entries in plain sentences, for people who ask why."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.corporate import ActionStatement
from stockpulse_engine.domain.events import (
    AccountOpened,
    ActionApplied,
    CashMoved,
    EngineStarted,
    EngineStopped,
    Event,
    FillParked,
    HoldingsAdopted,
    HomeRestored,
    LimitChanged,
    LiveArmed,
    LiveDisarmed,
    LossLimitActed,
    Reconciled,
    SessionMarked,
    SuspenseEnd,
    SuspenseExplained,
    SuspenseRaised,
    TradingStateChanged,
)
from stockpulse_engine.domain.orders import OrderEvent, OrderEventKind
from stockpulse_engine.render.format import iso_utc
from stockpulse_engine.render.sentence import describe_condition, describe_order

_K = OrderEventKind


def number(value: Decimal | None) -> str:
    """A decimal without exponent or trailing zeros."""
    if value is None:
        return "?"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


MARKS: Final = {
    _K.INITIALIZE: "staged",
    _K.DENY: "denied",
    _K.SUBMIT: "journalled",
    _K.HOLD: "held",
    _K.DISCARD: "discarded",
    _K.CANCEL_REQUEST: "cancel asked",
    _K.UPDATE_REQUEST: "change asked",
    _K.MARK_UNKNOWN: "no answer",
    _K.RESOLVE: "resolved",
    _K.ACCEPT: "accepted",
    _K.REJECT: "rejected",
    _K.TRIGGER: "triggered",
    _K.TRAIL: "trails",
    _K.FILL: "fill",
    _K.BUST: "bust",
    _K.CORRECT: "correction",
    _K.CANCEL: "canceled",
    _K.CANCEL_REJECT: "cancel refused",
    _K.UPDATE: "changed",
    _K.UPDATE_REJECT: "change refused",
    _K.EXPIRE: "expired",
    _K.DONE_FOR_DAY: "done for day",
    _K.SUSPEND: "suspended",
}
"""Kind of event → the word shown beside its time."""

_PLAIN: Final = {
    _K.HOLD: "{actor} gave it to the engine to hold: it leaves when its condition is met.",
    _K.DISCARD: "{actor} threw the order away that had not left{reason}.",
    _K.CANCEL_REQUEST: "{actor} asked to cancel it{reason}.",
    _K.MARK_UNKNOWN: "The venue gave no definite answer{reason}: UNKNOWN, asked about and never sent again.",
    _K.RESOLVE: "Its state at the venue is proven again{reason}.",
    _K.ACCEPT: "The venue accepted it{venue}{reason}.",
    _K.REJECT: "The venue refused it{reason}.",
    _K.TRIGGER: "Its stop price traded: it works now{reason}.",
    _K.TRAIL: "Its trigger follows the market: {stop}.",
    _K.CANCEL: "It is canceled{reason}.",
    _K.CANCEL_REJECT: "The cancel was refused{reason}; it works on.",
    _K.UPDATE_REJECT: "The change was refused{reason}; the old terms stand.",
    _K.EXPIRE: "It expired{reason}.",
    _K.DONE_FOR_DAY: "The venue is done with it for today{reason}.",
    _K.SUSPEND: "The venue suspended it{reason}.",
}


def describe_order_event(event: OrderEvent) -> str:
    """One event of an order as a sentence."""
    actor = _who(event.actor)
    if event.kind in (_K.FILL, _K.BUST, _K.CORRECT):
        return _describe_execution(event)
    if event.kind is _K.DENY:
        return f"The gate refused it ({event.code}): {event.reason}"
    if event.kind in (_K.INITIALIZE, _K.SUBMIT):
        made = f": {describe_order(event.order.terms)}" if event.order else ""
        if event.order is not None and event.order.is_held and event.order.condition is not None:
            return f"{actor} gave it to the engine to hold until {describe_condition(event.order.condition)}{made}."
        verb = "staged it" if event.kind is _K.INITIALIZE else "sent it; the intent was made durable first"
        return f"{actor} {verb}{made}."
    if event.kind in (_K.UPDATE_REQUEST, _K.UPDATE):
        wanted = f": {describe_order(event.terms)}" if event.terms else ""
        return f"{actor} asked for new terms{wanted}." if event.kind is _K.UPDATE_REQUEST else f"New terms{wanted}."
    reason = f" ({event.reason})" if event.reason else ""
    venue = f" as {event.venue_order_id}" if event.venue_order_id else ""
    stop = number(event.terms.stop_price) if event.terms and event.terms.stop_price else "moved"
    return _PLAIN[event.kind].format(actor=actor, reason=reason, venue=venue, stop=stop)


def _who(actor: str) -> str:
    """A head's kind without its id and role: the journal keeps them, a sentence does not need them."""
    return actor.partition("/")[0].partition("-")[0] or "Somebody"


def _describe_execution(event: OrderEvent) -> str:
    fill = event.fill
    if fill is None:
        return "An execution without its numbers."
    what = f"{number(fill.quantity)} at {number(fill.price)}"
    if event.kind is _K.BUST:
        return f"The venue took back its execution {fill.fill_id} of {what}."
    if event.kind is _K.CORRECT:
        return f"The venue restated execution {fill.corrects} as {fill.fill_id}: {what}."
    verb = "Bought" if fill.sign > 0 else "Sold"
    fee = f", fee {number(fill.fee)} {fill.currency}" if fill.fee else ""
    return f"{verb} {what}{fee} (execution {fill.fill_id})."


def describe_event(event: Event) -> tuple[str, str, str]:
    """(kind, subject, sentence) of any journal entry."""
    if isinstance(event, OrderEvent):
        return event.kind.value, event.client_order_id, describe_order_event(event)
    return _OTHERS[type(event)](event)


def _opened(event: AccountOpened) -> tuple[str, str, str]:
    account = event.account
    money = f"{number(account.initial_cash)} {account.currency}"
    kind = f"{account.kind.value.lower()} {account.account_type.value.lower()}"
    return "ACCOUNT_OPENED", account.account_id, f"{_who(event.actor)} opened a {kind} account with {money}."


def _cash(event: CashMoved) -> tuple[str, str, str]:
    return "CASH_MOVED", event.account_id, f"{number(event.amount)} {event.currency} moved: {event.reason}."


def _state(event: TradingStateChanged) -> tuple[str, str, str]:
    reason = f": {event.reason}" if event.reason else ""
    return "TRADING_STATE", event.state.value, f"{_who(event.actor)} set {event.state.value}{reason}."


def _started(event: EngineStarted) -> tuple[str, str, str]:
    how = "" if event.was_clean else " after it had been killed"
    return "ENGINE_STARTED", event.world, f"The engine {event.version} started in {event.world}{how}."


def _stopped(_: EngineStopped) -> tuple[str, str, str]:
    return "ENGINE_STOPPED", "", "The engine stopped in order."


def _restored(event: HomeRestored) -> tuple[str, str, str]:
    return "HOME_RESTORED", "", f"The home came back from the backup of {iso_utc(event.made_at)[:19]}Z."


def _reconciled(event: Reconciled) -> tuple[str, str, str]:
    found = f"{event.fills_added} missed fills booked" if event.fills_added else "no fill was missed"
    compared = "1 open order" if event.orders == 1 else f"{event.orders} open orders"
    differs = f"; differences: {'; '.join(event.differences)}" if event.differences else "; all equal"
    return "RECONCILED", event.account_id, f"Compared {compared} with the venue: {found}{differs}."


def _marked(event: SessionMarked) -> tuple[str, str, str]:
    return "SESSION_MARKED", event.account_id, f"Session {event.session_date} opened at {number(event.equity)}."


def _ended(said: ActionStatement) -> str:
    return f", {said.canceled} working order(s) canceled" if said.canceled else ""


def action_words(said: ActionStatement) -> str:
    """A corporate action as it met an account, in a sentence."""
    if said.other_id:
        held = f"{number(said.before)} held go on under that name"
        return f"{said.instrument_id} trades as {said.other_id}: {held}{_ended(said)}."
    if said.kind == "DELISTING":
        return (
            f"{said.instrument_id} is delisted: {number(said.before)} held stay, and can not be traded{_ended(said)}."
        )
    if not said.is_split:
        verb = "paid" if said.cash >= 0 else "cost"
        paid = f"{verb} {number(abs(said.cash))}"
        if said.withheld:
            paid += f" after {number(said.withheld)} of tax ({number(said.tax_rate * 100)} %)"
        return f"{said.instrument_id}: a dividend of {number(said.amount)} a share {paid}, on the ex-date."
    paid = f", {number(said.cash)} paid for the fraction" if said.cash else ""
    orders = f", {said.adjusted} working order(s) adjusted" if said.adjusted else ""
    orders += _ended(said)
    ratio = f"{said.numerator} for {said.denominator}"
    if not said.before:
        return f"{said.instrument_id}: split {ratio}{orders}."
    return f"{said.instrument_id}: split {ratio}: {number(said.before)} became {number(said.after)}{paid}{orders}."


def _acted(event: ActionApplied) -> tuple[str, str, str]:
    return "ACTION_APPLIED", event.statement.account_id, action_words(event.statement)


def _limit_changed(event: LimitChanged) -> tuple[str, str, str]:
    where = f" of {event.scope} {event.name}" if event.scope else ""
    old, new = event.old or "what the file says", event.new or "what the file says"
    why = f": {event.reason}" if event.reason else ""
    if event.is_withdrawn:
        return "LIMIT_CHANGED", event.key, f"{_who(event.actor)} took back the change of {event.key}{where} to {new}."
    waits = f", in force from {iso_utc(event.acts_at)[11:19]}Z on" if event.acts_at > event.recorded_at else ""
    return "LIMIT_CHANGED", event.key, f"{_who(event.actor)} set {event.key}{where} from {old} to {new}{waits}{why}."


def _loss_acted(event: LossLimitActed) -> tuple[str, str, str]:
    if event.state is TradingState.REDUCING:
        what = f"The {event.kind} of {number(event.amount)} reached the limit of {number(event.limit)}"
        return "LOSS_LIMIT", event.account_id, f"{what}: {event.account_id} may only reduce."
    why = f": {event.reason}" if event.reason else ""
    return "LOSS_LIMIT", event.account_id, f"{_who(event.actor)} freed {event.account_id} of its {event.kind}{why}."


def _parked(event: FillParked) -> tuple[str, str, str]:
    fill = event.fill
    what = f"{number(fill.quantity)} of {fill.instrument_id} at {number(fill.price)}"
    return "FILL_PARKED", event.account_id, f"Execution {fill.fill_id} of {what} waits for its order's first answer."


def _adopted(event: HoldingsAdopted) -> tuple[str, str, str]:
    count = len(event.holdings)
    held = "1 position" if count == 1 else f"{count} positions"
    return "HOLDINGS_ADOPTED", event.account_id, f"{_who(event.actor)} took the account over with {held} in it."


def suspense_words(instrument_id: str, ours: Decimal, theirs: Decimal) -> str:
    """A difference to a broker: both numbers."""
    return f"{instrument_id or 'cash'}: {number(ours)} here, {number(theirs)} at the venue"


def _suspended(event: SuspenseRaised) -> tuple[str, str, str]:
    what = suspense_words(event.instrument_id, event.ours, event.theirs)
    return "SUSPENSE_RAISED", event.account_id, f"{event.suspense_id}: {what}, and nothing explains it."


_ENDS: Final = {
    SuspenseEnd.ACCEPT: "{actor} accepted the broker's figure: {amount} of {what} posted{price}",
    SuspenseEnd.IGNORE: "{actor} said that our figure is right: {amount} of {what} stays a known difference",
    SuspenseEnd.CLEARED: "The difference of {amount} in {what} is gone",
}


def _explained(event: SuspenseExplained) -> tuple[str, str, str]:
    sentence = _ENDS[event.how].format(
        actor=_who(event.actor),
        amount=number(event.amount),
        what=event.instrument_id or "cash",
        price=f" at {number(event.price)}" if event.price is not None else "",
    )
    reason = f": {event.reason}" if event.reason else ""
    return "SUSPENSE_EXPLAINED", event.account_id, f"{event.suspense_id}: {sentence}{reason}."


def _live_armed(event: LiveArmed) -> tuple[str, str, str]:
    until = iso_utc(event.until)[11:19]
    whom = "" if event.strategy == "manual" else f" for {event.strategy}"
    sentence = (
        f"{_who(event.actor)} armed {event.account_id} for LIVE orders{whom} up to {number(event.cap)} until {until}Z."
    )
    return "LIVE_ARMED", event.account_id, sentence


def _live_disarmed(event: LiveDisarmed) -> tuple[str, str, str]:
    sentence = f"{event.account_id} is disarmed: {event.reason}; {number(event.sent)} was sent meanwhile."
    return "LIVE_DISARMED", event.account_id, sentence


_OTHERS: Final[dict[type, Callable[..., tuple[str, str, str]]]] = {
    AccountOpened: _opened,
    CashMoved: _cash,
    TradingStateChanged: _state,
    EngineStarted: _started,
    EngineStopped: _stopped,
    HomeRestored: _restored,
    Reconciled: _reconciled,
    SessionMarked: _marked,
    ActionApplied: _acted,
    FillParked: _parked,
    HoldingsAdopted: _adopted,
    SuspenseRaised: _suspended,
    SuspenseExplained: _explained,
    LimitChanged: _limit_changed,
    LossLimitActed: _loss_acted,
    LiveArmed: _live_armed,
    LiveDisarmed: _live_disarmed,
}

STATE_WORDS: Final = {
    TradingState.ACTIVE: "all orders may leave",
    TradingState.REDUCING: "only what reduces may leave",
    TradingState.HALTED: "nothing leaves but cancels",
}

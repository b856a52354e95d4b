"""Every reason the gate may refuse an order: one code, a title, a sentence with the numbers, and the fix.

The denial pages of the reference are generated from this table.
"""

from __future__ import annotations

from enum import Enum

import msgspec


class DenialCode(Enum):
    """Named reasons; the value is what journals, the API and scripts see."""

    INVALID_NUMBER = "INVALID_NUMBER"
    INCOMPLETE_TERMS = "INCOMPLETE_TERMS"
    UNSUPPORTED = "UNSUPPORTED"
    ACCOUNT_UNKNOWN = "ACCOUNT_UNKNOWN"
    INSTRUMENT_UNKNOWN = "INSTRUMENT_UNKNOWN"
    NOT_TRADABLE = "NOT_TRADABLE"
    RESTRICTED = "RESTRICTED"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    OFF_LOT = "OFF_LOT"
    OFF_TICK = "OFF_TICK"
    MIN_NOTIONAL = "MIN_NOTIONAL"
    TRADING_HALTED = "TRADING_HALTED"
    REDUCING_ONLY = "REDUCING_ONLY"
    STREAM_RECONCILING = "STREAM_RECONCILING"
    SUSPENSE = "SUSPENSE"
    STRATEGY_NOT_ARMED = "STRATEGY_NOT_ARMED"
    NOT_ARMED = "NOT_ARMED"
    ARMED_AMOUNT = "ARMED_AMOUNT"
    REPEATED_REJECTION = "REPEATED_REJECTION"
    SESSION_UNKNOWN = "SESSION_UNKNOWN"
    INSTRUMENT_HALTED = "INSTRUMENT_HALTED"
    MARKET_CLOSED = "MARKET_CLOSED"
    EXTENDED_NEEDS_LIMIT = "EXTENDED_NEEDS_LIMIT"
    QUOTE_MISSING = "QUOTE_MISSING"
    QUOTE_STALE = "QUOTE_STALE"
    QUOTE_ONE_SIDED = "QUOTE_ONE_SIDED"
    SPREAD_TOO_WIDE = "SPREAD_TOO_WIDE"
    QUOTE_DISAGREES = "QUOTE_DISAGREES"
    PRICE_COLLAR = "PRICE_COLLAR"
    STOP_SIDE = "STOP_SIDE"
    PROTECTION_SIDE = "PROTECTION_SIDE"
    REDUCE_ONLY = "REDUCE_ONLY"
    NO_SHORT = "NO_SHORT"
    NO_LOCATE = "NO_LOCATE"
    MAX_NOTIONAL = "MAX_NOTIONAL"
    MAX_QUANTITY = "MAX_QUANTITY"
    MAX_ADV = "MAX_ADV"
    BUYING_POWER = "BUYING_POWER"
    MAX_WEIGHT = "MAX_WEIGHT"
    MAX_GROSS = "MAX_GROSS"
    MAX_NET = "MAX_NET"
    DAILY_LOSS = "DAILY_LOSS"
    DRAWDOWN = "DRAWDOWN"
    DUPLICATE = "DUPLICATE"
    RATE_SECOND = "RATE_SECOND"
    RATE_DAY = "RATE_DAY"
    RATE_STRATEGY = "RATE_STRATEGY"
    OPEN_ORDERS = "OPEN_ORDERS"
    SELF_TRADE = "SELF_TRADE"
    CANNOT_CHECK = "CANNOT_CHECK"

    @property
    def title(self) -> str:
        """A few words for a heading."""
        return DENIALS[self].title

    @property
    def sentence(self) -> str:
        """The sentence, with `{names}` for the numbers."""
        return DENIALS[self].sentence

    @property
    def fix(self) -> str:
        """What to do about it, with `{names}` for the numbers."""
        return DENIALS[self].fix


class Denial(msgspec.Struct, frozen=True):
    """Words of one code."""

    title: str
    sentence: str
    fix: str


_C = DenialCode
SETTLED = frozenset(
    {
        _C.INVALID_NUMBER.value,
        _C.INCOMPLETE_TERMS.value,
        _C.UNSUPPORTED.value,
        _C.ACCOUNT_UNKNOWN.value,
        _C.INSTRUMENT_UNKNOWN.value,
        _C.NOT_TRADABLE.value,
        _C.RESTRICTED.value,
        _C.CURRENCY_MISMATCH.value,
        _C.EXTENDED_NEEDS_LIMIT.value,
        _C.OFF_LOT.value,
        _C.OFF_TICK.value,
    }
)
"""What no waiting would change: these refuse an order that the engine is to hold, too."""
PASSING = frozenset(
    {
        _C.STREAM_RECONCILING.value,
        _C.SESSION_UNKNOWN.value,
        _C.INSTRUMENT_HALTED.value,
        _C.MARKET_CLOSED.value,
        _C.QUOTE_MISSING.value,
        _C.QUOTE_STALE.value,
        _C.QUOTE_ONE_SIDED.value,
        _C.RATE_SECOND.value,
    }
)
"""What passes by itself: an order that the engine holds waits on."""
DENIALS: dict[DenialCode, Denial] = {
    _C.INVALID_NUMBER: Denial(
        "Not a number", "The {field} {value} is not a {expected} number.", "Type it like 100 or 231.40."
    ),
    _C.INCOMPLETE_TERMS: Denial(
        "Price missing or too many", "A {order_type} order {problem}.", "Add or remove the price."
    ),
    _C.UNSUPPORTED: Denial("Not supported here", "{what} is not taken here.", "{how}"),
    _C.ACCOUNT_UNKNOWN: Denial("No such account", "There is no account {account}.", "List them with `sp account`."),
    _C.INSTRUMENT_UNKNOWN: Denial(
        "No such instrument", "{instrument} is not known in this world.", "Look it up with `sp quote`."
    ),
    _C.NOT_TRADABLE: Denial("Not tradable", "{instrument} is an index.", "Trade a fund or future on it."),
    _C.RESTRICTED: Denial(
        "Restricted", "{instrument} is on the restricted list.", "Take it off `restricted` in limits.toml."
    ),
    _C.CURRENCY_MISMATCH: Denial(
        "Other currency",
        "{instrument} trades in {theirs}, the account holds {ours}.",
        "Use an account in {theirs}.",
    ),
    _C.OFF_LOT: Denial("Quantity off the lot", "{quantity} is not a multiple of {lot}.", "Send {nearest}."),
    _C.OFF_TICK: Denial(
        "Price off the tick", "The {field} {price} is not on the tick of {tick}.", "Use {below} or {above}."
    ),
    _C.MIN_NOTIONAL: Denial(
        "Order too small", "{notional} is under the least of {limit} for an order that opens.", "Send more of it."
    ),
    _C.TRADING_HALTED: Denial(
        "Trading is halted", "Trading is HALTED: nothing leaves but cancels.", "`sp resume` when it is safe."
    ),
    _C.REDUCING_ONLY: Denial(
        "Reducing only",
        "Trading is REDUCING and this order would open {opening}.",
        "Send at most {nearest} on the closing side, or `sp resume`.",
    ),
    _C.STREAM_RECONCILING: Denial(
        "Being compared with the venue",
        "Our orders are being compared with the venue's; until they match nothing new leaves.",
        "Wait a moment; `sp doctor` shows what differs.",
    ),
    _C.SUSPENSE: Denial(
        "Differs from the broker",
        "The broker's figure differs from ours and nothing explains it: {difference}.",
        "Say which is right: `sp reconcile` shows both; then `sp reconcile explain`.",
    ),
    _C.STRATEGY_NOT_ARMED: Denial(
        "Strategy not armed",
        "The strategy {strategy} is not armed: nothing of it leaves.",
        "Add it to `armed` with `sp limits set armed`.",
    ),
    _C.NOT_ARMED: Denial(
        "Not armed for live money",
        "Nothing LIVE leaves: {problem}.",
        "`sp live` tells what is missing, `sp arm` arms.",
    ),
    _C.ARMED_AMOUNT: Denial(
        "Beyond the armed amount",
        "The armed amount does not allow it: {problem}.",
        "Send less, or disarm and arm with more.",
    ),
    _C.REPEATED_REJECTION: Denial(
        "Paused after refusals",
        "{instrument} is paused: the broker refused the same order {count} times ({reason}).",
        "Change the order, or try once in {wait} s; a taken order ends the pause.",
    ),
    _C.SESSION_UNKNOWN: Denial(
        "Session unknown",
        "It is not known whether {instrument} is trading.",
        "Wait for the market's status; `sp doctor` shows the feed.",
    ),
    _C.INSTRUMENT_HALTED: Denial(
        "Instrument halted", "{instrument} is halted: {reason}.", "Wait for trading to resume."
    ),
    _C.MARKET_CLOSED: Denial("Not at this hour", "{what} can not be entered while the market is {phase}.", "{how}"),
    _C.EXTENDED_NEEDS_LIMIT: Denial(
        "Extended hours need a limit", "Outside regular hours only limit orders trade.", "Add a limit price."
    ),
    _C.QUOTE_MISSING: Denial(
        "No quote", "There is no quote for {instrument} to check the price against.", "Wait for the feed."
    ),
    _C.QUOTE_STALE: Denial(
        "Stale quote",
        "The quote is {age} s old; at most {limit} s are allowed.",
        "Wait for the feed; `sp doctor` shows it.",
    ),
    _C.QUOTE_ONE_SIDED: Denial(
        "Nobody on one side",
        "The book of {instrument} shows no size at the {side}: a price without a limit could be anything.",
        "Use a limit price, or wait for the book to fill.",
    ),
    _C.SPREAD_TOO_WIDE: Denial(
        "Spread too wide",
        "Bid {bid} and ask {ask} are {spread} apart; at most {limit} for an order without a limit.",
        "Use a limit price.",
    ),
    _C.QUOTE_DISAGREES: Denial(
        "Quote and last print disagree",
        "The quote's mid of {mid} is {gap} away from the last print at {last}; at most {limit} without a limit price.",
        "Use a limit price, or wait for a print.",
    ),
    _C.PRICE_COLLAR: Denial(
        "Outside the price collar",
        "{price} is {away} beyond the market at {reference}; the collar is {limit}.",
        "Stay within {bound}.",
    ),
    _C.STOP_SIDE: Denial(
        "Stop would trigger at once",
        "A {side} stop at {price} lies on the wrong side of the market at {touch}.",
        "Put it {where} {touch}.",
    ),
    _C.PROTECTION_SIDE: Denial(
        "Bracket on the wrong side",
        "The {leg} at {price} must lie {where} the entry at {entry}.",
        "Move the {leg} {where} {entry}.",
    ),
    _C.REDUCE_ONLY: Denial(
        "Would not reduce",
        "Reduce-only {quantity}: {held} held, {working} already closing.",
        "Send at most {nearest}, or cancel what is closing.",
    ),
    _C.NO_SHORT: Denial(
        "Cash accounts do not sell short",
        "Selling {quantity} with {spare} free to sell would go short.",
        "Sell at most {nearest}, or cancel the sells that are working.",
    ),
    _C.NO_LOCATE: Denial(
        "Nothing to borrow",
        "{instrument} can not be borrowed; {spare} are free to sell.",
        "Sell at most {nearest}.",
    ),
    _C.MAX_NOTIONAL: Denial(
        "Order too large", "{notional} is over the limit of {limit} per order.", "Send at most {nearest}."
    ),
    _C.MAX_QUANTITY: Denial(
        "Quantity too large", "{quantity} is over the limit of {limit} per order.", "Send at most {nearest}."
    ),
    _C.MAX_ADV: Denial(
        "Too much of the day's volume",
        "{quantity} is over {fraction} of the average daily volume of {volume}.",
        "Send at most {nearest}.",
    ),
    _C.BUYING_POWER: Denial(
        "Not enough buying power",
        "It binds {needed} at worst; {free} are free after open orders.",
        "Send at most {nearest}, or cancel open orders.",
    ),
    _C.MAX_WEIGHT: Denial(
        "Position too large",
        "{instrument} would be {weight} of equity; the limit is {limit}.",
        "Send at most {nearest}.",
    ),
    _C.MAX_GROSS: Denial(
        "Exposure too large",
        "Gross exposure would be {gross} of equity; the limit is {limit}.",
        "Send at most {nearest}.",
    ),
    _C.MAX_NET: Denial(
        "Net exposure too large",
        "Net exposure would be {net} of equity; the limit is {limit}.",
        "Send at most {nearest}.",
    ),
    _C.DAILY_LOSS: Denial(
        "Daily loss reached",
        "Today's loss of {loss} has reached the limit of {limit}.",
        "Only orders that reduce are taken until the next session, or `sp limits release`.",
    ),
    _C.DRAWDOWN: Denial(
        "Drawdown reached",
        "Equity is {fall} below its peak of {peak}; the limit is {limit}.",
        "Only orders that reduce are taken; an admin frees it with `sp limits release`.",
    ),
    _C.DUPLICATE: Denial(
        "Same order again",
        "The same order was sent {age} ms ago.",
        "Send it again with `allow_duplicate` if you mean it twice.",
    ),
    _C.RATE_SECOND: Denial(
        "Too many orders a second", "{count} orders left within a second; the limit is {limit}.", "Wait a second."
    ),
    _C.RATE_DAY: Denial(
        "Too many orders today", "{count} orders left today; the limit is {limit}.", "Raise `max_orders_per_day`."
    ),
    _C.RATE_STRATEGY: Denial(
        "Too many orders of one strategy",
        "{strategy} sent {count} orders {when}; its limit is {limit}.",
        "Let it pause; see `max_strategy_orders_per_second` and `max_strategy_orders_per_day`.",
    ),
    _C.OPEN_ORDERS: Denial(
        "Too many open orders", "{count} orders are working; the limit is {limit}.", "Cancel some first."
    ),
    _C.SELF_TRADE: Denial(
        "Would trade with yourself",
        "It {crossing}: both sides of that trade would be yours.",
        "Cancel that order first, or use a price short of it.",
    ),
    _C.CANNOT_CHECK: Denial(
        "Could not be checked",
        "The check {check} could not be made: {problem}.",
        "Nothing leaves unchecked; `sp doctor` shows what is missing.",
    ),
}
"""One row per code; a test asserts that none is missing and each sentence formats."""

"""From a draft to an order: prices looked up and rounded, sizes computed, exits placed, amounts reckoned."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from stockpulse_engine.actions.orderline_lexer import OffsetWord, PriceWord, Word
from stockpulse_engine.actions.orderline_reader import Amount, Draft
from stockpulse_engine.actions.orderline_types import OrderContext, ParsedOrder
from stockpulse_engine.domain.conditions import Condition
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.money import round_down_to_lot, round_to_tick
from stockpulse_engine.domain.orders import OrderTerms, OrderType, Side, TimeInForce
from stockpulse_engine.render.format import format_money, format_price, format_quantity
from stockpulse_engine.render.sentence import describe_command

_AUCTION = (TimeInForce.AT_THE_OPEN, TimeInForce.AT_THE_CLOSE)


class Exits(NamedTuple):
    """Take and stop of a bracket, and the stop of a pair."""

    take: Decimal | None
    stop: Decimal | None
    oco_stop: Decimal | None


@dataclass
class _Bench:
    """The work piece while a draft becomes an order."""

    draft: Draft
    context: OrderContext
    side: Side
    instrument: Instrument
    amount: Amount
    quote: Quote | None
    notes: list[str] = field(default_factory=list)

    @property
    def is_buy(self) -> bool:
        return self.side is Side.BUY


def resolve_draft(draft: Draft, context: OrderContext) -> ParsedOrder | None:
    """The order a draft means, or None with the reasons added to the draft's errors."""
    bench = _start(draft, context)
    if bench is None or any(not error.is_incomplete for error in draft.errors):
        return None
    order_type = draft.order_type or OrderType.MARKET
    if draft.time_in_force in _AUCTION and order_type not in (OrderType.MARKET, OrderType.LIMIT):
        draft.refuse_line(
            "An on-open or on-close order is a market or a limit order.", "Leave out stp, or moo and moc."
        )
    if draft.oco is not None and (draft.take or draft.stop or draft.offsets):
        draft.refuse_line("A pair has its take and stop already.", "Leave out take and stop.")
    limit, trigger = _own_price(bench, draft.limit), _own_price(bench, draft.trigger)
    oco_stop = None
    if draft.oco is not None:
        limit, oco_stop = _pair(bench, *draft.oco)
    entry = limit or trigger or _market_price(bench)
    take, stop = _exits(bench, entry)
    quantity = None if draft.errors else _quantity(bench, entry, stop)
    if draft.errors or quantity is None:
        return None
    terms = OrderTerms(
        account_id=context.account_id,
        instrument_id=bench.instrument.instrument_id,
        side=bench.side,
        quantity=quantity,
        order_type=order_type,
        limit_price=limit,
        stop_price=trigger,
        time_in_force=draft.time_in_force or TimeInForce.DAY,
        session=draft.session,
        is_reduce_only=draft.is_reduce_only or bench.amount.kind in ("all", "half") or draft.oco is not None,
        lots=draft.lots,
        **_later_terms(bench),
    )
    if draft.errors:
        return None
    return _finish(bench, terms, entry, Exits(take, stop, oco_stop))


def _pair(bench: _Bench, take: PriceWord, stop: PriceWord) -> tuple[Decimal | None, Decimal | None]:
    """Prices of a pair, each rounded as an order of its own would be."""
    found = _own_price(bench, take), _own_price(bench, stop)
    if found[0] is not None and found[1] is not None and (found[0] - found[1]) * bench.side.sign >= 0:
        where = "below" if bench.is_buy else "above"
        bench.draft.refuse(take.word, f"The take of this pair lies {where} its stop.", "Write the take first.")
    return found


def _later_terms(bench: _Bench) -> dict[str, Any]:
    """Distances of a trailing stop, and until when a GTD order lives."""
    draft, tick = bench.draft, bench.instrument.tick_size
    found: dict[str, Any] = {}
    if draft.until is not None:
        found = {"expires_at": draft.until.at_ns, "expires_on": draft.until.session}
        if draft.until_word is not None and 0 < draft.until.at_ns <= bench.context.now_ns:
            draft.refuse(draft.until_word, f"{draft.until_word.text} is past.", "Write a later time.")
    for name, word in (("trail_amount", draft.trail), ("limit_offset", draft.beyond)):
        if word is None:
            continue
        if word.unit == "%" and name == "trail_amount":
            found["trail_fraction"] = word.value / 100
            if not 0 < word.value < 100:  # noqa: PLR2004 - percent
                draft.refuse(word.word, "The distance is more than nothing and less than the price.", "Write trail 2%.")
            continue
        raw = word.value * tick if word.unit == "t" else word.value
        amount = round_to_tick(raw, tick, up=True)
        if word.unit == "%" or amount <= 0:
            draft.refuse(word.word, "This is an amount above zero or a number of ticks.", "Write 0.10 or 5t.")
        elif amount != raw:
            bench.notes.append(f"{word.word.text}: {format_price(amount, tick)} on the tick of {tick.normalize():f}")
        found[name] = amount
    return found


def _start(draft: Draft, context: OrderContext) -> _Bench | None:
    if draft.side is None:
        draft.want("Buy or sell?", "Start with buy or sell.")
    if draft.instrument is None and not draft.has_symbol:
        draft.instrument = context.resolve(context.default_symbol) if context.default_symbol else None
        if draft.instrument is None:
            draft.want("Which instrument?", "Write a symbol, like AAPL.")
    if draft.amount is None and not any("risk" in error.message for error in draft.errors):
        draft.want("How much?", "Write 100, $10k, 10%, risk 0.1%, half or all.")
    if draft.side is None or draft.instrument is None or draft.amount is None:
        return None
    quote = context.quote(draft.instrument.instrument_id)
    return _Bench(draft, context, draft.side, draft.instrument, draft.amount, quote)


def _finish(bench: _Bench, terms: OrderTerms, entry: Decimal | None, exits: Exits) -> ParsedOrder:
    take, stop, oco_stop = exits
    quantity, draft = terms.quantity, bench.draft
    condition = Condition(parts=tuple(draft.parts), needs_all="or" not in draft.joins) if draft.parts else None
    return ParsedOrder(
        terms=terms,
        instrument=bench.instrument,
        sentence=describe_command(
            terms,
            tick=bench.instrument.tick_size,
            exits=(take, stop, oco_stop),
            condition=condition,
            zone=bench.context.time_zone,
        ),
        take_price=take,
        stop_price=stop,
        oco_stop_price=oco_stop,
        condition=condition,
        notes=tuple(bench.notes),
        reference_price=entry,
        notional=None if entry is None else entry * quantity,
        risk_amount=None if entry is None or stop is None else abs(entry - stop) * quantity,
        reward_amount=None if entry is None or take is None else abs(take - entry) * quantity,
        size_text=_size_text(bench.amount),
    )


def _size_text(amount: Amount) -> str:
    if amount.kind == "units":
        return ""
    return f"risk {amount.word.text}" if amount.kind.startswith("risk") else amount.word.text


def _own_price(bench: _Bench, price: PriceWord | None) -> Decimal | None:
    """The price of a word on the tick: down when we buy, up when we sell, so that we never pay more than written."""
    raw = None if price is None else _raw_price(bench, price)
    if raw is None or price is None:
        return None
    return _on_tick(bench, raw, price.word, up=not bench.is_buy)


def _on_tick(bench: _Bench, raw: Decimal, word: Word, *, up: bool) -> Decimal | None:
    tick = bench.instrument.tick_size
    rounded = round_to_tick(raw, tick, up=up)
    if rounded <= 0:
        bench.draft.refuse(word, "The price must be more than zero.", f"The smallest is {tick}.")
        return None
    if rounded != raw:
        raw_text = f"{raw:.8f}".rstrip("0")
        bench.notes.append(
            f"{word.text} is {raw_text}: {format_price(rounded, tick)} on the tick of {tick.normalize():f}"
        )
    return rounded


def _raw_price(bench: _Bench, price: PriceWord) -> Decimal | None:
    base = price.base if isinstance(price.base, Decimal) else _named_price(bench, price.base)
    if base is None:
        symbol = bench.instrument.symbol
        bench.draft.refuse(price.word, f"There is no {price.base} for {symbol} now.", "Write the price as a number.")
        return None
    return base + _distance(bench, price.offset, price.unit, base)


def _distance(bench: _Bench, value: Decimal, unit: str, base: Decimal) -> Decimal:
    if unit == "%":
        return base * value / 100
    return value * bench.instrument.tick_size if unit == "t" else value


def _named_price(bench: _Bench, name: str) -> Decimal | None:
    quote = bench.quote
    if quote is None:
        return None
    bid = quote.bid if quote.bid_size > 0 else None
    ask = quote.ask if quote.ask_size > 0 else None
    if name == "mid":
        return None if bid is None or ask is None else (bid + ask) / 2
    return {"bid": bid, "ask": ask, "last": quote.last}[name]


def _market_price(bench: _Bench) -> Decimal | None:
    """What a market order would pay now: the far side of the quote, or its last known price."""
    if bench.draft.limit is not None or bench.draft.trigger is not None or bench.quote is None:
        return None
    return bench.quote.ask if bench.is_buy else bench.quote.bid


def _exits(bench: _Bench, entry: Decimal | None) -> tuple[Decimal | None, Decimal | None]:
    """Take and stop prices, rounded towards the entry: less risk, and a gain that is not overstated."""
    draft = bench.draft
    wanted: dict[str, PriceWord | OffsetWord] = {}
    if draft.take is not None:
        wanted["take"] = draft.take
    if draft.stop is not None:
        wanted["stop"] = draft.stop
    for offset in draft.offsets:
        for role in _roles(offset, is_buy=bench.is_buy):
            if role in wanted:
                draft.refuse(offset.word, f"{role} is given twice.", "Keep one of them.")
            wanted.setdefault(role, offset)
    if wanted and (bench.amount.kind in ("all", "half") or draft.is_reduce_only):
        word = next(iter(wanted.values())).word
        draft.refuse(word, "An order that closes takes no bracket.", "Leave out take and stop.")
        return None, None
    take, stop = (_exit_price(bench, role, wanted.get(role), entry) for role in ("take", "stop"))
    return take, stop


def _roles(offset: OffsetWord, *, is_buy: bool) -> tuple[str, ...]:
    """What an offset is for: the sign is the direction of the price, so above the entry is a buyer's take."""
    if offset.sign == 0:
        return ("take", "stop")
    return ("take",) if (offset.sign > 0) is is_buy else ("stop",)


def _exit_price(
    bench: _Bench, role: str, wanted: PriceWord | OffsetWord | None, entry: Decimal | None
) -> Decimal | None:
    if wanted is None or any(not error.is_incomplete for error in bench.draft.errors):
        return None
    is_above = (role == "take") is bench.is_buy
    if isinstance(wanted, PriceWord):
        raw = _raw_price(bench, wanted)
    elif entry is None:
        bench.draft.refuse(
            wanted.word, f"{role} {wanted.word.text} needs a price to start from.", "Write lmt and a price."
        )
        return None
    else:
        size = _distance(bench, wanted.value, wanted.unit, entry)
        raw = entry + size if is_above else entry - size
    price = None if raw is None else _on_tick(bench, raw, wanted.word, up=not is_above)
    if price is None or entry is None:
        return price
    return _checked_exit(bench, role, price, entry, wanted.word)


def _checked_exit(bench: _Bench, role: str, price: Decimal, entry: Decimal, word: Word) -> Decimal | None:
    is_above = (role == "take") is bench.is_buy
    if (price > entry) if is_above else (price < entry):
        return price
    tick = bench.instrument.tick_size
    place = "above" if is_above else "below"
    order = "buy" if bench.is_buy else "sell"
    fix = (
        f"For a stop order write stp {format_price(price, tick)}." if role == "stop" else f"Move it {place} the entry."
    )
    message = (
        f"The {role} of a {order} order must be {place} {format_price(entry, tick)}, not {format_price(price, tick)}."
    )
    bench.draft.refuse(word, message, fix)
    return None


def _quantity(bench: _Bench, entry: Decimal | None, stop: Decimal | None) -> Decimal | None:
    kind = bench.amount.kind
    if kind in ("all", "half"):
        raw = _closing_quantity(bench)
    elif kind == "units":
        raw = bench.amount.value
    elif kind.startswith("risk"):
        raw = _risk_quantity(bench, entry, stop)
    else:
        raw = _money_quantity(bench, entry)
    return None if raw is None else _on_lot(bench, raw)


def _on_lot(bench: _Bench, raw: Decimal) -> Decimal | None:
    lot, word = bench.instrument.lot_size, bench.amount.word
    quantity = round_down_to_lot(raw, lot)
    if quantity <= 0:
        bench.draft.refuse(word, f"{word.text} is less than one lot of {format_quantity(lot)}.", "Write a larger size.")
        return None
    if quantity != raw:
        bench.notes.append(
            f"{format_quantity(quantity)} instead of {raw:.2f}: rounded down to the lot of {format_quantity(lot)}"
        )
    return quantity


def _closing_quantity(bench: _Bench) -> Decimal | None:
    held = bench.context.position(bench.instrument.instrument_id)
    symbol, word = bench.instrument.symbol, bench.amount.word
    if held * bench.side.sign >= 0:
        state = "nothing" if held == 0 else f"{format_quantity(held, signed=True)}"
        fix = "" if held == 0 else f"To close it write {'sell' if held > 0 else 'buy'} {symbol} {word.text}."
        bench.draft.refuse(word, f"There is {state} of {symbol} for this side to close.", fix)
        return None
    return abs(held) if bench.amount.kind == "all" else abs(held) / 2


def _amount_of_money(bench: _Bench) -> Decimal | None:
    amount = bench.amount
    if amount.kind in ("money", "risk_money"):
        return amount.value
    if bench.context.equity is None or bench.context.equity <= 0:
        bench.draft.refuse(amount.word, "The account's equity is not known now.", "Write the size in units or $.")
        return None
    return amount.value * bench.context.equity


def _money_quantity(bench: _Bench, entry: Decimal | None) -> Decimal | None:
    if entry is None:
        bench.draft.refuse(
            bench.amount.word,
            f"No price for {bench.instrument.symbol} to size by.",
            "Write lmt and a price, or the size in units.",
        )
        return None
    money = _amount_of_money(bench)
    if money is not None and money < entry * bench.instrument.lot_size:
        one = format_money(entry * bench.instrument.lot_size)
        bench.draft.refuse(
            bench.amount.word, f"{format_money(money)} does not buy one lot, which costs {one}.", "Write a larger size."
        )
        return None
    return None if money is None else money / entry


def _risk_quantity(bench: _Bench, entry: Decimal | None, stop: Decimal | None) -> Decimal | None:
    if entry is None or stop is None:
        bench.draft.want("risk is measured to a stop, and there is none.", "Add -1% or stop 229.79.")
        return None
    money = _amount_of_money(bench)
    return None if money is None else money / abs(entry - stop)

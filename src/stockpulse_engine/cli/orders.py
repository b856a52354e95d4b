"""Commands on orders: buy, sell, orders, order, modify, cancel, send, why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.cli.link import engine, request_id
from stockpulse_engine.cli.options import AccountName, JsonFlag, YesFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_pairs, emit_table, number, say
from stockpulse_engine.cli.past import AtMoment
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.money import parse_decimal
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.wire.rest import ModifyBody


@dataclass(frozen=True)
class TradeOptions:
    """How an order line is done: agreed beforehand, only staged, meant twice; which account, which id, what output."""

    is_agreed: bool
    is_staged: bool
    is_repeated: bool
    account: str
    client_order_id: str
    as_json: bool


ORDER_HEADINGS = ("side", "qty", "instrument", "type", "price", "tif", "filled", "avg", "state", "id")
OrderId = Annotated[str, typer.Argument(metavar="ORDER", help="Client order id, or its unambiguous beginning.")]
Line = Annotated[
    list[str], typer.Argument(metavar="WORDS…", help="The order line: AAPL 100 lmt 231.40, AAPL $10k mid +2% -1%, …")
]
IdOption = Annotated[str, typer.Option("--id", help="Client order id: the same id twice sends once.")]
StageFlag = Annotated[bool, typer.Option("--stage", help="Keep it INITIALIZED: sent by nobody until `sp send`.")]
AgainFlag = Annotated[
    bool, typer.Option("--allow-duplicate", help="Mean the same order twice within the duplicate window.")
]
_FREE_WORDS = {"ignore_unknown_options": True, "allow_extra_args": False}


def buy(
    words: Line,
    yes: YesFlag = False,
    stage: StageFlag = False,
    again: AgainFlag = False,
    account: AccountName = "",
    client_order_id: IdOption = "",
    as_json: JsonFlag = False,
) -> None:
    """Buy: shows the order in words and what it would do, asks, then sends.

    Example: sp buy AAPL 100 lmt 231.40
    Example: sp buy AAPL risk 0.1% lmt mid +2% -1% --yes
    """
    _trade(
        "buy",
        words,
        TradeOptions(yes, stage, again, account=account, client_order_id=client_order_id, as_json=as_json),
    )


def sell(
    words: Line,
    yes: YesFlag = False,
    stage: StageFlag = False,
    again: AgainFlag = False,
    account: AccountName = "",
    client_order_id: IdOption = "",
    as_json: JsonFlag = False,
) -> None:
    """Sell: shows the order in words and what it would do, asks, then sends.

    Example: sp sell AAPL all @ 231.40 gtc
    """
    _trade(
        "sell",
        words,
        TradeOptions(yes, stage, again, account=account, client_order_id=client_order_id, as_json=as_json),
    )


def _trade(side: str, words: list[str], options: TradeOptions) -> None:
    """The one path of both sides."""
    from stockpulse_engine.cli.trade import run_trade

    run_trade(f"{side} {' '.join(words)}", options)


def orders(
    scope: Annotated[
        str, typer.Option("--scope", "-s", help="working, unknown, staged, held, today, history or all.")
    ] = "",
    unknown: Annotated[bool, typer.Option("--unknown", help="The same as --scope unknown.")] = False,
    held: Annotated[bool, typer.Option("--held", help="Orders the engine holds, and what each waits for.")] = False,
    account: AccountName = "",
    at: AtMoment = "",
    as_json: JsonFlag = False,
) -> None:
    """Orders, newest first; with --at as they stood.

    Example: sp orders --scope working --json
    """
    wanted = "unknown" if unknown else "held" if held else scope or "today"
    if at:
        from stockpulse_engine.cli.past import books_moment
        from stockpulse_engine.client import past

        found = engine().send(past.orders(wanted, account, at=books_moment(at)))
    else:
        found = engine().orders(wanted, account)
    if as_json:
        emit_json(found)
    elif not found:
        emit(f"No orders ({wanted}).")
    else:
        emit_table(ORDER_HEADINGS, [order_row(one) for one in found], left=(0, 2, 3, 5, 8, 9))
        _say_unknown([] if at else [one for one in found if one.is_unknown])
        _say_held([one for one in found if one.is_held])


def _say_unknown(found: list[Order]) -> None:
    """What UNKNOWN means, whenever it is shown, and what it may still cost."""
    count = len(found)
    if count:
        for account_id in dict.fromkeys(one.terms.account_id for one in found):
            view = engine().account(account_id)
            worst = f"{number(view.unknown_notional, 2)} {view.account.currency}"
            say(f"! {account_id}: what is UNKNOWN may open {worst} at worst.")
        which = "1 order is" if count == 1 else f"{count} orders are"
        say(f"! {which} UNKNOWN: the venue gave no definite answer. Counted as if filled at its worst; the venue is")
        say("  asked until it proves what became of it, and it is never sent again. See `sp why ORDER`.")


def _say_held(held: list[Order]) -> None:
    """What each held order waits for, whenever one is shown."""
    from stockpulse_engine.render.sentence import describe_condition

    for one in held:
        until = describe_condition(one.condition) if one.condition is not None else "its trigger is reached"
        say(f"{one.client_order_id} is held until {until}.")
    if held:
        say("Held by the engine: they do nothing while StockPulse is down.")


def order_row(one: Order) -> list[str]:
    """The cells of an order under `ORDER_HEADINGS`."""
    terms = one.terms
    price = terms.limit_price if terms.limit_price is not None else terms.stop_price
    return [
        terms.side.value,
        number(terms.quantity),
        terms.instrument_id,
        terms.order_type.value,
        number(price),
        terms.time_in_force.value,
        f"{number(one.filled_quantity)}/{number(terms.quantity)}",
        number(one.average_price, 4),
        state_words(one),
        one.client_order_id,
    ]


def state_words(one: Order) -> str:
    """Status for people: UNKNOWN first where it is raised."""
    status = "HELD" if one.is_held else one.status.value
    return f"! UNKNOWN (last {status})" if one.is_unknown else status


def order(
    order_id: OrderId,
    dead: Annotated[bool, typer.Option("--dead", help="An UNKNOWN order does not work at its broker.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stays in the journal.")] = "",
    word: Annotated[str, typer.Option("--word", help="DEAD, instead of being asked.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """One order with its fills; or your word that an UNKNOWN one does not work at its broker.

    Example: sp order 01J8
    Example: sp order 01J8 --dead --reason 'the broker says so on the phone'
    """
    found = engine().order(order_id)
    if dead:
        found = _declare_dead(found.client_order_id, reason, word)
    fills = engine().fills(client_order_id=found.client_order_id)
    if as_json:
        emit_json({"order": found, "fills": fills})
        return
    emit_table(ORDER_HEADINGS, [order_row(found)], left=(0, 2, 3, 5, 8, 9))
    if found.reason:
        emit_pairs([("reason", f"{found.code} {found.reason}".strip())])
    if fills:
        rows = [[one.fill_id, number(one.quantity), number(one.price), number(one.fee, 2)] for one in fills]
        emit_table(("fill", "qty", "price", "fee"), rows)


def _declare_dead(key: str, reason: str, word: str) -> Order:
    from stockpulse_engine.cli.asking import ask_word
    from stockpulse_engine.cli.link import request_id
    from stockpulse_engine.wire.rest import DeclareDead

    told = f"{key} frees what it binds; if it lives after all, what it executes is booked and told."
    body = DeclareDead(request_id=request_id(), reason=reason, word=word or ask_word("DEAD", told))
    return engine().declare_dead(key, body)


def modify(
    order_id: OrderId,
    quantity: Annotated[str, typer.Option("--qty", help="New quantity.")] = "",
    limit: Annotated[str, typer.Option("--limit", help="New limit price.")] = "",
    stop: Annotated[str, typer.Option("--stop", help="New stop price.")] = "",
    trail: Annotated[str, typer.Option("--trail", help="New distance of a trailing stop: 0.50 or 2%.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Ask the venue for new terms of a working order.

    Example: sp modify 01J8 --limit 231.45
    """
    if not (quantity or limit or stop or trail):
        raise InvalidValueError("Nothing to change.", fix="Give --qty, --limit, --stop or --trail.")
    is_share = trail.endswith("%")
    distance = parse_decimal(trail.removesuffix("%"), field="--trail") if trail else None
    body = ModifyBody(
        request_id=request_id(),
        quantity=parse_decimal(quantity, field="--qty") if quantity else None,
        limit_price=parse_decimal(limit, field="--limit") if limit else None,
        stop_price=parse_decimal(stop, field="--stop") if stop else None,
        trail_amount=None if is_share else distance,
        trail_fraction=distance / 100 if is_share and distance is not None else None,
    )
    _show(engine().modify_order(order_id, body), as_json=as_json)


def cancel(
    order_id: Annotated[str, typer.Argument(metavar="[ORDER]", help="Client order id.")] = "",
    pattern: Annotated[
        str, typer.Option("--all", metavar="PATTERN", help="Every open order of matching symbols: '*', 'AAPL*'.")
    ] = "",
    account: AccountName = "",
    as_json: JsonFlag = False,
) -> None:
    """Cancel one order, or all that match. Works when halted too; proof comes from the venue.

    Example: sp cancel 01J8
    Example: sp cancel --all 'AAPL*'
    """
    if bool(order_id) == bool(pattern):
        raise InvalidValueError("Say which order, or --all PATTERN.", fix="sp cancel ORDER, or sp cancel --all '*'.")
    if order_id:
        _show(engine().cancel_order(order_id), as_json=as_json)
        return
    answer = engine().cancel_orders(pattern, account)
    if as_json:
        emit_json(answer)
    else:
        emit(f"Cancel asked for {len(answer.client_order_ids)} orders.")


def send(order_id: OrderId, as_json: JsonFlag = False) -> None:
    """Send a staged order.

    Example: sp send 01J8
    """
    staged = engine().order(order_id)
    view = engine().account(staged.terms.account_id)
    if view.account.kind is AccountKind.LIVE:
        from stockpulse_engine.cli.trade import read_twice
        from stockpulse_engine.domain.commands import SubmitOrder

        command = SubmitOrder(client_order_id=new_id("C"), terms=staged.terms)
        read_twice(command, view, engine().preview_order(command))
    answer = engine().send_order(order_id)
    if as_json:
        emit_json(answer)
    else:
        emit_table(ORDER_HEADINGS, [order_row(one) for one in answer.orders], left=(0, 2, 3, 5, 8, 9))


def discard(order_id: OrderId, as_json: JsonFlag = False) -> None:
    """Throw a staged order away.

    Example: sp discard 01J8
    """
    _show(engine().discard_order(order_id), as_json=as_json)


def why(order_id: OrderId, as_json: JsonFlag = False) -> None:
    """The life of an order: every step, when, and how long it took.

    Example: sp why 01J8
    """
    life = engine().order_life(order_id)
    if as_json:
        emit_json(life)
        return
    from stockpulse_engine.render.format import format_latency, iso_utc
    from stockpulse_engine.render.review import NOT_MEASURED, hop_words

    terms = life.order.terms
    by = f"   sent by {life.actor}" if life.actor else ""
    limits = f"   limits {life.limits}" if life.limits else ""
    emit(clean_line(f"{life.money or '?'}   {terms.account_id}   {terms.strategy}{by}{limits}"))
    rows = [
        [iso_utc(step.recorded_at)[11:26], f"+{format_latency(step.gap_ns)}", step.mark, step.step, step.sentence]
        for step in life.steps
    ]
    emit_table(("utc", "gap", "", "step", "what"), rows, left=(0, 2, 3, 4))
    if life.hops:
        words = hop_words(life.hops, format_latency)
        emit(f"where the time went: {' · '.join(words)}")
        if any(one.endswith("—") for one in words):
            emit(NOT_MEASURED)
    emit("journal verified" if life.is_verified else "! the journal does not verify over this order: sp log verify")


def _show(one: Order, *, as_json: bool) -> None:
    if as_json:
        emit_json(one)
    else:
        emit_table(ORDER_HEADINGS, [order_row(one)], left=(0, 2, 3, 5, 8, 9))


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    add_command(app, buy, context_settings=_FREE_WORDS)
    add_command(app, sell, context_settings=_FREE_WORDS)
    for command in (orders, order, modify, cancel, send, discard, why):
        add_command(app, command)

"""`sp buy` and `sp sell`: read the line, show it, ask, send once."""

from __future__ import annotations

import contextlib
import functools
import sys
from decimal import Decimal

from msgspec import structs

from stockpulse_engine.actions.orderline import LineReading, OrderContext, ParsedOrder, read_order_line
from stockpulse_engine.base.ids import new_id
from stockpulse_engine.base.text import clean_line, clean_text
from stockpulse_engine.cli.link import engine
from stockpulse_engine.cli.orders import ORDER_HEADINGS, TradeOptions, order_row
from stockpulse_engine.cli.output import emit, emit_json, emit_table, say, strong
from stockpulse_engine.domain.accounts import Account, AccountKind
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import DeniedError, InvalidValueError, NotFoundError, StockPulseError
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.views import AccountView, Preview


def run_trade(line: str, options: TradeOptions) -> None:
    """Do one order line.

    Raises:
        InvalidValueError: the line is wrong, or must be confirmed and there is no terminal (exit code 2).
        DeniedError: the gate refuses it (exit code 3).
    """
    account = engine().account(options.account)
    parsed = _parse(line, account)
    made = parsed.command(options.client_order_id or new_id("C"), is_staged=options.is_staged, source="cli")
    command = structs.replace(made, allow_duplicate=options.is_repeated)
    if options.client_order_id and _is_known(options.client_order_id):
        say(f"{options.client_order_id} was sent before; here is what became of it. Nothing is sent twice.")
    else:
        _look_and_ask(parsed, command, options, account)
    answer = engine().submit_order(command)
    if options.as_json:
        emit_json(answer)
    else:
        emit_table(ORDER_HEADINGS, [order_row(one) for one in answer.orders], left=(0, 2, 3, 5, 8, 9))


def _look_and_ask(parsed: ParsedOrder, command: SubmitOrder, options: TradeOptions, view: AccountView) -> None:
    """Show what it would do, refuse what the gate would refuse, and ask."""
    preview = engine().preview_order(command)
    if not options.as_json:
        say(f"{view.account.kind.value} {clean_line(view.account.account_id)}")
        show_preview(parsed, preview)
    if not preview.is_allowed:
        if not command.is_staged:
            _put_on_record(command)
        words = preview.denial_text.replace("`allow_duplicate`", "--allow-duplicate")
        raise DeniedError(f"{preview.denial}: {words}", denial=preview.denial)
    if not options.is_agreed:
        _confirm(command, view.account)
    read_twice(command, view, preview)


def _put_on_record(command: SubmitOrder) -> None:
    """The trader tried: the journal, and the day's review, say what the gate refused. Nothing can be sent by this."""
    with contextlib.suppress(StockPulseError):
        engine().submit_order(structs.replace(command, is_for_record=True))


def _is_known(client_order_id: str) -> bool:
    """Whether this very id was used before: the engine then answers as it did, or says that the body differs."""
    try:
        return engine().order(client_order_id).client_order_id == client_order_id
    except NotFoundError:
        return False


def show_preview(parsed: ParsedOrder, preview: Preview) -> None:
    """Print the sentence and what would happen, row by row, on stderr."""
    say(strong(clean_line(parsed.sentence)))
    for note in parsed.notes:
        say(f"  {clean_line(note)}")
    width = max((len(row.name) for row in preview.rows), default=0)
    for row in preview.rows:
        mark = {"read": "!", "denied": "✗"}.get(row.verdict, " ")
        say(f"{mark} {row.name.ljust(width)}  {clean_text(row.text)}")


def _confirm(command: SubmitOrder, account: Account) -> None:
    if not sys.stdin.isatty():
        raise InvalidValueError("An order needs a yes and there is no terminal to ask.", fix="Pass --yes.")
    verb = "Stage" if command.is_staged else "Send"
    say(f"{verb} this {account.kind.value} order from {account.account_id}? [y/N] ")
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        emit("Not sent.")
        raise SystemExit(0)


def read_twice(command: SubmitOrder, view: AccountView, preview: Preview) -> None:
    """A LIVE order that the gate wants read is typed for once more, `--yes` or not (R13)."""
    is_small = {row.name: row.verdict for row in preview.rows}.get("checks") == "ok"
    if view.account.kind is not AccountKind.LIVE or command.is_staged or is_small:
        return
    if not sys.stdin.isatty():
        raise InvalidValueError(
            "A LIVE order of this size is typed for twice and there is no terminal.", fix="Send it in a terminal."
        )
    terms, notional = command.terms, preview.notional
    part = f", {notional / view.equity:.1%} of the equity" if notional is not None and view.equity > 0 else ""
    amount = f"{notional:,.2f} {view.account.currency}{part}" if notional is not None else "an amount nobody can say"
    say(f"REAL MONEY: {terms.side.value} {terms.quantity:,f} {terms.instrument_id}, {amount}. Type SEND to send it: ")
    if sys.stdin.readline().strip() != "SEND":
        emit("Not sent.")
        raise SystemExit(0)


def _parse(line: str, account: AccountView) -> ParsedOrder:
    reading = read_order_line(line, _context(account, line))
    if reading.order is None or reading.errors:
        raise InvalidValueError(_pointed(line, reading))
    return reading.order


def _pointed(line: str, reading: LineReading) -> str:
    if not reading.errors:
        return f"{line!r} is not a whole order. Say side, symbol, quantity and price."
    first = reading.errors[0]
    found = line[first.start : first.end]
    return f"in {line!r}{f' at {found!r}' if found else ''}: {first}"


def _context(account: AccountView, line: str) -> OrderContext:
    needs_time = {"gtd", "at"} & set(line.lower().split())
    clock = engine().clock() if needs_time else None
    return OrderContext(
        account_id=account.account.account_id,
        resolve=_instrument,
        quote=_quote,
        position=functools.partial(_position, account.account.account_id),
        equity=account.equity,
        nearest=_nearest,
        now_ns=clock.market_ns if clock else 0,
        time_zone=clock.time_zone if clock else "America/New_York",
    )


@functools.cache
def _instruments() -> dict[str, Instrument]:
    found = engine().instruments()
    return {one.instrument_id: one for one in found} | {one.symbol: one for one in found}


def _instrument(text: str) -> Instrument | None:
    return _instruments().get(text)


def _nearest(prefix: str) -> list[str]:
    import difflib

    return difflib.get_close_matches(prefix, [key for key in _instruments() if "." not in key], n=3, cutoff=0.5)


@functools.cache
def _quote(instrument_id: str) -> Quote | None:
    found = engine().quotes((instrument_id,))
    return found[0] if found else None


def _position(account_id: str, instrument_id: str) -> Decimal:
    held = engine().positions(account_id)
    return sum((one.quantity for one in held if one.instrument_id == instrument_id), start=Decimal(0))

"""Commands on money and holdings: positions, lots, account, day."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import typer

from stockpulse_engine.cli.link import engine, request_id
from stockpulse_engine.cli.options import AccountName, JsonFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_pairs, emit_prose, emit_table, number
from stockpulse_engine.cli.past import AtMoment, books_moment
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.client import calls, past
from stockpulse_engine.domain.money import parse_decimal
from stockpulse_engine.domain.views import AccountView, PositionView
from stockpulse_engine.wire.rest import AdoptAccount, OpenAccount


def positions(account: AccountName = "", at: AtMoment = "", as_json: JsonFlag = False) -> None:
    """Open positions at the marks, largest first; with --at as they stood.

    Example: sp positions
    Example: sp positions --at 'yesterday close'
    """
    held = engine().send(past.positions(account, at=books_moment(at))) if at else engine().positions(account)
    if as_json:
        emit_json(held)
    elif not held:
        emit("No open position.")
    else:
        headings = ("instrument", "qty", "avg cost", "mark", "day", "open P&L", "value", "weight", "at stop")
        emit_table(headings, [_position_row(one) for one in held])


def _position_row(one: PositionView) -> list[str]:
    at_stop = "no stop" if one.at_stop is None else number(one.at_stop, 2, sign=True)
    return [
        one.instrument_id,
        number(one.quantity, sign=True),
        number(one.average_cost, 4),
        number(one.mark),
        number(one.day_pnl, 2, sign=True),
        number(one.unrealized, 2, sign=True),
        number(one.value, 2),
        "·" if one.weight is None else f"{one.weight * 100:.1f}%",
        at_stop,
    ]


def lots(
    symbol: Annotated[str, typer.Argument(metavar="[SYMBOL]", help="All if left out.")] = "",
    account: AccountName = "",
    at: AtMoment = "",
    as_json: JsonFlag = False,
) -> None:
    """Open lots in the order the account's method would close them; with --at as they stood.

    Example: sp lots AAPL
    """
    held = engine().send(past.lots(account, symbol, at=books_moment(at))) if at else engine().lots(account, symbol)
    if as_json:
        emit_json(held)
    elif not held:
        emit("No open lot.")
    else:
        rows = [
            [
                one.lot.instrument_id,
                one.lot.lot_id,
                number(one.lot.quantity, sign=True),
                number(one.lot.price),
                number(one.unrealized, 2, sign=True),
                str(one.days_held),
            ]
            for one in held
        ]
        emit_table(("instrument", "lot", "qty", "price", "open P&L", "days"), rows, left=(0, 1))


def account(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="The default account if left out.")] = "",
    open_type: Annotated[str, typer.Option("--open", metavar="cash|margin", help="Open a paper account NAME.")] = "",
    cash: Annotated[str, typer.Option("--cash", help="Its first deposit.")] = "100000",
    lot_method: Annotated[
        str, typer.Option("--lots", metavar="fifo|lifo|hifo", help="Which lots close first, for ever.")
    ] = "fifo",
    adopt: Annotated[str, typer.Option("--adopt", metavar="BROKER", help="Take over NAME from a connection.")] = "",
    at: AtMoment = "",
    as_json: JsonFlag = False,
) -> None:
    """Balances of an account, with --at as they stood; or open a paper account, or take one over from a broker.

    Taken over, it starts with the cash and the positions it has there.

    Example: sp account
    Example: sp account swing --open cash --cash 25000 --lots hifo
    Example: sp account alpaca --adopt alpaca-paper
    """
    if adopt:
        taken = AdoptAccount(
            request_id=request_id(),
            account_id=name or adopt,
            broker=adopt,
            account_type=(open_type or "margin").upper(),
        )
        view = engine().send(calls.adopt_account(taken))
    elif open_type:
        body = OpenAccount(
            request_id=request_id(),
            account_id=name or "main",
            account_type=open_type.upper(),
            initial_cash=parse_decimal(cash, field="--cash"),
            lot_method=lot_method.upper(),
        )
        view = engine().open_account(body)
    elif at:
        view = engine().send(past.account(name, at=books_moment(at)))
    else:
        view = engine().account(name)
    if as_json:
        emit_json(view)
    else:
        emit_pairs(_account_pairs(view))


def _account_pairs(view: AccountView) -> list[tuple[str, str]]:
    currency = view.account.currency

    def money(value: Decimal | None, *, sign: bool = False) -> str:
        return f"{number(value, 2, sign=sign)} {currency}" if value is not None else "·"

    pairs = [
        ("account", f"{view.account.account_id} ({view.account.kind.value}, {view.account.account_type.value})"),
        ("lots", f"{view.account.lot_method.value} when none are named"),
        ("equity", money(view.equity)),
        ("cash", money(view.cash)),
        ("reserved", money(view.reserved)),
        ("buying power", money(view.buying_power)),
        ("day P&L", money(view.day_pnl, sign=True)),
        ("realized", money(view.realized, sign=True)),
        ("unrealized", money(view.unrealized, sign=True)),
        ("fees", money(view.fees)),
        ("gross / net", f"{number(view.gross_exposure, 2)} / {number(view.net_exposure, 2, sign=True)}"),
        ("loss left", money(view.loss_left)),
        ("orders", f"{view.working_orders} working, {view.unknown_orders} UNKNOWN"),
    ]
    if view.dividends:
        tax = f", {money(view.withheld)} of it withheld" if view.withheld else ""
        words = f"{money(view.dividends, sign=True)}{tax}"
        pairs.insert(pairs.index(("fees", money(view.fees))), ("dividends", words))
    if view.margin_call:
        pairs.append(("! margin call", money(view.margin_call)))
    return pairs + [("! differs", text) for text in view.differences]


def portfolio(account: AccountName = "", at: AtMoment = "", as_json: JsonFlag = False) -> None:
    """Account, positions and equity curve in one document; with --at as they stood.

    Example: sp portfolio --json
    """
    view = engine().send(past.portfolio(account, at=books_moment(at))) if at else engine().portfolio(account)
    if as_json:
        emit_json(view)
        return
    emit_pairs(_account_pairs(view.account))
    if view.curve:
        worst = min(point.drawdown for point in view.curve)
        emit_pairs([("worst fall", f"{number(worst * 100, 2)} % from the peak, {len(view.curve)} points")])


def day(
    date: Annotated[str, typer.Option("--date", help="Session date, YYYY-MM-DD; the current one if left out.")] = "",
    account: AccountName = "",
    as_json: JsonFlag = False,
) -> None:
    """Review of the session as Markdown: each order, what it cost and why, what was refused.

    Example: sp day > today.md
    """
    review = engine().day(account, date)
    if as_json:
        emit_json(review)
        return
    from stockpulse_engine.portfolio.review import to_markdown

    emit_prose(to_markdown(review))


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    for command in (positions, lots, account, portfolio, day):
        add_command(app, command)

"""`sp arm`, `sp disarm`, `sp live`: orders for real money from the command line, for a while and up to an amount."""

from __future__ import annotations

import sys
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import typer

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.cli.link import engine, request_id
from stockpulse_engine.cli.options import JsonFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_table, number, say
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stockpulse_engine.domain.brokers import LiveView

_MINUTE_NS = 60_000_000_000


def arm(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="A LIVE account; `sp live` lists them.")],
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="The most that may be sent in all, as 5000.")],
    minutes: Annotated[int, typer.Option("--minutes", metavar="N", help="How long, at most 480.")] = 60,
    strategy: Annotated[str, typer.Option("--strategy", metavar="NAME", help="For this strategy's orders.")] = "manual",
    as_json: JsonFlag = False,
) -> None:
    """Let orders for real money leave; asks for the last letters of the account's number, at a terminal only.

    Example: sp arm alpaca-live 5000 --minutes 60
    """
    from stockpulse_engine.client import calls
    from stockpulse_engine.wire.rest import ArmLive

    cap = _amount(amount)
    client = engine(is_started=False)
    views: list[LiveView] = client.send(calls.live())
    found = next((one for one in views if one.account_id == account), None)
    if found is None:
        known = ", ".join(one.account_id for one in views) or "none"
        raise NotFoundError(f"There is no LIVE account {account[:32]!r}.", fix=f"LIVE accounts: {known}.")
    if not sys.stdin.isatty():
        raise InvalidValueError("Arming is typed at a terminal by a person.", fix="Run it in a terminal.")
    say(f"LIVE: orders of up to {number(cap)} in all may leave {account} for {minutes} minutes.")
    suffix = typer.prompt(f"Last {found.letters} letters of the account's number at {found.broker}", err=True)
    body = ArmLive(
        request_id=request_id(), account_id=account, suffix=suffix, cap=cap, minutes=minutes, strategy=strategy
    )
    show([client.send(calls.arm_live(body))], as_json=as_json)


def disarm(
    account: Annotated[str, typer.Argument(metavar="[ACCOUNT]", help="All without one.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Let no order for real money leave any more; cancels always do.

    Example: sp disarm
    """
    from stockpulse_engine.client import calls

    views = engine(is_started=False).send(calls.disarm_live(account))
    show(views, as_json=as_json)


def live(as_json: JsonFlag = False) -> None:
    """Every LIVE account: armed or not, for how much and how long, and what is missing.

    Example: sp live
    """
    from stockpulse_engine.client import calls

    views = engine(is_started=False).send(calls.live())
    show(views, as_json=as_json)


def show(views: Sequence[LiveView], *, as_json: bool) -> None:
    """Print how live accounts stand."""
    if as_json:
        emit_json(list(views))
        return
    if not views:
        emit("No account holds real money: everything here is PAPER.")
        return
    now = WallClock().now_ns()
    rows = [
        [
            one.account_id,
            "LIVE",
            "ARMED" if one.is_armed else "not armed",
            f"{max(0, one.until_ns - now) // _MINUTE_NS} min" if one.is_armed else "·",
            f"{number(one.sent)} of {number(one.cap)}" if one.is_armed else "·",
            "; ".join(one.missing) or "nothing",
        ]
        for one in views
    ]
    emit_table(("account", "money", "state", "left", "sent", "missing"), rows, left=(0, 1, 2, 5))


def _amount(text: str) -> Decimal:
    try:
        value = Decimal(text.replace(",", ""))
    except InvalidOperation:
        value = Decimal(0)
    if not value.is_finite() or value <= 0:
        raise InvalidValueError(f"{text[:24]!r} is no amount.", fix="Write it as 5000.")
    return value


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    for command in (arm, disarm, live):
        add_command(app, command)

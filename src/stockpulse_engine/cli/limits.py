"""`sp limits`: how full each limit is and where it is from; tightening, raising and freeing."""

from __future__ import annotations

import sys
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from stockpulse_engine.cli.link import engine, request_id
from stockpulse_engine.cli.options import AccountName, JsonFlag, YesFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_table, is_terminal, say
from stockpulse_engine.cli.register import add_command, help_text
from stockpulse_engine.domain.errors import ForbiddenError, InvalidValueError

if TYPE_CHECKING:
    from stockpulse_engine.domain.risk import LimitAnswer, LimitRow, RiskView, WaitingRaise

limits_app = typer.Typer(help="Limits of the pre-trade gate: how full, from where; tighten, raise, free an account.")
Strategy = Annotated[str, typer.Option("--strategy", "-s", metavar="NAME", help="Only the orders of one strategy.")]
Instrument = Annotated[str, typer.Option("--instrument", "-i", metavar="ID", help="Only one instrument: AAPL.XNAS.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it goes into the journal.")]
_SECOND = 1_000_000_000
_BAR = 10


def show(
    context: typer.Context,
    account: AccountName = "",
    strategy: Strategy = "",
    instrument: Instrument = "",
    as_json: JsonFlag = False,
) -> None:
    """Every limit, fullest first: what is used, of how much, what happens then, and where the value is from.

    Example: sp limits
    Example: sp limits --instrument AAPL
    Example: sp limits set max_order_notional 20000 --account main
    """
    if context.invoked_subcommand is not None:
        return
    from stockpulse_engine.client.risk import risk

    view = engine().send(risk(account, strategy=strategy, instrument=instrument))
    if as_json:
        emit_json(view)
        return
    _print_state(view)
    emit_table(
        ("limit", "of", "used", "limit", "full", "", "then", "key", "from"),
        [_row(row) for row in view.limits],
        left=(0, 1, 5, 6, 7, 8),
    )
    _print_waiting(view.waiting, view.wall_ns)


def set_limit(
    key: Annotated[str, typer.Argument(metavar="KEY", help="As in limits.toml: max_gross.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="As in limits.toml; default for what the files say.")],
    account: Annotated[str, typer.Option("--account", "-a", metavar="NAME", help="Only this account.")] = "",
    strategy: Strategy = "",
    instrument: Instrument = "",
    reason: Reason = "",
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Set a limit. Tighter acts at once; looser is asked for again, needs the admin token and acts after 60 s.

    Example: sp limits set max_order_notional 20000
    Example: sp limits set daily_loss_fraction 0.02 --account main --reason "after a bad week"
    Example: sp limits set restricted '["GME.XNYS"]'
    """
    from stockpulse_engine.client import risk as calls
    from stockpulse_engine.wire.risk import SetLimit

    scope, name = _scope(account, strategy, instrument)
    wish = SetLimit(request_id=request_id(), key=key, value=value, scope=scope, name=name, reason=reason)
    try:
        answer = engine().send(calls.set_limit(wish))
    except ForbiddenError as error:
        if "raises" not in error.message:
            raise
        say(error.message)
        if not yes:
            typer.confirm("Raise it? It acts after 60 s and can be taken back until then", abort=True, err=True)
        answer = engine().send(calls.set_limit(wish, "admin"))
    if as_json:
        emit_json(answer)
        return
    _print_answer(answer)


def waiting(as_json: JsonFlag = False) -> None:
    """List the raises that are not in force yet.

    Example: sp limits waiting
    """
    from stockpulse_engine.client.risk import risk

    view = engine().send(risk())
    if as_json:
        emit_json(list(view.waiting))
    elif not view.waiting:
        emit("No raise waits.")
    else:
        _print_waiting(view.waiting, view.wall_ns)


def withdraw(
    change_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, or how it begins.")], as_json: JsonFlag = False
) -> None:
    """Take back a raise that is not in force yet.

    Example: sp limits withdraw R-8Q2
    """
    from stockpulse_engine.client.risk import withdraw_limit

    answer = engine().send(withdraw_limit(change_id, request_id()))
    if as_json:
        emit_json(answer)
    else:
        emit(f"{answer.key} stays {answer.old or 'as the files say'}.")


def release(
    account: AccountName = "",
    word: Annotated[str, typer.Option("--word", help="RELEASE; asked for when left out.")] = "",
    reason: Reason = "",
    as_json: JsonFlag = False,
) -> None:
    """Free an account that a loss limit stopped: needs the admin token and the typed word RELEASE.

    Example: sp limits release --reason "hedged elsewhere"
    """
    from stockpulse_engine.client.risk import release_loss

    if not word and sys.stdin.isatty():
        word = typer.prompt("Type RELEASE to let it open positions again", err=True)
    view = engine().send(release_loss(word, account_id=account, reason=reason, request_id=request_id()))
    if as_json:
        emit_json(view)
    else:
        _print_state(view)


def _scope(account: str, strategy: str, instrument: str) -> tuple[str, str]:
    named = [(kind, name) for kind, name in _kinds(account, strategy, instrument) if name]
    if len(named) > 1:
        raise InvalidValueError(
            "A limit belongs to one account, strategy or instrument.", fix="Set one after the other."
        )
    return named[0] if named else ("", "")


def _kinds(account: str, strategy: str, instrument: str) -> tuple[tuple[str, str], ...]:
    if instrument and "." not in instrument:
        from stockpulse_engine.client.calls import instruments

        found = [one for one in engine().send(instruments()) if one.symbol == instrument.upper()]
        if not found:
            raise InvalidValueError(f"Nothing trades here as {instrument!r}.", fix="Write SYMBOL.MIC, like AAPL.XNAS.")
        instrument = found[0].instrument_id
    return ("account", account), ("strategy", strategy), ("instrument", instrument)


def _row(row: LimitRow) -> list[str]:
    full = "" if row.fraction is None else f"{row.fraction * 100:.0f} %"
    of = f"{row.scope} {row.name}" if row.scope else "all"
    return [row.title, of, row.used or "·", row.limit, full or "·", _bar(row.fraction), row.effect, row.key, row.source]


def _bar(fraction: Decimal | None) -> str:
    if fraction is None:
        return ""
    filled = min(_BAR, max(0, int(fraction * _BAR)))
    return "━" * filled + "─" * (_BAR - filled)


def _print_state(view: RiskView) -> None:
    emit(f"{view.account_id}: {view.state.value}")
    for stop in view.stops:
        emit(f"{stop.kind} of {stop.amount:,.2f} reached {stop.limit:,.2f}: only what reduces, until {stop.until}")
    for one in view.paused:
        emit(f"{one.instrument_id} is paused after {one.count} refusals alike: {one.reason or 'no reason given'}")
    for problem in view.problems:
        say(problem)


def _print_waiting(found: tuple[WaitingRaise, ...], wall_ns: int) -> None:
    for one in found:
        of = f" of {one.scope} {one.name}" if one.scope else ""
        left = max(0, one.acts_at - wall_ns) // _SECOND
        emit(
            f"waits {left} s   {one.key}{of}: {one.old or 'none'} → {one.new or 'none'}   {one.change_id}   {one.actor}"
        )


def _print_answer(answer: LimitAnswer) -> None:
    of = f" of {answer.scope} {answer.name}" if answer.scope else ""
    change = f"{answer.key}{of}: {answer.old or 'none'} → {answer.new or 'what the files say'}"
    if not answer.waits:
        emit(f"{change}, from now on.")
        return
    emit(f"{change}, in 60 s. Take it back with: sp limits withdraw {answer.change_id}")
    if is_terminal():
        _count_down(answer.acts_at)


def _count_down(acts_at: int) -> None:
    """Seconds left, while somebody watches; leaving it changes nothing."""
    from stockpulse_engine.base.clock import WallClock

    clock = WallClock()
    try:
        while (left := (acts_at - clock.now_ns()) // _SECOND) > 0:
            sys.stderr.write(f"\r… in force in {left} s (Ctrl+C leaves it waiting) ")
            sys.stderr.flush()
            time.sleep(1)
    except KeyboardInterrupt:
        say("\nIt goes on waiting; `sp limits waiting` shows it.")
    else:
        say("\nIn force.")


def register(app: typer.Typer) -> None:
    """Add the commands of this subject."""
    limits_app.callback(invoke_without_command=True, help=help_text(show))(show)
    add_command(limits_app, set_limit, name="set")
    add_command(limits_app, waiting)
    add_command(limits_app, withdraw)
    add_command(limits_app, release)
    app.add_typer(limits_app, name="limits")

"""Commands on our figures and the broker's: `sp reconcile`."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import typer

from stockpulse_engine.cli.asking import ask_word
from stockpulse_engine.cli.link import engine, request_id
from stockpulse_engine.cli.options import JsonFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_table, number
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.client import calls
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.money import parse_decimal
from stockpulse_engine.domain.views import ReconcileRow, ReconcileView
from stockpulse_engine.render.format import iso_utc
from stockpulse_engine.wire.rest import ExplainSuspense

OPEN = 1
"""Exit code while a difference waits for a person."""
EXPLAIN = "explain"


def reconcile(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[ACCOUNT | explain ID]", help="All accounts if left out.")
    ] = None,
    accept: Annotated[bool, typer.Option("--accept", help="The broker is right: post what it shows.")] = False,
    ignore: Annotated[bool, typer.Option("--ignore", help="We are right: leave it standing, known.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stays in the journal.")] = "",
    price: Annotated[str, typer.Option("--price", help="What accepted shares cost; else the market's price.")] = "",
    word: Annotated[str, typer.Option("--word", help="ACCEPT or IGNORE, instead of being asked.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Compare our figures with the broker's now; or say which side of a difference is right.

    The exit code is 1 while something waits for an explanation: its symbol takes no new orders until then.

    Example: sp reconcile
    Example: sp reconcile explain S4F2A --accept --reason 'transferred in'
    Example: sp reconcile explain S4F2A --ignore --reason 'the broker corrects it tonight'
    """
    given = words or []
    if given[:1] == [EXPLAIN]:
        views = _explain(given[1:], (accept, ignore), reason=reason, price=price, word=word)
    elif len(given) > 1:
        raise InvalidValueError("One account, or none for all.", fix="sp reconcile main")
    else:
        views = engine().send(calls.reconcile(given[0] if given else ""))
    if as_json:
        emit_json(views)
    else:
        for view in views:
            _show(view)
    if any(view.is_open for view in views):
        raise typer.Exit(OPEN)


def _explain(given: list[str], sides: tuple[bool, bool], *, reason: str, price: str, word: str) -> list[ReconcileView]:
    if len(given) != 1 or sides[0] == sides[1]:
        raise InvalidValueError(
            "Name one difference and one side.", fix="sp reconcile explain ID --accept --reason 'transferred in'"
        )
    how = "accept" if sides[0] else "ignore"
    cost: Decimal | None = parse_decimal(price, field="--price") if price else None
    told = "This posts what the broker shows." if sides[0] else "Our figure stands, and orders leave again."
    body = ExplainSuspense(
        request_id=request_id(),
        suspense_id=given[0],
        how=how,
        reason=reason,
        price=cost,
        word=word or ask_word(how.upper(), told),
    )
    return engine().send(calls.explain_suspense(body))


def _show(view: ReconcileView) -> None:
    """One account: its figures, then what needs a person."""
    when = iso_utc(view.compared_wall)[:19] + "Z" if view.compared_wall else "never"
    state = "! differs" if view.is_open else "matches"
    emit(f"{view.account_id} at {view.broker}: {state}, compared {when}")
    if view.failure:
        emit(f"! it could not be compared now: {view.failure}")
    if view.rows:
        headings = ("figure", "ours", "broker", "difference", "state", "evidence")
        emit_table(headings, [_row(row) for row in view.rows], left=(0, 4, 5))
    for text in view.order_differences:
        emit(f"! {text}")
    waiting = [row.suspense for row in view.rows if row.suspense is not None and not row.suspense.is_known]
    for one in waiting:
        emit(f"  sp reconcile explain {one.suspense_id} --accept | --ignore --reason '…'")
    emit("")


def _row(row: ReconcileRow) -> list[str]:
    difference = None if row.theirs is None else row.theirs - row.ours
    places = None if row.instrument_id else 2
    return [
        row.instrument_id or "cash",
        number(row.ours, places),
        number(row.theirs, places),
        number(difference, places, sign=True) if difference else "·",
        _state(row),
        _evidence(row),
    ]


def _state(row: ReconcileRow) -> str:
    one = row.suspense
    if one is None:
        return "matches" if row.theirs is not None and row.theirs == row.ours else "not compared"
    if one.is_known:
        return f"{one.suspense_id} known, ours stands"
    return f"! {one.suspense_id} {'blocks' if one.is_blocking else 'open'}"


def _evidence(row: ReconcileRow) -> str:
    one = row.suspense
    if one is None:
        return ""
    fills = f", last fills {' '.join(one.last_fills[:2])}" if one.last_fills else ", no fill of ours"
    return f"since {iso_utc(one.since)[:19]}Z, report {one.report_seq}{fills}"


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    add_command(app, reconcile)

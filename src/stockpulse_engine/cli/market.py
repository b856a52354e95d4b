"""Commands that look at the market: quote, watch, chart, depth, news, market."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import typer

from stockpulse_engine.cli.link import engine
from stockpulse_engine.cli.options import JsonFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_pairs, emit_table, number
from stockpulse_engine.cli.past import AtMoment
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.views import ClockView

Symbols = Annotated[list[str], typer.Argument(metavar="SYMBOL…", help="AAPL, AAPL.XNAS or yahoo:AAPL.")]
NIGHT = 1000
"""Above the fastest speed that can be asked for, a stretch without trading is being crossed."""
STEP_WAIT_S = 120.0
"""How long `sp market step` waits until a long step is played."""
Symbol = Annotated[str, typer.Argument(metavar="SYMBOL", help="AAPL, AAPL.XNAS or yahoo:AAPL.")]


def quote(symbols: Symbols, at: AtMoment = "", as_json: JsonFlag = False) -> None:
    """Best bid and ask, now or as it was known then.

    Example: sp quote AAPL MSFT --json
    Example: sp quote AAPL --at '2013-10-07 11:32'
    """
    if at:
        from stockpulse_engine.cli.past import show_known_quotes

        show_known_quotes(symbols, at, as_json=as_json)
        return
    from stockpulse_engine.cli.quotes import show_quotes

    show_quotes(symbols, as_json=as_json)


def watch(
    symbols: Annotated[list[str], typer.Argument(metavar="SYMBOL…", help="Nothing for all.")] = [],  # noqa: B006 - typer reads the default, nobody writes it
    count: Annotated[int, typer.Option("--count", "-n", min=0, help="Stop after this many changes; 0 runs on.")] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Follow quotes as they change: one line per change, until Ctrl-C.

    Example: sp watch AAPL --json | jq .bid
    """
    from stockpulse_engine.cli.follow import follow_quotes

    follow_quotes(symbols, count=count, as_json=as_json)


def chart(
    symbol: Symbol,
    bar: Annotated[str, typer.Option("--bar", "-b", help="Length of a bar: 1m 5m 15m 1h 1d 1w.")] = "5m",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=5000, help="How many bars.")] = 120,
    study: Annotated[list[str], typer.Option("--study", "-s", help="A study, like 'sma 20' or vwap; may repeat.")] = [],  # noqa: B006 - typer reads the default, nobody writes it
    size: Annotated[str, typer.Option("--size", help="COLUMNSxROWS; the terminal's if left out.")] = "",
    at: AtMoment = "",
    as_json: JsonFlag = False,
) -> None:
    """Candles of an instrument, drawn in the terminal; with --at cut at that moment, the open bar as it stood.

    Example: sp chart AAPL --bar 1d --study 'sma 20'
    Example: sp chart SPY --bar 1m --at '2013-10-07 11:32'
    """
    at_ns = ""
    if at:
        from stockpulse_engine.cli.past import moment
        from stockpulse_engine.client import past

        at_ns = moment(at)
        bars = engine().send(past.bars(symbol, bar, limit, at=at_ns))
    else:
        bars = engine().bars(symbol, bar, limit)
    if as_json:
        emit_json(bars)
        return
    if not bars:
        raise NotFoundError(f"No {bar} bars of {symbol}.", fix="Try another length, like --bar 1d.")
    from stockpulse_engine.cli.draw import draw_chart

    draw_chart(symbol, bars, studies=study, size=size, at=at_ns)


def depth(symbol: Symbol, as_json: JsonFlag = False) -> None:
    """The visible book: ten levels a side where the venue shows them.

    Example: sp depth AAPL
    """
    book = engine().depth(symbol)
    if as_json:
        emit_json(book)
        return
    rows = []
    for level in range(max(len(book.bids), len(book.asks))):
        bid = book.bids[level] if level < len(book.bids) else None
        ask = book.asks[level] if level < len(book.asks) else None
        rows.append(
            [
                number(bid.size if bid else None),
                number(bid.price if bid else None),
                number(ask.price if ask else None),
                number(ask.size if ask else None),
            ]
        )
    emit_table(("size", "bid", "ask", "size"), rows, left=())


def news(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=500, help="How many lines.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """Latest headlines, newest first.

    Example: sp news -n 5
    """
    items = engine().news(limit)
    if as_json:
        emit_json(items)
        return
    if not items:
        emit("No headline yet in this session.")
        return
    from stockpulse_engine.render.format import iso_utc

    tones = {1: "+", -1: "-", 0: " "}
    rows = [
        [iso_utc(one.ts_event)[11:19], tones.get(one.tone, " "), " ".join(one.instrument_ids), one.headline]
        for one in items
    ]
    emit_table(("utc", "", "instrument", "headline"), rows, left=(0, 1, 2, 3))


def market(
    action: Annotated[str, typer.Argument(help="clock, speed, pause, resume or step.")] = "clock",
    value: Annotated[float, typer.Argument(help="Speed (0.1 … 1000), or seconds to step.")] = 1.0,
    as_json: JsonFlag = False,
) -> None:
    """Market time: where it stands; in sim and replay also its speed, pause and step.

    Example: sp market speed 20
    """
    if action == "clock":
        view = engine().clock()
    else:
        step_ns = round(Decimal(str(value)) * 1_000_000_000) if action == "step" else 0
        view = engine().control_market(action, speed=value, step_ns=step_ns)
        if view.is_stepping:
            view = played(view)
    show_clock(view, as_json=as_json)


def show_clock(view: ClockView, *, as_json: bool) -> None:
    """Market time, for people or programs."""
    if as_json:
        emit_json(view)
        return
    from stockpulse_engine.render.format import format_clock, format_countdown, format_date

    paused = "paused, a step is still being played" if view.is_stepping else "paused"
    speed = paused if view.is_paused else f"{view.speed:,.0f}×" if view.speed >= NIGHT else f"{view.speed:g}×"
    now = f"{format_date(view.market_ns, view.time_zone)} {format_clock(view.market_ns, view.time_zone)}"
    emit_pairs(
        [
            ("world", view.world),
            ("time", f"{now} {view.time_zone}"),
            ("speed", speed),
            ("session", f"{view.session_date}{' (half day)' if view.is_half_day else ''}"),
            ("phase", view.phase),
            ("next", f"{view.next_phase} in {format_countdown(view.next_change_ns - view.market_ns)}"),
        ]
    )


def played(view: ClockView) -> ClockView:
    """The clock once a long step is played; what it says by then when that takes longer than anybody waits."""
    from stockpulse_engine.base.wait import wait_until

    seen = [view]

    def is_done() -> bool:
        seen[0] = engine().clock()
        return not seen[0].is_stepping

    wait_until(is_done, STEP_WAIT_S)
    return seen[0]


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    for command in (quote, watch, chart, depth, news, market):
        add_command(app, command)

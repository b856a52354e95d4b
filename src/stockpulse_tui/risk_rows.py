"""Risk as rows of spans. Pure: every number comes from the engine as it is."""

from __future__ import annotations

from typing import Final

from msgspec import structs

from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.risk import ExposureRow, LimitRow, RiskView, WaitingRaise
from stockpulse_engine.render.bar import signed_bar, thin_bar, use_token
from stockpulse_engine.render.format import format_age, format_money, format_percent, format_quantity
from stockpulse_engine.render.glyphs import Glyphs
from stockpulse_engine.render.span import Line, Span, fit, spread
from stockpulse_engine.render.table import Cell, Column, Row

BAR: Final = 14
SIDES: Final = 9
SECOND: Final = 1_000_000_000
_SEE: Final = 0.85
STATE_TOKENS: Final = {TradingState.ACTIVE: "up", TradingState.REDUCING: "warn", TradingState.HALTED: "danger"}
STATE_WORDS: Final = {
    TradingState.ACTIVE: "everything may leave",
    TradingState.REDUCING: "only what reduces",
    TradingState.HALTED: "nothing but cancels",
}

LIMIT_COLUMNS: Final = (
    Column(title="limit", width=21, is_right=False),
    Column(title="used", width=9),
    Column(title="0 %      100 %", width=BAR, is_right=False),
    Column(title="limit", width=10),
    Column(title="when reached", width=16, is_right=False),
    Column(title="of", width=14, is_right=False, drop=3),
    Column(title="from", width=22, is_right=False, drop=2),
    Column(title="key", width=30, is_right=False, drop=1, grow=True),
)
_WIDE: Final = (26, 9, BAR, 10, 18, 24, 30, 30)
WIDE_COLUMNS: Final = tuple(
    structs.replace(column, width=width) for column, width in zip(LIMIT_COLUMNS, _WIDE, strict=True)
)
"""The same where there is room for whole words."""
EXPOSURE_COLUMNS: Final = (
    Column(title="symbol", width=8, is_right=False),
    Column(title="held", width=7, drop=2),
    Column(title="value", width=11),
    Column(title="side", width=SIDES, is_right=False),
    Column(title="weight", width=7),
    Column(title="worst", width=7, drop=1),
)


def limit_row(row: LimitRow, glyphs: Glyphs) -> Row:
    """One limit: what is used, its bar, what happens when it is full."""
    share = float(row.fraction) if row.fraction is not None else None
    token = "text" if share is None else {"accent": "text"}.get(use_token(share), use_token(share))
    bar: Line = () if share is None else thin_bar(share, BAR, glyphs=glyphs)
    effect = row.effect if share is None or share < _SEE else f"! {row.effect}"
    return Row(
        cells=(
            Cell(row.title, "strong", bold=share is not None and share >= _SEE),
            Cell(row.used or glyphs.nothing, token if row.used else "faint"),
            Cell("", parts=bar),
            Cell(row.limit, "muted"),
            Cell(effect, token if share is not None and share >= _SEE else "muted"),
            Cell(f"{row.scope} {row.name}" if row.scope else "all", "muted" if row.scope else "faint"),
            Cell(row.source, "muted" if row.source != "default" else "faint"),
            Cell(row.key, "faint"),
        )
    )


def detail_lines(row: LimitRow) -> list[Line]:
    """What stands behind one limit: its key and value, whose it is, and who set it."""
    of = f"{row.scope} {row.name}" if row.scope else "everybody"
    return [
        (Span("  "), Span(f"{row.key} = {row.value}", "strong"), Span(f"   of {of}   {row.source}", "muted")),
        (Span("  "), Span("e", "accent", bold=True), Span(" sets it: tighter at once, looser after 60 s", "muted")),
    ]


def plain_limit(row: LimitRow) -> dict[str, str]:
    """The same as texts, for copying and explaining."""
    return {
        "limit": row.title,
        "used": row.used,
        "of": f"{row.scope} {row.name}" if row.scope else "all",
        "when reached": row.effect,
        "from": row.source,
        "key": row.key,
        "value": row.value,
    }


def exposure_row(row: ExposureRow, glyphs: Glyphs) -> Row:
    """One instrument: what it is worth, to which side, and its part of equity."""
    token = "up" if row.value > 0 else "down" if row.value < 0 else "faint"
    return Row(
        cells=(
            Cell(symbol_of(row.instrument_id), "strong", bold=True),
            Cell(format_quantity(row.quantity, signed=True) if row.quantity else glyphs.nothing, "text"),
            Cell(format_money(row.value, signed=True) if row.value else glyphs.nothing, token),
            Cell("", parts=signed_bar(float(row.bar), SIDES, glyphs=glyphs)),
            Cell(_part(row.weight, signed=True), "text"),
            Cell(_part(row.worst), "muted"),
        )
    )


def _part(value: object, *, signed: bool = False) -> str:
    from decimal import Decimal

    return format_percent(value, places=1, signed=signed) if isinstance(value, Decimal) else "?"


def now_lines(view: RiskView, now_ns: int, width: int, glyphs: Glyphs) -> list[Line]:
    """State, money, worst cases, what waits and the kill switch, one below the other."""
    return [
        *_state(view, now_ns, width, glyphs),
        (),
        *_money(view, width),
        *_waiting(view.waiting, now_ns, width, glyphs),
        *_paused(view, now_ns, width),
        (),
        *_kill(view, now_ns, width),
    ]


def _state(view: RiskView, now_ns: int, width: int, glyphs: Glyphs) -> list[Line]:
    token = STATE_TOKENS[view.state]
    age = now_ns - view.stops[-1].since if view.stops else view.as_of - view.halt.since
    since = f"  {format_age(max(0, age))}" if view.halt.since or view.stops else ""
    head = (Span(f" {glyphs.on} ", token), Span(view.state.value, token, bold=True), Span(since, "muted"))
    lines = [spread(head, (Span(f"{STATE_WORDS[view.state]} ", "muted"),), width)]
    for stop in view.stops:
        reached = f"   {stop.kind} {format_money(stop.amount)} of {format_money(stop.limit)}"
        lines.append((Span(reached, "danger", bold=True),))
        lines.append((Span(f"   until {stop.until}", "warn"),))
    if view.halt.reason and view.halt.state is not TradingState.ACTIVE:
        lines.append(fit((Span(f"   {view.halt.reason}, by {view.halt.actor}", "muted"),), width))
    return lines


def _money(view: RiskView, width: int) -> list[Line]:
    day = f"{format_money(view.day_pnl, signed=True)}  {format_percent(view.day_fraction)}"
    token = "up" if view.day_pnl > 0 else "down" if view.day_pnl < 0 else "text"
    unknown = view.unknown_orders
    return [
        _pair("day P&L", day, width, token),
        _pair("loss left today", format_money(view.loss_left), width, "danger" if view.loss_left <= 0 else "text"),
        _pair("off peak", f"{format_money(view.fall)} of {format_money(view.peak)}", width),
        _pair("gross", f"{format_money(view.gross)}  {_weight(view.gross_weight)}", width),
        _pair("net", f"{format_money(view.net, signed=True)}  {_weight(view.net_weight)}", width),
        _pair(f"{view.open_orders} open orders at worst", format_money(view.open_notional), width),
        _pair(f"{unknown} unknown at worst", format_money(view.unknown_worst), width, "danger" if unknown else "faint"),
    ]


def _weight(value: object) -> str:
    return _part(value).rjust(7)


def _waiting(waiting: tuple[WaitingRaise, ...], now_ns: int, width: int, glyphs: Glyphs) -> list[Line]:
    lines: list[Line] = []
    for one in waiting:
        left = max(0, one.acts_at - now_ns)
        waited = 1 - left / max(1, one.acts_at - one.recorded_at)
        of = f" {one.name}" if one.name else ""
        words = f"{one.title}{of} {one.old or 'none'} {glyphs.arrow} {one.new or 'default'}"
        lines.append(_pair(words, f"in {-(-left // SECOND)} s", width, "warn"))
        bar = thin_bar(waited, max(4, width - 4), token="warn", glyphs=glyphs)  # noqa: S106 - a colour
        lines.append((Span("   "), *bar))
    return [(), *lines] if lines else []


def _paused(view: RiskView, now_ns: int, width: int) -> list[Line]:
    lines = []
    for one in view.paused:
        left = -(-max(0, one.probe_at - now_ns) // SECOND)
        when = f"try in {left} s" if left else "may try now"
        words = f"{symbol_of(one.instrument_id)} paused: {one.count} x {one.reason or 'refused'}"
        lines.append(_pair(words, when, width, "warn"))
    return lines


def _kill(view: RiskView, now_ns: int, width: int) -> list[Line]:
    kill = view.kill
    if not kill.halted_at:
        return [
            _pair("kill switch", "never pulled", width, "warn"),
            (Span("   try it on paper: !! halts, : RESUME", "muted"),),
        ]
    ago = f"{format_age(max(0, now_ns - kill.halted_at))} ago"
    took = format_age(kill.resumed_at - kill.halted_at) if kill.resumed_at else ""
    back = f"back in {took}" if took else "not resumed"
    return [
        _pair("kill switch", f"proved {ago}", width, "up"),
        _pair(f"  {kill.reason or 'no reason'}, {kill.actor}", back, width, "muted"),
    ]


def _pair(name: str, value: str, width: int, fg: str = "text") -> Line:
    room = max(0, width - len(value) - 5)
    return spread((Span(f"   {name[:room]}", "muted"),), (Span(f"{value} ", fg),), width)


def summary_lines(view: RiskView, now_ns: int, width: int, glyphs: Glyphs) -> list[Line]:
    """The same where there is little room: state, day, worst cases, the next raise, the kill switch."""
    half = width // 2
    state, money = _state(view, now_ns, width, glyphs), _money(view, half - 1)
    pairs = [(*fit(money[left], half), *money[right]) for left, right in ((0, 1), (3, 4), (5, 6))]
    waiting = _waiting(view.waiting[:1], now_ns, width, glyphs)[1:2]
    kill = _kill(view, now_ns, width)[:1]
    return [*state, *pairs, *waiting, *kill]

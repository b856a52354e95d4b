"""The header row: whose money, whether a key sends, what it is worth, what time it is."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.views import AccountView, ClockView
from stockpulse_engine.render.format import (
    format_clock,
    format_countdown,
    format_date,
    format_day,
    format_money,
    format_number,
    format_percent,
    zone_label,
)
from stockpulse_engine.render.span import Line, Span, line_width, spread
from stockpulse_tui.painter import cells
from stockpulse_tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from textual import events

SECOND_NS = 1_000_000_000
GAP = 3
"""Cells that must stay free between the two halves and at the end."""
DROP_ORDER = (
    "date", "world", "alerts", "unknown0", "working", "net", "loss", "gross", "left", "replay", "day",
)  # fmt: skip
"""What gives way first; badges, account, equity and clock never do."""
_PHASES = {
    "CLOSED": "closed",
    "PRE": "pre-market",
    "OPENING_AUCTION": "opening auction",
    "OPEN": "open",
    "CLOSING_AUCTION": "closing auction",
    "POST": "after hours",
}


class HeaderFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the row is drawn from."""

    account: AccountView | None = None
    state: TradingState = TradingState.ACTIVE
    armed_until: int = 0
    """Wall time; 0 while safe."""
    wall_ns: int = 0
    market_ns: int = 0
    clock: ClockView | None = None
    unknown: int = 0
    working: int = 0
    alerts: int = 0
    is_read_only: bool = False
    rewound: bool = False
    """Account, amounts and clock are of a moment of the past; the rest is of now."""
    is_drilling: bool = False
    """A drill runs beside this head, in a home of its own."""
    is_lost: bool = False
    """The engine is silent: amounts are as they were and turn grey."""


def frame_tokens(facts: HeaderFacts) -> tuple[str, str] | None:
    """Foreground and background of the frame while a key sends, None while it does not."""
    if not facts.armed_until or facts.state is TradingState.HALTED:
        return None
    kind = badge_kind(facts).lower()
    return f"{kind}_fg", f"{kind}_bg"


def badge_kind(facts: HeaderFacts) -> str:
    """PAPER or LIVE."""
    return facts.account.account.kind.value if facts.account else "PAPER"


def part_at(facts: HeaderFacts, width: int, x: int) -> str:
    """Name of the account's number under a column, "" where there is none."""
    start = 0
    for name, spans in _fitting(facts, width).items():
        end = start + line_width(spans)
        if name not in _RIGHT and start <= x < end:
            return {"loss": "loss left"}.get(name, name) if name in _EXPLAINED else ""
        start = end if name not in _RIGHT else start
    return ""


_EXPLAINED = ("equity", "day", "gross", "net", "loss")


def header_line(facts: HeaderFacts, width: int) -> Line:
    """The row, with what does not fit dropped in the fixed order."""
    parts = _fitting(facts, width)
    left = [span for key, spans in parts.items() if key not in _RIGHT for span in spans]
    right = [span for key in _RIGHT if key in parts for span in parts[key]]
    if facts.is_lost:
        badges = len(parts["badges"])
        left = [*left[:badges], *(Span(span.text, "faint", span.bg, span.bold) for span in left[badges:])]
    frame = frame_tokens(facts)
    line = spread(left, (*right, Span(" ")), width)
    return line if frame is None else tuple(_framed(span, frame) for span in line)


def _fitting(facts: HeaderFacts, width: int) -> dict[str, Line]:
    parts = {**_left_parts(facts), **_right_parts(facts)}
    for name in DROP_ORDER:
        if sum(line_width(spans) for spans in parts.values()) + GAP <= width:
            break
        parts.pop(name, None)
    return parts


_RIGHT = ("world", "replay", "pace", "phase", "left", "date", "clock")


def _framed(span: Span, frame: tuple[str, str]) -> Span:
    return Span(span.text, frame[0], frame[1], span.bold)


def _left_parts(facts: HeaderFacts) -> dict[str, Line]:
    parts: dict[str, Line] = {"badges": (*_drill(facts), *_badges(facts))}
    if facts.unknown:
        parts["unknown"] = (Span(f" ! UNKNOWN {facts.unknown} ", "warn", "warn_bg", bold=True),)
    view = facts.account
    if view is None:
        parts["account"] = (Span("  "), Span("no account", "muted"))
        return parts
    parts["account"] = (Span(" "), Span(cells(clean_line(view.account.account_id, 24)), "text"))
    parts["equity"] = (
        Span("  "),
        Span(format_money(view.equity), "strong", bold=True),
        Span(f" {view.account.currency[:4]}", "muted"),
    )
    parts["day"] = (*_label("day"), *_day(view))
    if view.equity > 0:
        parts["gross"] = (
            *_label("gross"),
            Span(format_percent(view.gross_exposure / view.equity, places=0, signed=False)),
        )
    if view.loss_left is not None:
        parts["loss"] = (*_label("loss left"), Span(format_number(view.loss_left, 0)))
    if view.equity > 0:
        parts["net"] = (*_label("net"), Span(format_percent(view.net_exposure / view.equity, places=0)))
    parts["working"] = (*_label("working"), Span(str(facts.working)))
    if not facts.unknown:
        parts["unknown0"] = (*_label("UNKNOWN"), Span("0"))
    parts["alerts"] = (*_label("alerts"), Span(str(facts.alerts)))
    return parts


def _label(word: str) -> Line:
    return (Span("  "), Span(f"{word} ", "muted"))


def _day(view: AccountView) -> Line:
    token = "up" if view.day_pnl > 0 else "down" if view.day_pnl < 0 else "text"
    ratio = view.day_pnl / view.equity_open if view.equity_open else Decimal(0)
    return (
        Span(format_money(view.day_pnl, signed=True), token, bold=True),
        Span(f" {format_percent(ratio)}", token),
    )


def _drill(facts: HeaderFacts) -> Line:
    """Before whose money it is: numbers beside it are this account's, the drill has a copy of its own."""
    return (Span(" DRILL ", "model", "model_bg", bold=True),) if facts.is_drilling else ()


def _badges(facts: HeaderFacts) -> Line:
    kind = badge_kind(facts)
    whose = Span(f" {kind} ", f"{kind.lower()}_fg", f"{kind.lower()}_bg", bold=True)
    if facts.rewound:
        halted = (Span(" HALTED ", "danger", "warn_bg", bold=True),) if facts.state is TradingState.HALTED else ()
        return (whose, *halted, Span(" REWOUND ", "warn", "warn_bg", bold=True))
    if facts.state is TradingState.HALTED:
        return (whose, Span(" HALTED ", "danger", "warn_bg", bold=True))
    if facts.is_read_only:
        return (whose, Span(" READ ONLY ", "warn", "warn_bg", bold=True))
    reducing = (Span(" REDUCE ONLY ", "warn", "warn_bg", bold=True),) if facts.state is TradingState.REDUCING else ()
    if facts.armed_until:
        left = facts.armed_until - facts.wall_ns
        return (
            whose,
            Span("● ARMED ", bold=True),
            Span(f"{format_countdown(left)} ", bold=left < 60 * SECOND_NS),
            *reducing,
        )
    return (whose, *(reducing or (Span(" SAFE ", "safe_fg", "safe_bg"),)))


def _right_parts(facts: HeaderFacts) -> dict[str, Line]:
    clock = facts.clock
    if clock is None:
        return {"clock": (Span("no market time yet", "muted"),)}
    now = facts.market_ns
    if facts.rewound:
        when = f"@ {format_date(now, clock.time_zone)} {format_clock(now, clock.time_zone)}"
        return {"clock": (Span(f"{when} {zone_label(clock.time_zone)}", "warn", bold=True),)}
    phase = _PHASES.get(clock.phase, clock.phase.lower())
    parts: dict[str, Line] = {"phase": (Span(phase), Span("  "))}
    if clock.next_change_ns > now:
        parts["phase"] = (Span(phase),)
        parts["left"] = (Span(f" {format_countdown(clock.next_change_ns - now)} left"),)
        parts["clock"] = (Span("  "), Span(f"{format_clock(now, clock.time_zone)} {zone_label(clock.time_zone)}"))
    else:
        parts["clock"] = (Span(f"{format_clock(now, clock.time_zone)} {zone_label(clock.time_zone)}"),)
    parts["date"] = (Span("  "), Span(format_day(now, clock.time_zone), "text"))
    speed = f"{clock.speed:g}× " if clock.speed != 1 else ""
    if speed or clock.is_paused:
        parts["pace"] = (Span(f"{speed}{'PAUSED ' if clock.is_paused else ''} ", "warn", bold=True),)
    name = cells(clean_line(clock.world, 32))
    is_replay = name.startswith("replay:")
    parts["replay" if is_replay else "world"] = (Span(f"{name} " if is_replay else f"{name}  ", "muted"),)
    return parts


class Header(LineView):
    """The first row of the screen."""

    DEFAULT_CSS = "Header { height: 1; }"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """One row."""
        return [header_line(self.shell.status.header(), width)]

    def on_click(self, event: events.Click) -> None:
        """A click on a number explains it, as `EXPLAIN equity` does."""
        name = part_at(self.shell.status.header(), self.size.width, event.x)
        if name:
            self.shell.dispatch.run_line(f"EXPLAIN {name}")

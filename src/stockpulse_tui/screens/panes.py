"""The panes there are. One line makes a pane exist: on the desk, and on its own digit when it names one.

`target` is `module:class`, imported when first shown. A pane whose line is not here is absent everywhere: no tab, no
empty frame, no key. Others plug in by adding a line.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import msgspec

from stockpulse_tui.widgets.panel import Panel

if TYPE_CHECKING:
    from stockpulse_tui.screens.base import View


class PaneSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How to find a pane: `name` is its slot, `screen` the action that shows it alone ("" for none)."""

    name: str
    target: str
    screen: str = ""
    on_desk: bool = True


PANES: tuple[PaneSpec, ...] = (
    PaneSpec(name="watchlist", target="stockpulse_tui.widgets.board:Board"),
    PaneSpec(name="chart", target="stockpulse_tui.widgets.chart:Chart", screen="screen.chart"),
    PaneSpec(name="ticket", target="stockpulse_tui.widgets.ticket:TicketPane"),
    PaneSpec(name="orders", target="stockpulse_tui.widgets.blotter:Blotter", screen="screen.orders"),
    PaneSpec(name="life", target="stockpulse_tui.widgets.life:Life", screen="screen.orders", on_desk=False),
    PaneSpec(name="positions", target="stockpulse_tui.widgets.positions:Positions", screen="screen.positions"),
    PaneSpec(name="lots", target="stockpulse_tui.widgets.lots:Lots", screen="screen.positions", on_desk=False),
    PaneSpec(name="equity", target="stockpulse_tui.widgets.equity:Equity", screen="screen.positions", on_desk=False),
    PaneSpec(name="ladder", target="stockpulse_tui.widgets.ladder:Ladder", screen="screen.ladder"),
    PaneSpec(name="tape", target="stockpulse_tui.widgets.tape:Tape", screen="screen.ladder", on_desk=False),
    PaneSpec(name="cursor", target="stockpulse_tui.widgets.at_cursor:AtCursor", screen="screen.ladder", on_desk=False),
    PaneSpec(name="mine", target="stockpulse_tui.widgets.ladder_orders:LadderOrders", on_desk=False),
    PaneSpec(name="day", target="stockpulse_tui.widgets.day:Day", screen="day.review", on_desk=False),
    PaneSpec(name="dayorder", target="stockpulse_tui.widgets.day_order:DayOrderPane", on_desk=False),
    PaneSpec(name="sql", target="stockpulse_tui.widgets.sql_editor:SqlEditor", screen="history.sql", on_desk=False),
    PaneSpec(name="result", target="stockpulse_tui.widgets.sql_result:SqlResult", on_desk=False),
    PaneSpec(name="views", target="stockpulse_tui.widgets.sql_views:SqlViews", on_desk=False),
    PaneSpec(name="limits", target="stockpulse_tui.widgets.risk_limits:Limits", screen="screen.risk", on_desk=False),
    PaneSpec(name="risknow", target="stockpulse_tui.widgets.risk_now:RiskNow", on_desk=False),
    PaneSpec(name="exposure", target="stockpulse_tui.widgets.risk_exposure:RiskExposure", on_desk=False),
    PaneSpec(name="jobs", target="stockpulse_tui.widgets.jobs:Jobs", screen="screen.jobs", on_desk=False),
    PaneSpec(name="today", target="stockpulse_tui.widgets.job_lanes:JobLanes", on_desk=False),
    PaneSpec(name="joblog", target="stockpulse_tui.widgets.job_log:JobLogPane", on_desk=False),
    PaneSpec(name="drillscore", target="stockpulse_tui.widgets.drill:DrillScore", screen="drill.show", on_desk=False),
    PaneSpec(name="drillfaults", target="stockpulse_tui.widgets.drill:DrillFaults", on_desk=False),
    PaneSpec(name="drillproof", target="stockpulse_tui.widgets.drill:DrillProof", on_desk=False),
    PaneSpec(name="news", target="stockpulse_tui.widgets.news:News"),
)
"""In the order Tab visits them."""

VIEWS: dict[str, str] = {
    "screen.desk": "stockpulse_tui.screens.desk:Desk",
    "screen.positions": "stockpulse_tui.screens.positions:PositionsView",
    "screen.ladder": "stockpulse_tui.screens.ladder:LadderView",
    "day.review": "stockpulse_tui.screens.day:DayView",
    "screen.orders": "stockpulse_tui.screens.orders:Orders",
    "history.sql": "stockpulse_tui.screens.sql:SqlScreen",
    "screen.risk": "stockpulse_tui.screens.risk:RiskScreen",
    "screen.jobs": "stockpulse_tui.screens.jobs:JobsScreen",
    "drill.show": "stockpulse_tui.screens.drill:DrillScreen",
}
"""Screen action → `module:class` of a view of its own; a screen without a line shows its panes as `Single` does."""


def make_pane(name: str) -> Panel:
    """A new pane of that name."""
    spec = next(spec for spec in PANES if spec.name == name)
    module, _, attribute = spec.target.partition(":")
    made = getattr(import_module(module), attribute)(id=f"pane-{name}")
    assert isinstance(made, Panel)
    return made


def make_view(action_id: str) -> View:
    """A new view for a screen action."""
    target = VIEWS.get(action_id)
    if target is None:
        from stockpulse_tui.screens.single import Single

        return Single(tuple(spec.name for spec in PANES if spec.screen == action_id), action_id=action_id)
    module, _, attribute = target.partition(":")
    made: View = getattr(import_module(module), attribute)()
    return made


def desk_panes() -> tuple[str, ...]:
    """Names of the panes the desk shows."""
    return tuple(spec.name for spec in PANES if spec.on_desk)


def screens_there() -> frozenset[str]:
    """Ids of the screen actions that have something to show."""
    return frozenset({"screen.desk", *(spec.screen for spec in PANES if spec.screen)})

"""Actions of the panes one looks at: lists in general, watchlist, chart."""

from __future__ import annotations

from stockpulse_engine.actions.registry_types import Action, Context

_W, _C, _O, _P, _L = Context.WATCHLIST, Context.CHART, Context.ORDERS, Context.POSITIONS, Context.LADDER
_R, _J, _K, _D = Context.RESULT, Context.JOBS, Context.RISK, Context.DRILL


def _in(contexts: tuple[Context, ...], *keys: str) -> dict[Context, tuple[str, ...]]:
    return dict.fromkeys(contexts, keys)


LISTS = (
    Action(
        id="move.down",
        title="down",
        help="Move the cursor down.",
        group="Moving",
        keys=_in((_W, _O, _P, _L, _R, _J, _K, _D), "j", "Down") | {_C: ("Down",)},
    ),
    Action(
        id="move.up",
        title="up",
        help="Move the cursor up.",
        group="Moving",
        keys=_in((_W, _O, _P, _L, _R, _J, _K, _D), "k", "Up") | {_C: ("Up",)},
    ),
    Action(
        id="move.left",
        title="left",
        help="Move the cursor one cell or one bar to the left.",
        group="Moving",
        keys=_in((_W, _O, _P, _C, _L, _R, _J, _K, _D), "h", "Left"),
    ),
    Action(
        id="move.right",
        title="right",
        help="Move the cursor one cell or one bar to the right.",
        group="Moving",
        keys=_in((_W, _O, _P, _C, _L, _R, _J, _K, _D), "l", "Right"),
    ),
    Action(
        id="move.page_down",
        title="page down",
        help="Move one page down.",
        group="Moving",
        keys=_in((_W, _O, _P, _L, _R, _J, _K, _D), "PageDown"),
    ),
    Action(
        id="move.page_up",
        title="page up",
        help="Move one page up.",
        group="Moving",
        keys=_in((_W, _O, _P, _L, _R, _J, _K, _D), "PageUp"),
    ),
    Action(
        id="move.first",
        title="first",
        help="Go to the first row.",
        group="Moving",
        keys=_in((_W, _O, _P, _R, _J, _K, _D), "gg", "Home"),
    ),
    Action(
        id="move.last",
        title="last",
        help="Go to the last row, or to the newest bar of a chart.",
        group="Moving",
        keys=_in((_W, _O, _P, _C, _R, _J, _K, _D), "G", "End"),
    ),
    Action(
        id="row.open",
        title="open",
        help="Open what is under the cursor: a chart, an order's life, the lots of a position, a cell in full, a log.",
        group="Moving",
        keys=_in((_W, _O, _P, _R, _J, _K, _D), "Enter"),
    ),
    Action(
        id="list.find",
        title="find",
        help="Find a row by its first letters.",
        group="Lists",
        keys=_in((_W, _O, _P, _R, _J, _K, _D), "/"),
    ),
    Action(
        id="list.sort",
        title="sort",
        help="Sort by the next column, back to your own order after the last.",
        group="Lists",
        keys=_in((_W, _O, _P), "s"),
    ),
    Action(
        id="list.reverse",
        title="reverse",
        help="Reverse the order of the sorted column.",
        group="Lists",
        keys=_in((_W, _O, _P), "S"),
    ),
    Action(
        id="pane.zoom",
        title="zoom",
        help="Give the pane the whole screen, or give it back.",
        group="Around",
        keys=_in((_W, _O, _P, _C, _R, _J, _K, _D), "z"),
    ),
    Action(
        id="tab.next",
        title="group",
        help="Show the next group or tab of the pane.",
        group="Lists",
        keys=_in((_W, _O), "]"),
    ),
    Action(
        id="tab.previous",
        title="group back",
        help="Show the previous group or tab of the pane.",
        group="Lists",
        keys=_in((_W, _O), "["),
    ),
)

WATCHLIST = (
    Action(
        id="watch.add",
        title="add",
        help="Add instruments to the group: `AAPL {MSFT,NVDA} SPY`.",
        group="Watchlist",
        codes=("ADD",),
        syntax="ADD instruments",
        keys={_W: ("a",)},
    ),
    Action(
        id="watch.remove",
        title="remove",
        help="Remove the row from the group; `u` brings it back.",
        group="Watchlist",
        keys={_W: ("x",)},
    ),
    Action(
        id="watch.undo",
        title="undo",
        help="Undo the last change of the watchlist.",
        group="Watchlist",
        keys={_W: ("u",)},
    ),
    Action(
        id="watch.lower",
        title="move down",
        help="Move the row one place down in your own order.",
        group="Watchlist",
        keys={_W: ("J",)},
    ),
    Action(
        id="watch.raise",
        title="move up",
        help="Move the row one place up in your own order.",
        group="Watchlist",
        keys={_W: ("K",)},
    ),
)

CHART = (
    Action(
        id="chart.screen_left",
        title="page left",
        help="Move one screen of bars to the left.",
        group="Chart",
        keys={_C: ("H", "PageUp")},
    ),
    Action(
        id="chart.screen_right",
        title="page right",
        help="Move one screen of bars to the right.",
        group="Chart",
        keys={_C: ("L", "PageDown")},
    ),
    Action(
        id="chart.day_left",
        title="day back",
        help="Move to the session before.",
        group="Chart",
        keys={_C: ("{",)},
    ),
    Action(
        id="chart.day_right",
        title="day on",
        help="Move to the session after.",
        group="Chart",
        keys={_C: ("}",)},
    ),
    Action(
        id="chart.zoom_in",
        title="closer",
        help="Fewer, wider bars.",
        group="Chart",
        keys={_C: ("+",)},
    ),
    Action(
        id="chart.zoom_out",
        title="farther",
        help="More, narrower bars.",
        group="Chart",
        keys={_C: ("-",)},
    ),
    Action(
        id="chart.timeframe",
        title="bar",
        help="Next length of a bar: 1m, 5m, 15m, 1h, 1d, 1w.",
        group="Chart",
        codes=("BAR",),
        syntax="BAR length",
        keys={_C: ("t",)},
    ),
    Action(
        id="chart.timeframe_back",
        title="bar back",
        help="Previous length of a bar.",
        group="Chart",
        keys={_C: ("T",)},
    ),
    Action(
        id="chart.intraday",
        title="today",
        help="Show today in minute bars.",
        group="Chart",
        codes=("GIP",),
        syntax="GIP instrument",
        cli="chart {instrument} --bar 1m",
        needs_instrument=True,
    ),
    Action(
        id="chart.study",
        title="study",
        help="Add a study by its name and parameters: any of TA-Lib's or of ours, like `rsi 14`, `vwap` or `ichimoku`.",
        group="Chart",
        codes=("STUDY",),
        syntax="STUDY name [parameters]",
        keys={_C: ("i",)},
    ),
    Action(
        id="chart.study_remove",
        title="less",
        help="Remove the study added last.",
        group="Chart",
        keys={_C: ("I",)},
    ),
    Action(
        id="chart.crosshair",
        title="cross-hair",
        help="Show or hide the cross-hair.",
        group="Chart",
        keys={_C: ("x",)},
    ),
    Action(
        id="chart.style",
        title="style",
        help="Change between candles and a line of closes.",
        group="Chart",
        keys={_C: ("m",)},
    ),
)

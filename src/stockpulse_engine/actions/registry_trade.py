"""Actions of the panes one trades from: ticket, trade line, orders, positions, ladder."""

from __future__ import annotations

from stockpulse_engine.actions.registry_types import Action, Context, Role, Scope

_T, _C, _O, _P, _L = Context.TICKET, Context.CHART, Context.ORDERS, Context.POSITIONS, Context.LADDER


def _trade(
    action_id: str,
    title: str,
    help_text: str,
    group: str,
    **more: object,
) -> Action:
    fields: dict[str, object] = {"role": Role.TRADER, "scope": Scope.ENGINE, **more}
    return Action(id=action_id, title=title, help=help_text, group=group, **fields)  # type: ignore[arg-type] # fields of Action


TICKET = (
    _trade(
        "ticket.send",
        "send or stage",
        "Send the order when armed, else keep it staged under Working.",
        "Ticket",
        keys={_T: ("Enter",)},
    ),
    _trade(
        "ticket.discard",
        "discard",
        "Throw the order away; nothing was sent.",
        "Ticket",
        keys={_T: ("Esc",)},
        scope=Scope.HEAD,
    ),
    _trade(
        "ticket.explain",
        "explain row",
        "Explain the marked row of the preview.",
        "Ticket",
        keys={_T: ("w", "F3")},
        role=Role.VIEWER,
        scope=Scope.HEAD,
    ),
    _trade(
        "ticket.copy_cli",
        "copy CLI",
        "Copy the order as a shell line.",
        "Ticket",
        keys={_T: ("Ctrl+Y", "c")},
        role=Role.VIEWER,
        scope=Scope.HEAD,
    ),
    _trade(
        "ticket.duplicate",
        "again",
        "Start the same order once more, as an intent of its own.",
        "Ticket",
        keys={_T: ("d",)},
        scope=Scope.HEAD,
    ),
    _trade(
        "ticket.nearest",
        "nearest size",
        "Take the largest quantity that the pre-trade checks would pass.",
        "Ticket",
        keys={_T: ("Ctrl+N", "n")},
        scope=Scope.HEAD,
    ),
)

LINE = (
    _trade(
        "line.lower",
        "price down",
        "Move the trade line or the picked order down by one tick.",
        "Trade line",
        keys={_C: ("j",)},
        scope=Scope.HEAD,
    ),
    _trade(
        "line.raise",
        "price up",
        "Move the trade line or the picked order up by one tick.",
        "Trade line",
        keys={_C: ("k",)},
        scope=Scope.HEAD,
    ),
    _trade(
        "line.lower_ten",
        "ten down",
        "Move it down by ten ticks.",
        "Trade line",
        keys={_C: ("J",), _L: ("J",)},
        scope=Scope.HEAD,
    ),
    _trade(
        "line.raise_ten",
        "ten up",
        "Move it up by ten ticks.",
        "Trade line",
        keys={_C: ("K",), _L: ("K",)},
        scope=Scope.HEAD,
    ),
    _trade(
        "line.send",
        "send or stage",
        "Send the trade line or the moved order when armed, else stage it.",
        "Trade line",
        keys={_C: ("Enter",), _L: ("Enter",)},
    ),
    _trade(
        "line.size",
        "size",
        "Type the quantity of the trade line.",
        "Trade line",
        keys={_C: ("#",), _L: ("#",)},
        scope=Scope.HEAD,
    ),
    _trade(
        "order.pick",
        "pick order",
        "Pick the next working order to move its price.",
        "Trade line",
        keys={_C: ("o",), _L: ("o",), _O: ("o",)},
        scope=Scope.HEAD,
    ),
    _trade(
        "order.pick_bracket",
        "pick bracket",
        "Pick a whole bracket to move it as one.",
        "Trade line",
        keys={_C: ("O",), _L: ("O",)},
        scope=Scope.HEAD,
    ),
)

ORDERS = (
    _trade(
        "order.cancel",
        "cancel",
        "Cancel the order under the cursor; on the ladder, all of yours at that price.",
        "Orders",
        codes=("CANCEL",),
        syntax="CANCEL order",
        keys={_O: ("c",), _L: ("c",), _C: ("c",)},
        cli="cancel ORDER",
    ),
    _trade(
        "order.cancel_many",
        "cancel by pattern",
        "Cancel every working order whose symbol matches a pattern such as `AAPL*`.",
        "Orders",
        codes=("CANCELALL",),
        syntax="CANCELALL [pattern]",
        keys={_O: ("C",), _L: ("C",)},
        cli="cancel --all 'AAPL*'",
    ),
    _trade(
        "order.modify",
        "modify",
        "Change quantity or prices of the order under the cursor.",
        "Orders",
        codes=("MODIFY",),
        syntax="MODIFY order",
        keys={_O: ("m",)},
        cli="modify ORDER --limit 231.40",
    ),
    _trade(
        "order.duplicate",
        "duplicate",
        "Open a ticket with the same terms.",
        "Orders",
        keys={_O: ("d",)},
        scope=Scope.HEAD,
    ),
    _trade(
        "order.unknown",
        "unknown",
        "Show the orders whose outcome is unknown.",
        "Orders",
        keys={_O: ("u",)},
        role=Role.VIEWER,
        scope=Scope.HEAD,
    ),
    _trade(
        "order.why",
        "why",
        "Tell the life of the order in milliseconds, with each refusal in words.",
        "Orders",
        codes=("WHY",),
        syntax="WHY order",
        keys={_O: ("w",)},
        cli="why ORDER",
        role=Role.VIEWER,
        scope=Scope.HEAD,
    ),
)

POSITIONS = (
    _trade(
        "position.close",
        "close",
        "Open a ticket that closes the position under the cursor.",
        "Positions",
        keys={_P: ("x",)},
    ),
    _trade(
        "position.close_half",
        "close half",
        "Open a ticket that closes half of the position.",
        "Positions",
        keys={_P: ("X",)},
    ),
    _trade(
        "position.reverse",
        "reverse",
        "Open a ticket that turns the position to the other side.",
        "Positions",
        keys={_P: ("R",)},
    ),
    _trade(
        "position.stop",
        "attach stop",
        "Open a ticket with a protective stop for the position.",
        "Positions",
        keys={_P: ("T",)},
    ),
    _trade(
        "position.lots",
        "lots",
        "Show the lots of the position, and pick which ones a sale closes.",
        "Positions",
        codes=("LOT",),
        syntax="LOT [instrument]",
        keys={_P: ("L",)},
        cli="lots {instrument}",
        role=Role.VIEWER,
        scope=Scope.HEAD,
    ),
    _trade(
        "day.review",
        "day",
        "Review the session: each order on its chart, costs, refusals and the curve.",
        "Positions",
        codes=("DAY",),
        syntax="DAY [date]",
        keys={_P: ("D",)},
        cli="day",
        role=Role.VIEWER,
        scope=Scope.HEAD,
    ),
)

LADDER = (
    _trade(
        "ladder.buy_market",
        "buy market",
        "Open a market order to buy the ladder's size.",
        "Ladder",
        keys={_L: ("B",)},
    ),
    _trade(
        "ladder.sell_market",
        "sell market",
        "Open a market order to sell the ladder's size.",
        "Ladder",
        keys={_L: ("V",)},
    ),
    _trade(
        "ladder.center",
        "center",
        "Put the market in the middle of the ladder.",
        "Ladder",
        keys={_L: ("m", "Home")},
        role=Role.VIEWER,
        scope=Scope.HEAD,
    ),
    _trade(
        "ladder.follow",
        "follow",
        "Keep the market in the middle, or leave the ladder still.",
        "Ladder",
        keys={_L: ("a",)},
        role=Role.VIEWER,
        scope=Scope.HEAD,
    ),
    _trade(
        "ladder.group",
        "group ticks",
        "Join more ticks in one row.",
        "Ladder",
        keys={_L: ("z",)},
        role=Role.VIEWER,
        scope=Scope.HEAD,
    ),
    _trade(
        "ladder.ungroup",
        "split ticks",
        "Join fewer ticks in one row.",
        "Ladder",
        keys={_L: ("Z",)},
        role=Role.VIEWER,
        scope=Scope.HEAD,
    ),
)

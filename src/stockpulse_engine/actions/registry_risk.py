"""Actions of the risk screen: limits, raises that wait, accounts that a loss stopped."""

from __future__ import annotations

from stockpulse_engine.actions.registry_types import Action, Context, Role, Scope

_K = Context.RISK

RISK = (
    Action(
        id="limit.edit",
        title="edit limit",
        help="Set a limit: tighter acts at once, looser is asked for again and acts after a minute.",
        group="Risk",
        codes=("LIMIT",),
        syntax="LIMIT key value",
        keys={_K: ("e",)},
        cli="limits set max_gross 1.2",
        role=Role.TRADER,
        scope=Scope.ENGINE,
    ),
    Action(
        id="limit.withdraw",
        title="take back",
        help="Take back the raise that would be in force next.",
        group="Risk",
        codes=("UNRAISE",),
        syntax="UNRAISE [id]",
        keys={_K: ("w",)},
        cli="limits withdraw R-8Q2",
        role=Role.TRADER,
        scope=Scope.ENGINE,
    ),
    Action(
        id="loss.release",
        title="release",
        help="Let an account open positions again that a loss limit stopped; asks for the word RELEASE.",
        group="Risk",
        codes=("RELEASE",),
        syntax="RELEASE",
        keys={_K: ("R",)},
        cli="limits release",
        role=Role.ADMIN,
        scope=Scope.ENGINE,
    ),
    Action(
        id="risk.all",
        title="all limits",
        help="List the limits that are never used up as well, or only those that are.",
        group="Risk",
        keys={_K: ("a",)},
    ),
)

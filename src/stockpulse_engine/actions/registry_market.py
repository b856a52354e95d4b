"""Actions on the market itself: its pace where it is simulated or replayed, and which world the engine is in."""

from __future__ import annotations

from stockpulse_engine.actions.registry_types import Action, Context, Role, Scope

_G = Context.GLOBAL
REPLAY_SYNTAX = "REPLAY YYYY-MM-DD[..YYYY-MM-DD] [only AAPL,SPY] | name path… [at 'YYYY-MM-DD HH:MM'] [speed N]"

MARKET = (
    Action(
        id="market.pause",
        title="pause market",
        help="Stop the market's time, in a simulated or replayed world; the key runs it again.",
        group="Market",
        codes=("PAUSE",),
        syntax="PAUSE",
        keys={_G: (",",)},
        cli="market pause",
        role=Role.TRADER,
        scope=Scope.ENGINE,
    ),
    Action(
        id="market.run",
        title="run market",
        help="Let the market's time go on after a pause.",
        group="Market",
        codes=("RUN",),
        syntax="RUN",
        cli="market resume",
        role=Role.TRADER,
        scope=Scope.ENGINE,
    ),
    Action(
        id="market.step",
        title="step market",
        help="Move a paused market on by one second, or by what is said: a running one is paused first.",
        group="Market",
        codes=("STEP",),
        syntax="STEP 1s|5m|1h",
        keys={_G: (".",)},
        cli="market step 1",
        role=Role.TRADER,
        scope=Scope.ENGINE,
    ),
    Action(
        id="market.speed",
        title="market speed",
        help="Let the market go faster or slower than life, in a simulated or replayed world.",
        group="Market",
        codes=("SPEED",),
        syntax="SPEED 0.1 … 1000",
        cli="market speed 10",
        role=Role.TRADER,
        scope=Scope.ENGINE,
    ),
    Action(
        id="market.seek",
        title="seek",
        help="Play the market on to a time as fast as can be; orders fill on the way as at any speed.",
        group="Market",
        codes=("SEEK",),
        syntax="SEEK 11:30 | 2013-10-08 09:45 | +30m",
        cli="replay seek 11:30",
        role=Role.TRADER,
        scope=Scope.ENGINE,
    ),
    Action(
        id="world.gaps",
        title="what is played",
        help="What a replay plays each instrument from, and what of its days is missing.",
        group="Market",
        codes=("GAPS",),
        syntax="GAPS",
        cli="engine status",
    ),
    Action(
        id="world.replay",
        title="replay",
        help="Play days of the store, or of files, as the market: the engine stops in order and starts in that world.",
        group="Market",
        codes=("REPLAY",),
        syntax=REPLAY_SYNTAX,
        cli="engine restart --world replay:2013-10-07",
        role=Role.ADMIN,
        scope=Scope.ENGINE,
    ),
    Action(
        id="world.change",
        title="world",
        help="Move the engine to another world; working paper orders stay with the one they were sent in.",
        group="Market",
        codes=("WORLD",),
        syntax="WORLD sim | live",
        cli="engine restart --world sim",
        role=Role.ADMIN,
        scope=Scope.ENGINE,
    ),
)

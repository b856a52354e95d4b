"""Actions of the drill: its screen, and beginning and ending it there."""

from __future__ import annotations

from stockpulse_engine.actions.registry_types import Action, Context

_D = Context.DRILL

DRILL = (
    Action(
        id="drill.show",
        title="drill",
        help="Break 24 things around the real engine, at a simulated broker; prove that nothing is lost or doubled.",
        group="Drill",
        codes=("DRILL",),
        keys={Context.GLOBAL: ("F7",)},
        cli="drill",
    ),
    Action(
        id="drill.start",
        title="run all",
        help="Run the whole drill in a throw-away home, with a copy of this account; asks first.",
        group="Drill",
        keys={_D: ("r",)},
        cli="drill",
    ),
    Action(
        id="drill.one",
        title="run this",
        help="Run only the fault under the cursor.",
        group="Drill",
        keys={_D: ("o",)},
        cli="drill --fault sigkill",
    ),
    Action(
        id="drill.stop",
        title="stop",
        help="End the drill that runs; its engine and its home go with it.",
        group="Drill",
        keys={_D: ("K",)},
    ),
)

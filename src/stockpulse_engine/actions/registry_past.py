"""Actions on where in time this head looks: a moment of the past, and back to now."""

from __future__ import annotations

from stockpulse_engine.actions.registry_types import Action, Context

PAST_CODE = "@"
PAST_SYNTAX = "@ 11:32 | 2013-10-07 11:32 | -5m | -2d | yesterday close [zone] | now"

PAST = (
    Action(
        id="past.go",
        title="look back",
        help="Show chart, watchlist, positions and studies as they were known at a moment; this head alone, read only.",
        group="Around",
        codes=(PAST_CODE,),
        syntax=PAST_SYNTAX,
        keys={Context.GLOBAL: (PAST_CODE,)},
        cli="positions --at 'yesterday close'",
    ),
    Action(
        id="past.leave",
        title="back to now",
        help="Come back from a moment of the past to what is now; Esc does it too once nothing else is open.",
        group="Around",
        codes=("PRESENT",),
        syntax="PRESENT",
    ),
)

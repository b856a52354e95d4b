"""The options that name a point in time, for every command that reads history."""

from __future__ import annotations

from typing import Annotated

import typer

from stockpulse_engine.marketdata.moments import as_of, moment_ns

__all__ = ["AsOfMoment", "AsRecordedMoment", "as_of", "moment_ns"]

AsOfMoment = Annotated[
    str,
    typer.Option(
        "--as-of", metavar="MOMENT", help="Only what could be known then (New York time when no zone is given)."
    ),
]
AsRecordedMoment = Annotated[
    str, typer.Option("--as-recorded", metavar="MOMENT", help="Only what was stored here by then.")
]

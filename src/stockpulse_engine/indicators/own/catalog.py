"""All studies of ours, by name; and other names that traders write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from stockpulse_engine.indicators.own import averages, bricks, oscillators, ratios, sessions, stops, turns
from stockpulse_engine.indicators.own.graph import Graph
from stockpulse_engine.indicators.own.study import OwnStudy

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from stockpulse_engine.indicators.own.graph import Live
    from stockpulse_engine.indicators.studies import Study

    FloatArray = npt.NDArray[np.float64]

ALIASES: Mapping[str, str] = {
    "AWESOME": "AO", "BB": "BBANDS", "BOLLINGER": "BBANDS", "CLOUD": "ICHIMOKU", "FORCE": "EFI", "HEIKINASHI": "HA",
    "HULL": "HMA", "KELTNER": "KC", "PERCENTR": "WILLR", "PSAR": "SAR", "SESSIONVWAP": "VWAP", "SMMA": "RMA",
    "STOCHASTIC": "STOCH", "WILDER": "RMA",
}  # fmt: skip
"""What traders write, and the study that is meant."""


@lru_cache(maxsize=1)
def own_studies() -> Mapping[str, OwnStudy]:
    """Every study of ours."""
    rooms = (averages, bricks, oscillators, ratios, sessions, stops, turns)
    return {study.info.name: study for room in rooms for study in room.STUDIES}


def run(study: Study, series: Mapping[str, FloatArray]) -> tuple[Sequence[FloatArray], Live]:
    """The outputs over whole columns, and the study that goes on after them."""
    own = own_studies()[study.info.name]
    return Graph(own.build(*own.values(study.values))).run(study.info.inputs, series)

"""Risk and comparison: Sharpe and Sortino ratios, value at risk, strength against a benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

from stockpulse_engine.indicators.own.lines import Line, each, lag, price
from stockpulse_engine.indicators.own.memory import window
from stockpulse_engine.indicators.own.study import STATISTIC, own, real, whole

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]


def _returns() -> Line:
    close = price("close")
    return close / lag(close, 1) - 1.0


def _mean(rows: FloatArray) -> FloatArray:
    import numpy as np

    return np.asarray(rows.mean(axis=-1))


def _sharpe(length: int, rate: float) -> Sequence[Line]:
    """Mean excess return of a bar over its deviation (population)."""

    def deviation(rows: FloatArray) -> FloatArray:
        import numpy as np

        return np.asarray(rows.std(axis=-1))

    change = _returns()
    return ((window(_mean, length, change) - rate) / window(deviation, length, change),)


def _sortino(length: int, rate: float) -> Sequence[Line]:
    """Mean excess return of a bar over the root of the mean squared shortfall."""

    def shortfall(value: float) -> float:
        import numpy as np

        return np.minimum(value - rate, 0.0) ** 2  # type: ignore[no-any-return] # an array or a number, as it is given

    def root(value: float) -> float:
        import numpy as np

        return np.sqrt(value)  # type: ignore[no-any-return] # the same

    change = _returns()
    risk = each(root, window(_mean, length, each(shortfall, change)))
    return ((window(_mean, length, change) - rate) / risk,)


def _value_at_risk(length: int, confidence: float) -> Sequence[Line]:
    """The return that a normal distribution of the last returns stays above, with this confidence."""
    z = NormalDist().inv_cdf(1.0 - confidence / 100)

    def quantile(rows: FloatArray) -> FloatArray:
        import numpy as np

        return np.asarray(rows.mean(axis=-1) + z * rows.std(axis=-1, ddof=1))

    return (window(quantile, length, _returns()),)


def _relative_strength(length: int) -> Sequence[Line]:
    """The price in units of the benchmark, and how much more than it the price changed over the last bars."""
    own_line, other = price("close"), price("benchmark")
    ahead = (own_line / lag(own_line, length) - 1.0) - (other / lag(other, length) - 1.0)
    return own_line / other, ahead


_RATE = real("rate", 0, -1, 1)

STUDIES = (
    own("SHARPE", "Sharpe Ratio of Bars", "close", "real", _sharpe, group=STATISTIC, is_overlay=False, levels=(0,),
        parameters=(whole("timeperiod", 20), _RATE)),
    own("SORTINO", "Sortino Ratio of Bars", "close", "real", _sortino, group=STATISTIC, is_overlay=False, levels=(0,),
        parameters=(whole("timeperiod", 20), _RATE)),
    own("VALUEATRISK", "Value at Risk (normal)", "close", "real", _value_at_risk, group=STATISTIC, is_overlay=False,
        parameters=(whole("timeperiod", 252, 3), real("confidence", 95, 50.1, 99.99)), levels=(0,)),
    own("PRS", "Price Relative Strength", "close benchmark", "prs ahead", _relative_strength, group=STATISTIC,
        is_overlay=False, hidden=("ahead",), parameters=(whole("timeperiod", 20, 1),)),
)  # fmt: skip

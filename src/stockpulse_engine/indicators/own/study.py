"""What a study of ours is declared with: what is known about it, and how its graph is built from its parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from stockpulse_engine.indicators.own.lines import Line
from stockpulse_engine.indicators.studies import Parameter, StudyInfo

LONGEST = 10_000
AVERAGES = ("sma", "ema", "wma", "dema", "tema", "trima", "kama")
"""Kinds of moving average that need a period alone, numbered as TA-Lib numbers them."""

OVERLAP, MOMENTUM, VOLATILITY, VOLUME, STATISTIC, PATTERN = (
    "Overlap Studies", "Momentum Indicators", "Volatility Indicators", "Volume Indicators", "Statistic Functions",
    "Pattern Recognition",
)  # fmt: skip


class OwnStudy(msgspec.Struct, frozen=True, kw_only=True):
    """A study TA-Lib lacks: `build` gives its output lines for its parameters, in the order of `info.outputs`."""

    info: StudyInfo
    build: Callable[..., Sequence[Line]]
    refuse: Callable[..., str] | None = None
    """Why these parameters do not go together, "" when they do."""

    def values(self, parameters: Sequence[float]) -> list[float | int]:
        """Whole numbers as int, as the graph takes them."""
        pairs = zip(self.info.parameters, parameters, strict=True)
        return [int(value) if parameter.is_integer else value for parameter, value in pairs]


def own(
    name: str,
    title: str,
    inputs: str,
    outputs: str,
    build: Callable[..., Sequence[Line]],
    *,
    refuse: Callable[..., str] | None = None,
    **known: Any,
) -> OwnStudy:
    """A declaration; `inputs` and `outputs` are names with blanks between, `known` goes to StudyInfo."""
    known.setdefault("parameters", ())
    info = StudyInfo(
        name=name, title=title, inputs=tuple(inputs.split()), outputs=tuple(outputs.split()), is_own=True, **known
    )
    return OwnStudy(info=info, build=build, refuse=refuse)


def whole(name: str, default: int, low: int = 2, high: int = LONGEST) -> Parameter:
    """A whole number."""
    return Parameter(name=name, is_integer=True, default=float(default), low=float(low), high=float(high))


def real(name: str, default: float, low: float = 0.0, high: float = 1000.0) -> Parameter:
    """A number."""
    return Parameter(name=name, is_integer=False, default=default, low=low, high=high)


def choice(name: str, *choices: str, default: str = "") -> Parameter:
    """One of some words; the first unless another is the default."""
    at = choices.index(default) if default else 0
    return Parameter(
        name=name, is_integer=True, default=float(at), low=0.0, high=float(len(choices) - 1), choices=choices
    )

"""Studies as values: which function with which parameters, and what is known about each function."""

from __future__ import annotations

import msgspec


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One typed parameter. `choices` names the values of an enumeration (kinds of moving average)."""

    name: str
    is_integer: bool
    default: float
    low: float
    high: float
    choices: tuple[str, ...] = ()


class StudyInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about one function.

    Attributes:
        name: as TA-Lib spells it, upper case.
        inputs: series it reads, in order: open, high, low, close, volume, or cycle (the dominant cycle period).
        outputs: names of its output series, lower case.
        is_overlay: its values are prices, drawn over the candles; else it has a pane of its own.
        levels: values marked with dots in that pane.
        is_pattern: a candlestick pattern: -100, 0 or 100 per bar.
    """

    name: str
    title: str
    group: str
    inputs: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    outputs: tuple[str, ...]
    is_overlay: bool
    levels: tuple[float, ...] = ()
    is_pattern: bool = False

    @property
    def syntax(self) -> str:
        """How it is written: `bbands [timeperiod=20] [nbdevup=2] …`."""
        return " ".join([self.name.lower(), *(f"[{p.name}={p.default:g}]" for p in self.parameters)])


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """A function with all its parameters; equal texts are equal studies."""

    info: StudyInfo
    values: tuple[float, ...]

    @property
    def text(self) -> str:
        """The canonical line: the name and the parameters up to the last that is not the default."""
        return " ".join([self.info.name.lower(), *(f"{value:g}" for value in self._shown())])

    @property
    def label(self) -> str:
        """As the read-out says it: `sma20`, `bbands20`."""
        first = self._shown()[:1]
        return self.info.name.lower() + "".join(f"{value:g}" for value in first)

    def _shown(self) -> tuple[float, ...]:
        """At least the first parameter, so that `rsi` reads `rsi 14`."""
        parameters = self.info.parameters
        last = max((i for i, p in enumerate(parameters) if self.values[i] != p.default), default=0)
        return self.values[: last + 1]

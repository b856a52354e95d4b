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

    def say(self, value: float) -> str:
        """The value as it is written: the word of a choice, a number without an exponent."""
        if self.choices:
            return self.choices[int(value)]
        return f"{value:.12f}".rstrip("0").rstrip(".")


class StudyInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about one function.

    Attributes:
        name: as TA-Lib spells it, upper case.
        inputs: series it reads, in order: open, high, low, close, volume, session (day number of the session),
            benchmark (closes of another instrument), or cycle (the dominant cycle period).
        outputs: names of its output series, lower case.
        is_overlay: its values are prices, drawn over the candles; else it has a pane of its own.
        levels: values marked with dots in that pane.
        is_pattern: a candlestick pattern: -100, 0 or 100 per bar.
        is_own: TA-Lib has no such function (or a poorer one); see docs/reference/indicators.md.
        hidden: outputs that are told and not drawn: a direction, a part.
        shifted: outputs drawn some bars back, and the parameter that says how many. Values are always those known
            at their bar.
        ahead: outputs known some bars before the one they are drawn at, and the parameter that says how many: what
            they will be at the next bars is known already.
        cloud: two outputs between which the drawing is filled.
        tones: colour of each output, counted from the study's first; () for one colour over the price.
        split: the output whose sign says on which side the others are; each side is a line of its own.
        columns: outputs drawn as columns from zero.
        repaints: what it says of past bars changes with newer ones; nothing may be decided by it.
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
    is_own: bool = False
    hidden: tuple[str, ...] = ()
    shifted: dict[str, str] = {}
    ahead: dict[str, str] = {}
    cloud: tuple[str, ...] = ()
    tones: tuple[int, ...] = ()
    split: str = ""
    columns: tuple[str, ...] = ()
    repaints: bool = False

    @property
    def syntax(self) -> str:
        """How it is written: `bbands [timeperiod=20] [nbdevup=2] …`."""
        return " ".join([self.name.lower(), *(f"[{p.name}={p.say(p.default)}]" for p in self.parameters)])


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """A function with all its parameters; equal texts are equal studies."""

    info: StudyInfo
    values: tuple[float, ...]

    @property
    def text(self) -> str:
        """The canonical line: the name and the parameters up to the last that is not the default."""
        return " ".join([self.info.name.lower(), *self._shown()])

    @property
    def label(self) -> str:
        """As the read-out says it: `sma20`, `bbands20`, `vwap session`."""
        first = "".join(self._shown()[:1])
        return f"{self.info.name.lower()} {first}".strip() if first.isalpha() else self.info.name.lower() + first

    def shift_of(self, output: str) -> int:
        """How many bars back an output is drawn."""
        return self._bars(self.info.shifted.get(output))

    def ahead_of(self, output: str) -> int:
        """For how many bars to come it is known."""
        return self._bars(self.info.ahead.get(output))

    def _bars(self, parameter: str | None) -> int:
        names = [one.name for one in self.info.parameters]
        return int(self.values[names.index(parameter)]) if parameter is not None else 0

    def _shown(self) -> list[str]:
        """At least the first parameter, so that `rsi` reads `rsi 14`."""
        parameters = self.info.parameters
        last = max((i for i, p in enumerate(parameters) if self.values[i] != p.default), default=0)
        return [p.say(value) for p, value in zip(parameters[: last + 1], self.values, strict=False)]

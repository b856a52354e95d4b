"""Every study by name, TA-Lib's and ours: parameters with ranges, parsing of study lines, computing over arrays.

TA-Lib loads on the first call of a function here, never on import.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.indicators.studies import Parameter, Study, StudyInfo

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

PRICES = ("open", "high", "low", "close", "volume")
SERIES = (*PRICES, "session", "benchmark")
"""What a study may read: after the prices the day number of each bar's session, and another instrument's closes."""
MAX_PERIOD = 100_000
"""Longest period TA-Lib takes."""

_MAX_LINE = 160
_INPUTS = {"price": "close", "price0": "high", "price1": "low", "periods": "cycle"}
_AVERAGES = (
    "sma", "ema", "wma", "dema", "tema", "trima", "kama", "mama", "t3", "hma", "none", "default", "zlema", "rma",
)  # fmt: skip
_SAME_SCALE = "Output scale same as input"
_HISTOGRAM = "Histogram"
_SIDES = {"SUPERTREND": "trend"}
"""Studies whose line changes sides, and the output that says on which it is."""
_TONES: dict[str, tuple[int, ...]] = {"HA": (0, 1, 2, 3), "MAMA": (0, 1), "MINMAX": (0, 1)}
_MISSING = {
    "session": "It begins anew with a session, so it needs to know which one each bar belongs to.",
    "benchmark": "It compares with another instrument, and a chart has one: use it where two are given.",
}
_WIDEST = 3e37
_LEVELS: dict[str, tuple[float, ...]] = {
    "RSI": (30, 70), "STOCH": (20, 80), "STOCHF": (20, 80), "STOCHRSI": (20, 80), "KDJ": (20, 80), "MFI": (20, 80),
    "WILLR": (-80, -20), "CCI": (-100, 100), "ADX": (25,), "ADXR": (25,), "DX": (25,), "ULTOSC": (30, 70),
    "CMO": (-50, 50), "AROON": (30, 70), "AROONOSC": (0,), "IMI": (30, 70), "MACD": (0,), "MACDEXT": (0,),
    "MACDFIX": (0,), "PPO": (0,), "APO": (0,), "MOM": (0,), "ROC": (0,), "TRIX": (0,), "BOP": (0,), "CMF": (0,),
    "TSI": (0,), "AO": (0,), "AC": (0,), "PVO": (0,), "DPO": (0,), "COPPOCK": (0,), "SMI": (-40, 40),
}  # fmt: skip


def list_studies() -> Sequence[StudyInfo]:
    """All studies, by name."""
    return tuple(_catalog().values())


def study_info(name: str) -> StudyInfo:
    """The study of that name, whatever its case; `hull` is HMA, `keltner` is KC.

    Raises:
        InvalidValueError: naming the nearest studies.
    """
    wanted = name.upper()
    info = _catalog().get(_aliases().get(wanted, wanted))
    if info is None:
        near = get_close_matches(wanted[:24], [*_catalog(), *_aliases()], n=3, cutoff=0.5)
        fix = (
            f"Did you mean {' or '.join(n.lower() for n in near)}?"
            if near
            else "Write a study's name and parameters, like rsi 14 or vwap."
        )
        raise InvalidValueError(f"There is no study {name[:24]!r}.", fix=fix)
    return info


def parse_study(text: str) -> Study:
    """Read `rsi 14`, `bbands 20 2 2`, `sma(50)`, `macd fastperiod=8 slowperiod=21`.

    Raises:
        InvalidValueError: naming the nearest function or parameter and the accepted range.
    """
    words = re.split(r"[\s(),]+", text.strip().lower()[: _MAX_LINE + 1])
    words = [word for word in words if word]
    if not words or len(text) > _MAX_LINE:
        raise InvalidValueError("A study is a function name and its parameters.", fix="Write it like rsi 14.")
    info = study_info(words[0])
    values = [parameter.default for parameter in info.parameters]
    place = 0
    for word in words[1:]:
        name, has_name, value = word.rpartition("=")
        index = _named(info, name) if has_name else place
        if index >= len(values):
            raise InvalidValueError(f"{info.name} has no parameter number {index + 1}.", fix=f"Write {info.syntax}.")
        values[index] = _value(info, info.parameters[index], value)
        place = index + 1
    study = Study(info=info, values=tuple(values))
    problem = _problem(study)
    if problem:
        raise InvalidValueError(f"{info.name}: {problem}.", fix=f"Write {info.syntax}.")
    return study


def compute(study: Study, *prices: FloatArray) -> dict[str, FloatArray]:
    """All outputs over open, high, low, close, volume, in this order, each as long as the input.

    After them may come the day number of each bar's session, and a benchmark's closes. Bars in which a series the
    function reads is not finite are left out of the reckoning and are NaN in the result, as a stream leaves them
    out; without this one bad value would stay in every later average.
    """
    import numpy as np

    series = _series(prices)
    need_series(study.info, series)
    used = [series[name] for name in study.info.inputs if name != "cycle"]
    good = np.logical_and.reduce([np.isfinite(values) for values in used])
    kept = {name: values[good] for name, values in series.items()}
    raw: Sequence[FloatArray] = (np.empty(0),) * len(study.info.outputs)
    if study.info.is_own:
        raw = own_catalog().run(study, kept)[0]
    elif good.any():
        raw = _call(study, input_arrays(study.info, kept))
    outputs = {}
    for name, values in zip(study.info.outputs, raw, strict=True):
        full = np.full(good.shape, np.nan)
        full[good] = values
        outputs[name] = full
    return outputs


def input_arrays(info: StudyInfo, series: Mapping[str, FloatArray]) -> list[FloatArray]:
    """The arrays a function reads, in its order; the cycle is computed from the closes."""
    return [library("talib").HT_DCPERIOD(series["close"]) if name == "cycle" else series[name] for name in info.inputs]


def need_series(info: StudyInfo, held: Iterable[str]) -> None:
    """Refuse a study that reads a series which is not there.

    Raises:
        InvalidValueError: naming the series.
    """
    missing = [name for name in info.inputs if name != "cycle" and name not in held]
    if missing:
        raise InvalidValueError(f"{info.name} reads {missing[0]}, which is not known here.", fix=_MISSING[missing[0]])


def own_catalog() -> Any:
    """Our own studies, loaded on first use."""
    return importlib.import_module("stockpulse_engine.indicators.own.catalog")


def library(name: str) -> Any:
    """A module of TA-Lib, loaded on first use; its type hints do not cover what it exports."""
    return importlib.import_module(name)


def parameters_of(study: Study) -> dict[str, float | int]:
    """Keyword arguments as TA-Lib takes them: whole numbers as int."""
    pairs = zip(study.info.parameters, study.values, strict=True)
    return {p.name: int(value) if p.is_integer else value for p, value in pairs}


def _call(study: Study, inputs: Iterable[FloatArray]) -> tuple[FloatArray, ...]:
    import numpy as np

    result = getattr(library("talib"), study.info.name)(*inputs, **parameters_of(study))
    outputs = result if isinstance(result, tuple) else (result,)
    return tuple(np.asarray(values, dtype=np.float64) for values in outputs)


def _series(prices: Sequence[FloatArray]) -> dict[str, FloatArray]:
    import numpy as np

    if not len(PRICES) <= len(prices) <= len(SERIES):
        raise InvalidValueError(
            f"A study reads {len(PRICES)} series, not {len(prices)}.", fix=f"Give {', '.join(PRICES)}."
        )
    arrays = [np.ascontiguousarray(values, dtype=np.float64) for values in prices]
    if len({values.shape for values in arrays}) != 1:
        raise InvalidValueError("The series of a study must be equally long.", fix="Cut them to the same bars.")
    return dict(zip(SERIES, arrays, strict=False))


def _named(info: StudyInfo, name: str) -> int:
    names = [parameter.name for parameter in info.parameters]
    if name in names:
        return names.index(name)
    near = get_close_matches(name, names, n=1, cutoff=0.0) if names else []
    fix = f"Did you mean {near[0]}?" if near else f"Write {info.syntax}."
    raise InvalidValueError(f"{info.name} has no parameter {name[:24]!r}.", fix=fix)


def _value(info: StudyInfo, parameter: Parameter, text: str) -> float:
    if text in parameter.choices:
        return float(parameter.choices.index(text))
    kind = "a whole number" if parameter.is_integer else "a number"
    span = "" if parameter.high > MAX_PERIOD else f" from {parameter.low:g} to {parameter.high:g}"
    fix = f"Use {kind}{span}, like {parameter.default:g}."
    if parameter.choices:
        fix = f"Use one of: {', '.join(parameter.choices)}."
    is_number = re.fullmatch(r"[+-]?[0-9]{1,12}(\.[0-9]{0,12})?", text) is not None
    if not is_number or (parameter.is_integer and not float(text).is_integer()):
        raise InvalidValueError(f"{info.name}: {parameter.name} {text[:24]!r} is not {kind}.", fix=fix)
    value = float(text)
    if not parameter.low <= value <= parameter.high:
        raise InvalidValueError(f"{info.name}: {parameter.name} {text[:24]} is out of range.", fix=fix)
    return value


def _problem(study: Study) -> str:
    """Why the parameters do not go together, "" when they do."""
    if study.info.is_own:
        own = own_catalog().own_studies()[study.info.name]
        return own.refuse(*own.values(study.values)) if own.refuse is not None else ""
    function = library("talib.abstract").Function(study.info.name)
    function.set_parameters(parameters_of(study))
    return "these parameters can not be used together" if function.lookback < 0 else ""


@lru_cache(maxsize=1)
def _catalog() -> dict[str, StudyInfo]:
    function = library("talib.abstract").Function
    found = {name: _info(name, function(name)) for name in library("talib").get_functions()}
    found |= {name: own.info for name, own in own_catalog().own_studies().items()}
    return dict(sorted(found.items()))


def _aliases() -> Mapping[str, str]:
    aliases: Mapping[str, str] = own_catalog().ALIASES
    return aliases


def _info(name: str, function: Any) -> StudyInfo:
    info = function.info
    inputs: list[str] = []
    for key, source in info["input_names"].items():
        inputs += source if isinstance(source, list) else [_INPUTS[key]]
    parameters = tuple(_parameter(function, key, default) for key, default in info["parameters"].items())
    return StudyInfo(
        name=name,
        title=info["display_name"],
        group=info["group"],
        inputs=tuple(inputs),
        parameters=parameters,
        outputs=tuple(output.lower() for output in info["output_names"]),
        is_overlay=_SAME_SCALE in (info["function_flags"] or []),
        levels=_LEVELS.get(name, ()),
        is_pattern=info["group"] == "Pattern Recognition",
        hidden=(_SIDES[name],) if name in _SIDES else (),
        split=_SIDES.get(name, ""),
        tones=_TONES.get(name, ()),
        columns=tuple(output.lower() for output, flags in function.output_flags.items() if _HISTOGRAM in flags),
    )


def _parameter(function: Any, name: str, default: float) -> Parameter:
    is_integer = isinstance(default, int)
    low, high = _limits(function, name, default)
    choices = _AVERAGES if name.endswith("matype") else ()
    return Parameter(name=name, is_integer=is_integer, default=float(default), low=low, high=high, choices=choices)


def _limits(function: Any, name: str, default: float) -> tuple[float, float]:
    """The range TA-Lib accepts, found by asking it: it reports a negative lookback for what it refuses."""
    is_integer = isinstance(default, int)
    lows = (0, 1, 2, 3) if is_integer else (-_WIDEST, 0.0, 0.01, 0.02)
    highs = (MAX_PERIOD, 200, 100, 30, len(_AVERAGES) - 1) if is_integer else (_WIDEST, 100.0, 1.0, 0.99)
    found = tuple(
        next((float(v) for v in wanted if _accepts(function, name, v, default)), float(default))
        for wanted in (lows, highs)
    )
    return found[0], found[1]


def _accepts(function: Any, name: str, value: float, default: float) -> bool:
    function.set_parameters({name: value})
    is_accepted = function.lookback >= 0
    function.set_parameters({name: default})
    return bool(is_accepted)

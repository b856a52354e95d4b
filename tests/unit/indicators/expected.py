"""What two other libraries expect of the same bars: which study of ours says it, from which row, how closely.

`STUDIES` has a row for each column that is compared; `APART` names the columns that are not, and why. A test holds the
two to the files: every column of every file is in one of them.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Series = tuple[FloatArray, ...]


class Case(NamedTuple):
    """`file.column` is what the study `line` says in `output`.

    `first` is the row from which it must (the first the peer has, unless seeds differ), `near` the tolerance in units
    of the value's own size (at least 1), `moved` how many rows later we say it, `reads` which bars: as they are,
    `median` (the median price as the close), or `pair` / `swapped` (two instruments' closes as high and low).
    """

    column: str
    line: str
    output: str = "real"
    first: int = 0
    near: float = 1e-9
    moved: int = 0
    reads: str = "bars"


def cases(file: str, line: str, outputs: str, *, first: int = 0, near: float = 1e-9) -> tuple[Case, ...]:
    """Several columns of one file: `outputs` says `column=output` with blanks between."""
    pairs = (pair.split("=") for pair in outputs.split())
    return tuple(Case(f"{file}.{name}", line, output, first, near) for name, output in pairs)


LEVELS = " ".join(f"{name}={name}" for name in ("pp", "s1", "s2", "s3", "r1", "r2", "r3"))

SKENDER: tuple[Case, ...] = (
    Case("adl.adl", "ad"),
    *cases("adx", "plus_di 14", "pdi=real", first=300),
    *cases("adx", "minus_di 14", "mdi=real", first=300),
    *cases("adx", "dx 14", "dx=real", first=300),
    *cases("adx", "adx 14", "adx=real", first=400),
    *cases("alligator", "alligator", "jaw=jaw teeth=teeth lips=lips"),
    Case("alma.alma", "alma 9"),
    *cases("atr-stop", "atrstop 21 3", "atrStop=stop buyStop=buystop sellStop=sellstop"),
    Case("atr-stop.atr", "atr 21"),
    Case("atr.tr", "trange"),
    Case("atr.atr", "atr 14"),
    Case("atr.atrp", "natr 14"),
    Case("awesome.oscillator", "ao"),
    *cases("bb", "bbands 20", "sma=middleband upperBand=upperband lowerBand=lowerband"),
    Case("bb.percentB", "percentb 20"),
    Case("bb.zScore", "zscore 20"),
    Case("bb.width", "bandwidth 20"),
    Case("beta.beta", "beta 50", reads="pair"),
    Case("cci.cci", "cci 20"),
    Case("chaikin-osc.oscillator", "adosc 3 10", first=200),
    Case("chexit.chandelierExit", "chandelier 22", "long"),
    Case("cmo.cmo", "cmou 14"),
    Case("corr.correlation", "correl 20", reads="pair"),
    Case("corr.varianceA", "var 20", reads="swapped"),
    Case("corr.varianceB", "var 20"),
    Case("crsi.connorsRsi", "crsi", "crsi"),
    Case("crsi.rsi", "crsi", "rsi"),
    Case("crsi.rsiStreak", "crsi", "streakrsi"),
    Case("crsi.percentRank", "crsi", "percentrank", 101),
    Case("dpo.dpo", "dpo 14", moved=8),
    Case("dpo.sma", "sma 14", moved=8),
    Case("dynamic.dynamic", "mcginley 14"),
    Case("ema.ema", "ema 20"),
    Case("epma.epma", "linearreg 10"),
    *cases("fcb", "fcb 2", "upperBand=upperband lowerBand=lowerband"),
    *cases("fisher", "fisher 10", "fisher=fisher trigger=trigger"),
    Case("force.forceIndex", "efi 2"),
    *cases("gator", "gator", "upper=upper lower=lower"),
    *cases("heikinashi", "ha", "open=haopen high=hahigh low=halow close=haclose"),
    Case("htl.trendline", "ht_trendline", first=250, reads="median"),
    *cases("ichimoku", "ichimoku", "tenkanSen=tenkan kijunSen=kijun senkouSpanA=senkoua senkouSpanB=senkoub"),
    Case("ichimoku.chikouSpan", "ichimoku", "chikou", moved=26),
    *cases("ma-env", "envelope 20 2.5", "centerline=middleband upperEnvelope=upperband lowerEnvelope=lowerband"),
    *cases("macd", "macd", "macd=macd signal=macdsignal histogram=macdhist", first=200),
    Case("macd.fastEma", "ema 12"),
    Case("macd.slowEma", "ema 26"),
    Case("mama.mama", "mama", "mama", 300, reads="median"),
    Case("mama.fama", "mama", "fama", 300, reads="median"),
    *cases("pivot-points", "pivots month standard", LEVELS),
    Case("prs.prs", "prs 20", "prs", reads="swapped"),
    Case("prs.prsPercent", "prs 20", "ahead", reads="swapped"),
    *cases("pvo", "pvos", "pvo=pvo signal=signal histogram=histogram"),
    *cases("roc-wb", "rocbands 20 5 5", "roc=roc rocEma=rocema upperBand=upperband lowerBand=lowerband"),
    Case("roc.momentum", "mom 14"),
    Case("roc.roc", "roc 14"),
    *cases("rolling-pivots", "rollingpivots 20", LEVELS),
    Case("rsi.rsi", "rsi 14"),
    Case("sma-analysis.sma", "sma 20"),
    Case("sma-analysis.mad", "avgdev 20"),
    Case("sma-analysis.mse", "var 20"),
    Case("sma-analysis.mape", "mape 20"),
    Case("sma.sma", "sma 20"),
    Case("smma.smma", "rma 20"),
    *cases("starc", "starc 5 2 10", "centerline=middleband upperBand=upperband lowerBand=lowerband"),
    Case("stc.stc", "stc"),
    Case("stdev.stdDev", "stddev 14"),
    Case("stdev.mean", "sma 14"),
    Case("stdev.zScore", "zscore 14"),
    Case("stoch-rsi.stochRsi", "stochrsi 14 14 1", "fastk"),
    Case("stoch-rsi.signal", "stochrsi 14 14 3", "fastd"),
    *cases("stoch", "stoch 14 3 sma 3 sma", "oscillator=slowk signal=slowd k=slowk d=slowd", first=17),
    *cases("stoch", "kdj 14 3 sma 3 sma", "percentJ=j j=j", first=17),
    Case("tema.tema", "tema 20", first=300),
    Case("tr.tr", "trange"),
    *cases("vol-stop", "volstop 7 3", "sar=stop isStop=isstop"),
    Case("vwap.vwap", "vwap first"),
    Case("vwma.vwma", "vwma 14"),
    Case("willr.williamsR", "willr 14"),
    Case("wma.wma", "wma 14"),
    Case("zigzag-close.zigZag", "zigzag 5"),
    *cases("zigzag-close", "zigzagtrends 5", "retraceHigh=highs retraceLow=lows"),
)

PART = "a step on the way to the value that is compared"
FLAG = "follows from the values that are compared"
BARS = "the bars themselves"
EMPTY = "no value in the file"
OTHER = "compared in a test of its own"
APART: dict[str, dict[str, str]] = {
    "adl": {"moneyFlowMultiplier": PART, "moneyFlowVolume": PART},
    "adx": {"adxr": OTHER},
    "aroon": {"aroonUp": OTHER, "aroonDown": OTHER, "oscillator": FLAG},
    "awesome": {"normalized": PART},
    "barpart": {"value": BARS},
    "beta": dict.fromkeys(("betaUp", "betaDown", "ratio", "convexity", "returnsEval", "returnsMrkt"), PART),
    "bop": {"bop": OTHER},
    "chaikin-osc": dict.fromkeys(("moneyFlowMultiplier", "moneyFlowVolume", "adl", "fastEma", "slowEma"), PART),
    "corr": {"covariance": PART, "rSquared": FLAG},
    "crsi": {"streak": PART},
    "doji": {"match": OTHER, "price": FLAG},
    "fractal": {"fractalBear": OTHER, "fractalBull": OTHER},
    "gator": {"upperIsExpanding": FLAG, "lowerIsExpanding": FLAG},
    "heikinashi": {"volume": BARS, "date": BARS},
    "htl": {"dcPeriods": OTHER, "smoothPrice": PART},
    "input_compare": dict.fromkeys(("date", "open", "high", "low", "close", "volume"), BARS),
    "input_default": dict.fromkeys(("date", "open", "high", "low", "close", "volume"), BARS),
    "marubozu": {"match": OTHER, "price": FLAG},
    "obv": {"obv": OTHER},
    "pivot-points": dict.fromkeys(("s4", "r4"), EMPTY),
    "rolling-pivots": dict.fromkeys(("s4", "r4"), EMPTY),
    "renko": dict.fromkeys(("isUp", "open", "high", "low", "close", "volume", "date"), OTHER),
    "renko-atr": dict.fromkeys(("isUp", "open", "high", "low", "close", "volume", "date"), OTHER),
    "vol-stop": {"upperBand": FLAG, "lowerBand": FLAG},
    "zigzag-close": {"pointType": FLAG},
}

LEAN: tuple[Case, ...] = (
    Case("spy_aroon_oscillator.Aroon Oscillator 14", "aroonosc 14", near=1e-5),
    Case("spy_atr_wilder.Average True Range 14", "atr 14", first=200, near=1e-5),
    Case("spy_bollinger_bands.Moving Average 20", "bbands 20", "middleband", near=1e-5),
    Case("spy_bollinger_bands.Bollinger Bands® 20 2 Top", "bbands 20", "upperband", near=1e-6),
    Case("spy_bollinger_bands.Bollinger Bands® 20 2 Bottom", "bbands 20", "lowerband", near=1e-6),
    Case("spy_bollinger_bands.%B", "percentb 20", near=1e-4),
    Case("spy_mfi.Money Flow Index 20", "mfi 20", near=1e-5),
    Case("spy_ppo.PPO_5_10", "ppo 5 10 sma"),
    Case("spy_sortino.sortino_rf_0_period_15", "sortino 15"),
    Case("spy_sortino.sortino_rf_0.01_period_15", "sortino 15 0.01"),
    Case("spy_sr.SR_10", "sharpe 10", first=10, near=1e-4),
    Case("spy_trix.TRIX_5", "trix 5"),
    Case("spy_valueatrisk.VaR_99", "valueatrisk 252 99", first=252),
    Case("spy_valueatrisk.VaR_95", "valueatrisk 252 95", first=252),
    Case("spy_valueatrisk.VaR_90", "valueatrisk 252 90", first=252),
    Case("spy_with_adx.TR", "trange", near=0.0051),
    Case("spy_with_adx.+DI14", "plus_di 14", first=220, near=1e-4),
    Case("spy_with_adx.-DI14", "minus_di 14", first=220, near=1e-4),
    Case("spy_with_adx.DX", "dx 14", first=220, near=0.0051),
    Case("spy_with_adx.ADX 14", "adx 14", first=300, near=1e-4),
    Case("spy_with_adx.ADXR 14", "adxr 14", first=300, near=1e-4),
    Case("spy_with_cci.Commodity Channel Index (CCI) 14", "cci 14", near=0.0025),
    Case("spy_with_indicators.SMA14", "sma 14", near=1e-6),
    Case("spy_with_indicators.EMA14", "ema 14", near=1e-6),
    Case("spy_with_indicators.MACD 12 26", "macd", "macd", 200, near=0.001),
    Case("spy_with_indicators.RSI 14 Wilder", "rsi 14", near=1e-6),
    Case("spy_with_macd.MACD", "macd", "macd", near=1e-5),
    Case("spy_with_macd.Signal", "macd", "macdsignal", near=1e-5),
    Case("spy_with_macd.Histogram", "macd", "macdhist", near=1e-5),
    Case("spy_with_obv.OBV", "obv", near=5e-5),
    Case("spy_with_stoch12k3.Stochastics 12 %K 3", "stoch 12 3 sma 5 sma", "slowk", 17, near=1e-4),
    Case("spy_with_stoch12k3.%D 5", "stoch 12 3 sma 5 sma", "slowd", 17, near=1e-4),
    Case("spy_with_vwap.Moving VWAP 50", "mvwap 50 ohlc4", near=1e-6),
    Case("spy_with_williamsR14.Williams %R 14", "willr 14", near=1e-3),
)

LEAN_APART: dict[str, dict[str, str]] = {
    "spy_atr": {"Average True Range 14": OTHER},
    "spy_bollinger_bands": {"BandWidth": OTHER},
    "spy_sortino": dict.fromkeys(("returns", "numerator_rf_0_period_15", "numerator_rf_0.01_period_15", "downside_returns_0", "downside_returns_0.01", "squared_downside_return_0", "squared_downside_return_0.01", "denominator_rf_0_period_15", "denominator_rf_0.01_period_15"), PART),
    "spy_sr": {"Volume MA": PART},
    "spy_valueatrisk": {"returns": PART},
    "spy_with_adx": dict.fromkeys(("+DM 1", "-DM 1", "TR14", "+DM14", "-DM14", "DI 14 Diff", "DI 14 Sum"), PART),
    "spy_with_indicators": {"RSI 14": OTHER, "OBV": OTHER},
    "spy_with_rma": {"SMA5": OTHER, "SMA10": OTHER, "SMA15": OTHER, "RMA5": OTHER},
}  # fmt: skip
_PRICES = {"open", "high", "low", "close", "volume", "date", "time", "timestamp"}


class Table:
    """A file of expected values: columns by name, NaN where a cell is empty; true is 1 and false 0."""

    def __init__(self, path: Path) -> None:
        with path.open(encoding="utf-8-sig") as stream:
            rows = list(csv.reader(stream))
        self.names = [name.strip() for name in rows[0]]
        self.rows = [row for row in rows[1:] if row]

    def text(self, name: str) -> list[str]:
        """A column as it is written."""
        at = self.names.index(name)
        return [row[at] if at < len(row) else "" for row in self.rows]

    def column(self, name: str) -> FloatArray:
        """A column of numbers."""
        return np.array([_number(text) for text in self.text(name)])

    def price(self, name: str) -> FloatArray:
        """A column of the bars, whatever its case; NaN when the file has none."""
        found = [one for one in self.names if one.lower() == name]
        return self.column(found[0]) if found else np.full(len(self.rows), math.nan)

    def compared(self) -> set[str]:
        """The columns that are neither the bars nor their time nor the candle repeated."""
        return {one for one in self.names if one.lower() not in _PRICES and not one.startswith("candle.")}


def _number(text: str) -> float:
    if text in {"true", "false"}:
        return float(text == "true")
    try:
        return float(text)
    except ValueError:
        return math.nan


@lru_cache(maxsize=128)
def table(path: Path) -> Table:
    """The file, read once."""
    return Table(path)


def skender_series(directory: Path, reads: str) -> Series:
    """The bars every file of the first library was computed from, in the order `compute` takes them."""
    bars, other = table(directory / "input_default.csv"), table(directory / "input_compare.csv").column("close")
    opened, high, low, close, volume = (bars.column(name) for name in ("open", "high", "low", "close", "volume"))
    session = np.array([float(dt.date.fromisoformat(text).toordinal()) for text in bars.text("date")])
    if reads == "median":
        close = (high + low) / 2
    if reads == "pair":
        high, low = close, other
    if reads == "swapped":
        close, other = other, close
    return opened, high, low, close, volume, session, other


def lean_series(bars: Table) -> Series:
    """The bars a file of the second library brings along; what it does not bring is NaN."""
    opened, high, low, close, volume = (bars.price(name) for name in ("open", "high", "low", "close", "volume"))
    return opened, high, low, close, volume


def check(case: Case, wanted: FloatArray, said: FloatArray) -> None:
    """Rows from `first` on: the same rows have a value, and the values are near."""
    said = np.concatenate([said[case.moved :], np.full(case.moved, math.nan)])
    first = case.first or int(np.isfinite(wanted).argmax())
    wanted, said = wanted[first:], said[first:]
    assert np.isfinite(wanted).any(), f"{case.column}: nothing to compare"
    assert np.array_equal(np.isfinite(wanted), np.isfinite(said)), f"{case.column}: values in other rows"
    good = np.isfinite(wanted)
    apart = np.abs(wanted[good] - said[good]) / np.maximum(1.0, np.abs(wanted[good]))
    assert apart.max() <= case.near, f"{case.column}: {apart.max():.3g} apart at row {first + int(apart.argmax())}"

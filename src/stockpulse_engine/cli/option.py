"""`sp option`: what an option is worth, how that changes, and the volatility its price implies. No engine is asked."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import typer

from stockpulse_engine.cli.options import JsonFlag
from stockpulse_engine.cli.output import emit_json, emit_pairs
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.domain.errors import InvalidValueError

if TYPE_CHECKING:
    from stockpulse_engine.analytics.options.terms import Dividend, Terms

option_app = typer.Typer(help="Options: price, Greeks and implied volatility of one contract.", no_args_is_help=True)

EXCHANGE_ZONE, CLOSES_AT = "America/New_York", 16
_DAY_S, _YEAR_DAYS, _PERCENT = 86_400, 365.0, 100.0

Right = Annotated[str, typer.Argument(metavar="RIGHT", help="call or put.")]
Spot = Annotated[str, typer.Option("--spot", metavar="PRICE", help="Price of the underlying.")]
Strike = Annotated[str, typer.Option("--strike", metavar="PRICE", help="Price it may be exercised at.")]
Days = Annotated[str, typer.Option("--days", metavar="DAYS", help="Calendar days it has left, like 30 or 0.5.")]
Expiry = Annotated[
    str, typer.Option("--expiry", metavar="DATE", help="Its last day, to 16:00 in New York; instead of --days.")
]
Volatility = Annotated[str, typer.Option("--vol", metavar="PART", help="Volatility a year: 0.2 or 20%.")]
Rate = Annotated[str, typer.Option("--rate", metavar="PART", help="Riskless rate a year, continuous: 0.05 or 5%.")]
Yield = Annotated[str, typer.Option("--yield", metavar="PART", help="Dividend yield a year, continuous: 0.01 or 1%.")]
Dividends = Annotated[
    list[str], typer.Option("--dividend", metavar="AMOUNT@DAYS", help="A cash dividend, like 0.24@12; may repeat.")
]
StyleName = Annotated[str, typer.Option("--style", metavar="STYLE", help="american or european.")]
Steps = Annotated[int, typer.Option("--steps", min=1, max=5001, help="Steps of the American lattice.")]


class OptionValue(msgspec.Struct, frozen=True, kw_only=True):
    """One option, valued. Rates, yield and volatility are fractions a year; Greeks in the units their names say."""

    right: str
    style: str
    spot: float
    strike: float
    years: float
    rate: float
    dividend_yield: float
    volatility: float
    price: float
    intrinsic: float
    time_value: float


class OptionGreeks(msgspec.Struct, frozen=True, kw_only=True):
    """One option with how its value changes."""

    option: OptionValue
    delta: float
    gamma: float
    vega_per_point: float
    theta_per_day: float
    rho_per_point: float


def price(
    right: Right,
    spot: Spot,
    strike: Strike,
    volatility: Volatility,
    days: Days = "",
    expiry: Expiry = "",
    rate: Rate = "0",
    dividend_yield: Yield = "0",
    dividend: Dividends = [],  # noqa: B006 - typer reads the default, nobody writes it
    style: StyleName = "american",
    steps: Steps = 201,
    as_json: JsonFlag = False,
) -> None:
    """What an option is worth: American on a lattice, European by Black, Scholes and Merton.

    Example: sp option price put --spot 100 --strike 105 --days 45 --vol 25% --rate 4%
    """
    terms = _terms(
        right, spot, strike, _years(days, expiry), rate=rate, dividend_yield=dividend_yield, volatility=volatility
    )
    value = _value(terms, style, _dividends(dividend), steps)
    if as_json:
        emit_json(value)
    else:
        emit_pairs(_price_rows(value))


def greeks(
    right: Right,
    spot: Spot,
    strike: Strike,
    volatility: Volatility,
    days: Days = "",
    expiry: Expiry = "",
    rate: Rate = "0",
    dividend_yield: Yield = "0",
    dividend: Dividends = [],  # noqa: B006 - typer reads the default, nobody writes it
    style: StyleName = "american",
    steps: Steps = 201,
    as_json: JsonFlag = False,
) -> None:
    """How an option's value changes: delta, gamma, vega per point, theta per day, rho per point.

    Example: sp option greeks call --spot 100 --strike 100 --expiry 2027-01-15 --vol 0.3 --dividend 0.24@12
    """
    from stockpulse_engine.analytics.options.pricing import option_greeks

    coming = _dividends(dividend)
    terms = _terms(
        right, spot, strike, _years(days, expiry), rate=rate, dividend_yield=dividend_yield, volatility=volatility
    )
    value = _value(terms, style, coming, steps)
    delta, gamma, vega, theta, rho = (float(one[0]) for one in option_greeks(terms, _style(style), coming, steps=steps))
    if as_json:
        emit_json(
            OptionGreeks(
                option=value, delta=delta, gamma=gamma, vega_per_point=vega, theta_per_day=theta, rho_per_point=rho
            )
        )
        return
    emit_pairs([
        *_price_rows(value),
        ("delta", f"{delta:+.4f}  per 1.00 of the underlying"),
        ("gamma", f"{gamma:.5f}  of the delta, per 1.00 of the underlying"),
        ("vega", f"{vega:.4f}  per point of volatility (20 % → 21 %)"),
        ("theta", f"{theta:+.4f}  per calendar day"),
        ("rho", f"{rho:+.4f}  per point of the rate (4 % → 5 %)"),
    ])  # fmt: skip


def iv(
    right: Right,
    spot: Spot,
    strike: Strike,
    paid: Annotated[str, typer.Option("--price", metavar="PRICE", help="What the option costs.")],
    days: Days = "",
    expiry: Expiry = "",
    rate: Rate = "0",
    dividend_yield: Yield = "0",
    dividend: Dividends = [],  # noqa: B006 - typer reads the default, nobody writes it
    style: StyleName = "american",
    steps: Steps = 201,
    as_json: JsonFlag = False,
) -> None:
    """The volatility at which an option is worth its price; a price that none explains is refused with the reason.

    Example: sp option iv put --spot 100 --strike 105 --days 45 --price 6.85 --rate 4%
    """
    from stockpulse_engine.analytics.options.implied import Problem, implied_volatility

    coming = _dividends(dividend)
    terms = _terms(right, spot, strike, _years(days, expiry), rate=rate, dividend_yield=dividend_yield, volatility="0")
    found = implied_volatility(_number("--price", paid), terms, _style(style), coming, steps=steps)
    problem = Problem(int(found.problem[0]))
    if problem is not Problem.NONE:
        words = problem.words
        raise InvalidValueError(
            f"There is no implied volatility: {words}.", fix="Look at price, spot, strike and rate."
        )
    value = _value(terms._replace(volatility=found.volatility), style, coming, steps)
    if as_json:
        emit_json(value)
    else:
        emit_pairs([("implied volatility", f"{value.volatility * _PERCENT:.4f} %  a year"), *_price_rows(value)])


def _value(terms: Terms, style: str, dividends: tuple[Dividend, ...], steps: int) -> OptionValue:
    from stockpulse_engine.analytics.options.pricing import option_price

    worth = float(option_price(terms, _style(style), dividends, steps=steps)[0])
    intrinsic = float(terms.intrinsic()[0])
    numbers = {name: float(getattr(terms, name)[0]) for name in terms._fields[1:]}
    return OptionValue(
        right="call" if terms.is_call[0] else "put",
        style=_style(style).value,
        price=worth,
        intrinsic=intrinsic,
        time_value=worth - intrinsic,
        **numbers,
    )


def _price_rows(value: OptionValue) -> list[tuple[str, str]]:
    days = value.years * _YEAR_DAYS
    return [
        ("option", f"{value.style} {value.right} {value.strike:g}, {days:.4g} days left, underlying {value.spot:g}"),
        ("price", f"{value.price:.4f}"),
        ("intrinsic", f"{value.intrinsic:.4f}"),
        ("time value", f"{value.time_value:+.4f}"),
    ]


def _terms(right: str, spot: str, strike: str, years: float, **parts: str) -> Terms:
    from stockpulse_engine.analytics.options.terms import make_terms

    word = right.strip().lower()
    if word not in {"call", "put", "c", "p"}:
        raise InvalidValueError(f"{right[:24]!r} is no right.", fix="Write call or put.")
    numbers = {name: _part(name, text) for name, text in parts.items()}
    return make_terms(word[0] == "c", _number("--spot", spot), _number("--strike", strike), years, **numbers)


def _years(days: str, expiry: str) -> float:
    if bool(days) is bool(expiry):
        raise InvalidValueError("How long the option lives is said once.", fix="Give --days 30 or --expiry 2027-01-15.")
    if days:
        return _number("--days", days) / _YEAR_DAYS
    try:
        last = dt.date.fromisoformat(expiry.strip())
    except ValueError:
        raise InvalidValueError(f"--expiry {expiry[:24]!r} is no date.", fix="Write it like 2027-01-15.") from None
    from stockpulse_engine.base.clock import WallClock

    end = dt.datetime.combine(last, dt.time(CLOSES_AT), ZoneInfo(EXCHANGE_ZONE)).timestamp()
    left: float = end - WallClock().now_ns() / 1e9
    return left / _DAY_S / _YEAR_DAYS


def _dividends(texts: list[str]) -> tuple[Dividend, ...]:
    from stockpulse_engine.analytics.options.terms import Dividend

    made = []
    for text in texts:
        amount, _, days = text.partition("@")
        made.append(Dividend(_number("--dividend", days) / _YEAR_DAYS, _number("--dividend", amount)))
    return tuple(made)


def _style(name: str) -> Any:
    from stockpulse_engine.analytics.options.terms import Style

    found = next((one for one in Style if one.value.startswith(name.strip().lower() or "?")), None)
    if found is None:
        raise InvalidValueError(f"{name[:24]!r} is no style.", fix="Write american or european.")
    return found


def _part(name: str, text: str) -> float:
    """A fraction, or a percentage with its sign."""
    is_percent = text.strip().endswith("%")
    value = _number(name.replace("_", " "), text.strip().removesuffix("%"))
    return value / _PERCENT if is_percent else value


def _number(name: str, text: str) -> float:
    if re.fullmatch(r"[+-]?(\d{1,12}(\.\d{0,12})?|\.\d{1,12})", text.strip()) is None:
        raise InvalidValueError(
            f"{name} {text[:24]!r} is no number.", fix="Write it like 101.25, and parts like 20% or 0.2."
        )
    return float(text)


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    for command in (price, greeks, iv):
        add_command(option_app, command)
    app.add_typer(option_app, name="option")

"""How numbers, ages and clocks are written on screen. Minus is U+2212; `for_copy` brings back `-`."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from stockpulse_engine.domain.money import decimals_of

MINUS = "−"
NOTHING = "·"

_SECOND_NS = 1_000_000_000
_SHORTEN_ABOVE = 99_999
_UNITS = ((Decimal(1_000_000_000), "b"), (Decimal(1_000_000), "m"), (Decimal(1_000), "k"))
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)
_ZONE_LABELS = {"America/New_York": "ET", "America/Chicago": "CT", "Europe/London": "UK", "UTC": "UTC"}


def format_number(value: Decimal, places: int, *, signed: bool = False) -> str:
    """A number with fixed decimals, comma thousands and a true minus; `signed` adds `+` to gains."""
    if not value.is_finite():
        return "?"
    rounded = value.quantize(Decimal(1).scaleb(-places), context=_WIDE)
    body = f"{abs(rounded):,.{places}f}"
    if rounded < 0:
        return MINUS + body
    return "+" + body if signed and rounded > 0 else body


def format_price(value: Decimal | None, tick: Decimal) -> str:
    """A price with the decimals of its tick; `·` where there is none."""
    return NOTHING if value is None else format_number(value, decimals_of(tick))


def price_change(value: Decimal, tick: Decimal) -> str:
    """A difference of prices, signed."""
    return format_number(value, decimals_of(tick), signed=True)


def format_money(value: Decimal | None, *, signed: bool = False) -> str:
    """An amount with two decimals, never shortened; `·` where there is none."""
    return NOTHING if value is None else format_number(value, 2, signed=signed)


def format_percent(ratio: Decimal | None, *, places: int = 2, signed: bool = True) -> str:
    """A ratio as percent: 0.0044 → `+0.44%`."""
    return NOTHING if ratio is None else format_number(ratio * 100, places, signed=signed) + "%"


def format_basis_points(ratio: Decimal) -> str:
    """A ratio in basis points with one decimal, without the unit."""
    return format_number(ratio * 10_000, 1)


def format_quantity(value: Decimal, *, signed: bool = False) -> str:
    """A quantity with just the decimals it has."""
    return format_number(value, min(8, decimals_of(value)) if value else 0, signed=signed)


def format_size(value: Decimal) -> str:
    """A size; above 99,999 three digits and k, m or b: `612m`, `1.4b`."""
    if not value.is_finite() or abs(value) <= _SHORTEN_ABOVE:
        return format_quantity(value)
    unit, letter = next((u, s) for u, s in _UNITS if abs(value) >= u * Decimal("0.9995"))
    scaled = value / unit
    places = 2 if abs(scaled) < Decimal("9.995") else 1 if abs(scaled) < Decimal("99.95") else 0
    text = format_number(scaled, places)
    return (text.rstrip("0").rstrip(".") if places else text) + letter


def format_age(age_ns: int) -> str:
    """How old something is: `180 ms`, `0.4 s`, `12 s`, `4:10`, `11 h`, `3 d`."""
    age = max(0, age_ns)
    if age < _SECOND_NS // 5:
        return f"{age // 1_000_000} ms"
    if age < 10 * _SECOND_NS:
        return f"{age // 100_000_000 / 10:.1f} s"
    seconds = age // _SECOND_NS
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02d}"
    return f"{seconds // 3600} h" if seconds < 172_800 else f"{seconds // 86_400} d"


def format_latency(nanoseconds: int) -> str:
    """A duration of machine work: `84 µs`, `2.1 ms`, `38 ms`, then as an age."""
    if nanoseconds < 1_000_000:
        return f"{max(0, nanoseconds) // 1000} µs"
    if nanoseconds < 10_000_000:
        return f"{nanoseconds / 1_000_000:.1f} ms"
    return f"{nanoseconds // 1_000_000} ms" if nanoseconds < _SECOND_NS else format_age(nanoseconds)


def format_countdown(left_ns: int) -> str:
    """Time left: `27:04`, `5:27:53`; never negative."""
    seconds = max(0, left_ns) // _SECOND_NS
    hours, rest = divmod(seconds, 3600)
    tail = f"{rest // 60:02d}:{rest % 60:02d}"
    return f"{hours}:{tail}" if hours else f"{rest // 60}:{rest % 60:02d}"


def format_clock(ts_ns: int, zone: str, *, digits: int = 0) -> str:
    """Time of day in `zone`, 24 h, with `digits` decimals of the second (0, 3, 6 or 9)."""
    moment = datetime.fromtimestamp(ts_ns // _SECOND_NS, _zone(zone))
    base = f"{moment:%H:%M:%S}"
    return base if not digits else f"{base}.{ts_ns % _SECOND_NS:09d}"[: 9 + digits]


def format_minute(ts_ns: int, zone: str) -> str:
    """Time of day to the minute: `15:25`."""
    return f"{datetime.fromtimestamp(ts_ns // _SECOND_NS, _zone(zone)):%H:%M}"


def format_day(ts_ns: int, zone: str) -> str:
    """A day as people say it: `Thu 19`."""
    moment = datetime.fromtimestamp(ts_ns // _SECOND_NS, _zone(zone))
    return f"{_DAYS[moment.weekday()]} {moment.day}"


def format_date(ts_ns: int, zone: str) -> str:
    """A date: `2026-11-19`."""
    return f"{datetime.fromtimestamp(ts_ns // _SECOND_NS, _zone(zone)):%Y-%m-%d}"


def zone_label(zone: str) -> str:
    """The short name of a zone as the header says it: `ET`."""
    return _ZONE_LABELS.get(zone, zone.rsplit("/", 1)[-1])


def local_words(ts_ns: int, zone: str) -> str:
    """A moment on the clock of a place: `2026-11-25 15:55 ET`; seconds only where there are some."""
    local = datetime.fromtimestamp(ts_ns // 1_000_000_000, _zone(zone))
    return f"{local:%Y-%m-%d %H:%M}{f':{local:%S}' if local.second else ''} {zone_label(zone)}"


def for_copy(text: str) -> str:
    """The text as it goes to the clipboard, CSV and ASCII terminals: a plain hyphen for minus."""
    return text.replace(MINUS, "-")


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def iso_utc(ts_ns: int) -> str:
    """An instant for machines and logs, in UTC to the microsecond."""
    moment = datetime.fromtimestamp(ts_ns // _SECOND_NS, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ts_ns % _SECOND_NS // 1000:06d}Z"

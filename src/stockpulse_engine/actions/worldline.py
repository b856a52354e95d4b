"""The line that names another world: `NAME PATH… [at MOMENT] [speed N]` after REPLAY, `sim` or `live` after WORLD.

Pure: whether the paths exist is asked where the files are.
"""

from __future__ import annotations

import re
import shlex
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from stockpulse_engine.actions.registry_market import REPLAY_SYNTAX as SYNTAX
from stockpulse_engine.domain.errors import InvalidValueError

SLOWEST, FASTEST = 0.1, 1000.0
NAMED = 3
"""So many files are named in a sentence."""
SECONDS = {"s": 1, "m": 60, "h": 3600}
MAX_STEP_S = 86_400
SECOND_NS = 1_000_000_000
TIME = re.compile(r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
DAYS = re.compile(r"\d{4}-\d{2}-\d{2}(\.\.\d{4}-\d{2}-\d{2})?(_\w{1,8})?")


class WorldLine(msgspec.Struct, frozen=True, kw_only=True):
    """Another world as it was asked for; `at` and `speed` are "" and 0 when not said."""

    world: str
    paths: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    """Of days in the store only these."""
    at: str = ""
    speed: float = 0.0

    def arguments(self) -> tuple[str, ...]:
        """What the engine is started with."""
        found = ["--world", self.world]
        for path in self.paths:
            found += ["--from", path]
        if self.symbols:
            found += ["--symbols", ",".join(self.symbols)]
        if self.at:
            found += ["--at", self.at]
        if self.speed:
            found += ["--speed", f"{self.speed:g}"]
        return tuple(found)

    def sentence(self) -> str:
        """What it is, for people."""
        if self.world == "live":
            return "the live market, on paper"
        if self.world == "sim":
            return "the simulated market"
        what = self._what()
        at = f", from {self.at}" if self.at else ""
        speed = f", at {self.speed:g}×" if self.speed else ""
        return f"{what}{at}{speed}"

    def _what(self) -> str:
        if not self.paths:
            name = self.world.partition(":")[2]
            symbols = ", ".join(self.symbols[:NAMED]) or "everything held"
            return f"{symbols} of {name}" if is_days(name) else "the session as it was recorded"
        names = ", ".join(path.rsplit("/", 1)[-1] for path in self.paths[:NAMED])
        more = f" and {len(self.paths) - NAMED} more" if len(self.paths) > NAMED else ""
        return f"{names}{more}"


def parse_replay(text: str) -> WorldLine:
    """Read what follows REPLAY.

    Raises:
        InvalidValueError: no name, nothing to play, a moment or a speed that is none.
    """
    words = _words(text)
    if not words:
        raise InvalidValueError("REPLAY needs a name and what to play.", fix=SYNTAX)
    name, rest = words[0].removeprefix("replay:"), words[1:]
    if not (name and all(c.isalnum() or c in "._-" for c in name)) or "/" in words[0]:
        raise InvalidValueError(f"{name[:24]!r} is not a name for a replay.", fix="Use letters, digits, dot, dash.")
    paths: list[str] = []
    symbols: tuple[str, ...] = ()
    at, speed = "", 0.0
    while rest:
        word = rest.pop(0)
        if word == "at":
            at, rest = _moment(rest, name[:10] if is_days(name) else "")
        elif word == "speed":
            speed = parse_speed(rest.pop(0) if rest else "")
        elif word == "only" and is_days(name):
            symbols = tuple(text.upper() for text in (rest.pop(0) if rest else "").split(",") if text)
        else:
            paths.append(word)
    return WorldLine(world=f"replay:{name}", paths=tuple(paths), symbols=symbols, at=at, speed=speed)


def is_days(name: str) -> bool:
    """Whether a replay's name asks for days of the store: `2013-10-07`, `2013-10-07..2013-10-11`, `2013-10-07_2`."""
    return DAYS.fullmatch(name) is not None


def parse_seek(text: str, now_ns: int, time_zone: str) -> int:
    """`11:30` of the market's own day, `2013-10-08 09:45`, `+30m`: the market time meant.

    Raises:
        InvalidValueError: no time.
    """
    words, zone = text.strip(), ZoneInfo(time_zone)
    if words.startswith("+"):
        return now_ns + parse_step(words[1:])
    today = datetime.fromtimestamp(now_ns // SECOND_NS, zone).date()
    is_time = ":" in words and "-" not in words
    try:
        moment = datetime.fromisoformat(f"{today.isoformat()}T{words:0>5}" if is_time else words)
    except ValueError:
        raise InvalidValueError(f"{text[:24]!r} is not a time.", fix="SEEK 11:30, 2013-10-08 09:45 or +30m.") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()) * SECOND_NS


def parse_world(text: str) -> WorldLine:
    """Read what follows WORLD: `sim`, `live`, or the words of a replay.

    Raises:
        InvalidValueError: it is no world.
    """
    words = text.split(None, 1)
    if not words:
        raise InvalidValueError("WORLD needs a name.", fix="WORLD sim, WORLD live, or REPLAY name path…")
    if words[0] in ("sim", "live") and len(words) == 1:
        return WorldLine(world=words[0])
    if words[0].startswith("replay:"):
        return parse_replay(text)
    raise InvalidValueError(
        f"{words[0][:24]!r} is not a world of this engine.", fix="WORLD sim, WORLD live, or REPLAY name path…"
    )


def parse_speed(text: str) -> float:
    """`10` or `10×`: market time per wall time.

    Raises:
        InvalidValueError: no number, or out of range.
    """
    try:
        speed = float(text.strip().rstrip("x×"))
    except ValueError:
        speed = 0.0
    if not SLOWEST <= speed <= FASTEST:
        words = f"{text[:16]!r} is not a speed." if text else "SPEED needs a number."
        raise InvalidValueError(words, fix=f"Say {SLOWEST:g} … {FASTEST:g}; 1 is as fast as life.")
    return speed


def parse_step(text: str) -> int:
    """`1s`, `5m`, `1h`, `30`: nanoseconds; nothing said is a second.

    Raises:
        InvalidValueError: no length, or more than a day.
    """
    word = text.strip().lower() or "1s"
    unit = SECONDS.get(word[-1], 0)
    digits = word[:-1] if unit else word
    seconds = int(digits or "1") * (unit or 1) if digits.isascii() and (digits or "1").isdigit() else 0
    if not 0 < seconds <= MAX_STEP_S:
        raise InvalidValueError(f"{text[:16]!r} is not a step.", fix="Say 1s, 5m or 1h; at most a day.")
    return seconds * 1_000_000_000


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        raise InvalidValueError("A quotation mark is not closed.", fix=SYNTAX) from None


def _moment(words: list[str], day: str) -> tuple[str, list[str]]:
    """A moment in one word (quoted) or two (`2013-10-07 10:00`), of the first day when it is only a time; the rest."""
    if day and words and TIME.fullmatch(words[0]):
        words = [f"{day} {words[0]:0>5}", *words[1:]]
    for count in (1, 2):
        text = " ".join(words[:count])
        is_longer_meant = count == 1 and len(words) > 1 and ":" in words[1]
        try:
            datetime.fromisoformat(text)
        except ValueError:
            continue
        if not is_longer_meant:
            return text, words[count:]
    raise InvalidValueError(
        f"{' '.join(words[:2])[:24]!r} is not a moment.", fix="Write at '2013-10-07 10:00', in the exchange's time."
    )

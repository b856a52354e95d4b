"""Stories of a store in which no two prices are equal, and the eye that finds a price told before it was known.

Every version of every row has a price of its own, so whatever an answer looks like (columns, frames, bars, JSON, text),
the prices in it say which versions it was made of; `born` says from when each could be known.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec
import polars as pl
from hypothesis import strategies as st

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.actions import ActionKind, CorporateAction
from stockpulse_engine.storage.history.store import EmbeddedHistory

MINUTE: Final = 60_000_000_000
OPEN: Final = 1_381_152_600_000_000_000
"""Monday 7 October 2013, 9:30 in New York."""
SLOTS: Final = 8
NAMES: Final = ("AAPL.XNAS", "IBM.XNYS")
M1, M5, D1 = BarSpec(1, "m"), BarSpec(5, "m"), BarSpec(1, "d")
CLOSE: Final = OPEN + 390 * MINUTE
E8: Final = 100_000_000
FIRST: Final = Decimal(1000)
"""Prices are a thousand and some cents, and nothing else in a story is."""
_IN_TEXT: Final = re.compile(r"(?<![\d.])1,?0\d\d\.\d{1,8}(?!\d)")


class Write(msgspec.Struct, frozen=True):
    """One commit: a version of one row."""

    table: str
    """`1m`, `5m`, `1d`, `trades`, `quotes` or `actions`."""
    name: str
    slot: int
    late: int | None
    """Minutes after its natural time at which its source published it; None where it does not say."""
    is_retracted: bool
    pause: int
    """Minutes the clock on the wall moves on before."""


STORIES = st.lists(
    st.builds(
        Write,
        st.sampled_from(("1m", "1m", "5m", "1d", "trades", "quotes", "actions")),
        st.sampled_from(NAMES),
        st.integers(0, SLOTS - 1),
        st.none() | st.integers(0, SLOTS * 2),
        st.booleans().map(lambda yes: yes),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=12,
)
MOMENTS = st.integers(-1, SLOTS * 3).map(lambda n: OPEN + n * MINUTE // 2) | st.integers(OPEN, OPEN + SLOTS * MINUTE)


class Story:
    """Writes into a store and keeps from when each price could be known."""

    def __init__(self, store: EmbeddedHistory, clock: ManualClock) -> None:
        self._store = store
        self._clock = clock
        self._held: set[tuple[str, str, int]] = set()
        self.born: dict[Decimal, int] = {}

    def tell(self, writes: list[Write]) -> None:
        """All of it, in order."""
        for write in writes:
            self._clock.advance(write.pause * MINUTE)
            self._write(write)

    def _write(self, write: Write) -> None:
        start, natural = _times(write)
        price = FIRST + Decimal(len(self.born) + 1) / 100
        published = natural + write.late * MINUTE if write.late is not None else None
        key = (write.table, write.name, write.slot if write.table != "1d" else 0)
        is_correction = key in self._held
        known = (published if published is not None else self._clock.now_ns()) if is_correction else natural
        known = max(known, published or 0)
        if write.is_retracted and not is_correction:
            return
        if not write.is_retracted:
            self.born[price] = known
            self._held.add(key)
        self._commit(write, start, natural, int(price * E8), published)

    def _commit(self, write: Write, start: int, natural: int, price_e8: int, published: int | None) -> None:
        writer = self._store.writer
        if write.table == "actions":
            writer.write_actions(
                [
                    CorporateAction(
                        instrument_id=write.name, kind=ActionKind.DIVIDEND, ts_event=start, source="own",
                        known_at=published or natural, amount_e8=price_e8, currency="USD",
                        is_retracted=write.is_retracted,
                    )
                ]
            )  # fmt: skip
            return
        base = {"instrument_id": write.name, "ts_event": start, "known_at": natural, "is_retracted": write.is_retracted}
        if write.table == "trades":
            row = base | {"seq": 0, "price_e8": price_e8, "size_e8": 7 * E8}
            writer.write_trades(_frame(row, published), source="own")
        elif write.table == "quotes":
            sides = {"bid_e8": price_e8, "bid_size_e8": 7 * E8, "ask_e8": price_e8, "ask_size_e8": 7 * E8}
            writer.write_quotes(_frame(base | {"seq": 0} | sides, published), source="own")
        else:
            prices = dict.fromkeys(("open_e8", "high_e8", "low_e8", "close_e8"), price_e8)
            spec = {"1m": M1, "5m": M5, "1d": D1}[write.table]
            writer.write_bars(_frame(base | prices | {"volume_e8": 7 * E8}, published), spec=spec, source="own")


def _frame(row: dict[str, object], published: int | None) -> pl.DataFrame:
    return pl.DataFrame([row]).with_columns(pl.lit(published, dtype=pl.Int64).alias("published_at"))


def _times(write: Write) -> tuple[int, int]:
    """When it happened, and when a participant could first know it."""
    start = OPEN + write.slot * MINUTE
    if write.table == "1m":
        return start, start + MINUTE
    if write.table == "5m":
        start = OPEN + write.slot * 5 * MINUTE
        return start, start + 5 * MINUTE
    if write.table == "1d":
        return OPEN, CLOSE
    return start, start


def leaked(answer: object, born: dict[Decimal, int], at_ns: int) -> list[str]:
    """Prices in an answer that could be known only later than the moment asked for."""
    return [
        f"{price} was known {(born[price] - at_ns) / MINUTE:+.2f} min from then"
        for price in prices_in(answer)
        if price in born and born[price] > at_ns
    ]


def prices_in(answer: object) -> Iterator[Decimal]:
    """Every price of a story that occurs anywhere in an answer."""
    if isinstance(answer, pl.DataFrame):
        yield from prices_in(answer.to_dict(as_series=False))
    elif isinstance(answer, bytes):
        yield from prices_in(answer.decode())
    elif isinstance(answer, str):
        yield from (_cents(Decimal(found.replace(",", ""))) for found in _IN_TEXT.findall(answer))
        yield from (_cents(Decimal(found) / E8) for found in re.findall(r"(?<!\d)10\d{10}(?!\d)", answer))
    elif isinstance(answer, bool) or answer is None:
        return
    elif isinstance(answer, int | float | Decimal):
        yield from _of_number(answer)
    else:
        for part in _parts(answer):
            yield from prices_in(part)


def _of_number(value: float | Decimal) -> Iterator[Decimal]:
    number = Decimal(str(value))
    if not number.is_finite():
        return
    for found in (number, number / E8):
        if FIRST < found < FIRST + 100:
            yield _cents(found)


def _parts(answer: Any) -> Iterator[object]:
    if isinstance(answer, dict):
        yield from answer.values()
    elif isinstance(answer, msgspec.Struct):
        yield from (getattr(answer, name) for name in answer.__struct_fields__)
    elif dataclasses.is_dataclass(answer) and not isinstance(answer, type):
        yield from (getattr(answer, field.name) for field in dataclasses.fields(answer))
    elif hasattr(answer, "tolist"):
        yield from answer.tolist()
    elif isinstance(answer, list | tuple | set | frozenset):
        yield from answer


def _cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"))

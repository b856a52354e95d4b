"""An engine that answers about one moment of the past: few prices are known, one position was held, one order worked."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from stockpulse_engine.client.call import Call
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.market import Bar, Quote, parse_bar_spec
from stockpulse_engine.domain.past import KnownQuote, Moment, PastBooks, PastView
from stockpulse_engine.domain.views import Explanation, PortfolioView, StudyOutput, StudyView
from tests.fakes.fake_book import BookCommands
from tests.fakes.fake_link import T0, FakeLink

THEN = T0 - 300_000_000_000
WORDS = "Fri 20 Nov 2026 10:27:07 ET"
MOMENT = Moment(at_ns=THEN, words=WORDS)
MINUTE = 60_000_000_000
KNOWN = ("MSFT", "NVDA", "SPY")
OLD = "QQQ"
LAST = Decimal("111.11")


class RewindCommands(BookCommands):
    """`views` are given out one after the other, the last one again and again; `gate` holds them back."""

    def __init__(self, link: FakeLink) -> None:
        super().__init__(link)
        self.asked_then: list[tuple[str, str]] = []
        """Path and moment of each read of the past."""
        self.way = [PastView(moment=MOMENT, is_ready=False, done=0.42, step="reading the journal")]
        self.refuses: InvalidValueError | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.is_slow = False
        """After how far it is, no answer comes any more."""
        self.notes: tuple[str, ...] = ()

    async def send(self, call: Call[Any]) -> Any:
        """Reads as of the moment."""
        self.asked_then.append((call.path, call.query.get("at", "")))
        if call.path == "/v1/past":
            return await self._view()
        if self.refuses is not None:
            raise self.refuses
        name, spec = call.query.get("id", ""), call.query.get("spec", "1m")
        if call.path == "/v1/bars":
            return [_bar(name, spec, back) for back in range(int(call.query["limit"]), 0, -1)][-40:]
        if call.path == "/v1/study":
            return _study(name, spec, call.query["study"])
        if call.path == "/v1/explain":
            return Explanation(
                name=call.query["name"], value="111.11", source="lean, 1m bars", age_ns=7_000_000_000,
                formula="newest of what was known", inputs={"last": "111.11"},
            )  # fmt: skip
        if call.path == "/v1/portfolio":
            books = self.books()
            return PortfolioView(account=books.accounts[0], positions=books.positions, curve=())
        if call.path in ("/v1/lots", "/v1/orders", "/v1/fills"):
            return []
        raise NotFoundError(f"nothing is known of {call.path}")

    async def _view(self) -> PastView:
        await self.gate.wait()
        if self.refuses is not None:
            raise self.refuses
        if not self.way and self.is_slow:
            await asyncio.Event().wait()
        return self.way.pop(0) if self.way else self.view()

    def books(self) -> PastBooks:
        """One position, the account of then, and whatever orders there are, as they were made."""
        market = self.link.market
        account = replace(market.account(), equity=Decimal("99000.50"), day_pnl=Decimal("-12.30"), reconciled_wall=0)
        held = next(one for one in market.positions() if one.instrument_id.startswith("MSFT"))
        return PastBooks(
            at_ns=THEN, entries=3, accounts=(account,), positions=(replace(held, mark=LAST, mark_ts=THEN),), lots=(),
            orders=(), fills=(),
        )  # fmt: skip

    def view(self) -> PastView:
        """Everything of the moment."""
        market = self.link.market
        clock = replace(market.clock_view(), market_ns=THEN, is_paused=True)
        quotes = tuple(_known(one.instrument_id) for one in market.instruments)
        return PastView(
            moment=MOMENT, is_ready=True, done=1.0, clock=clock, instruments=market.instruments, quotes=quotes,
            books=self.books(), notes=self.notes,
        )  # fmt: skip


def _known(instrument_id: str) -> KnownQuote:
    symbol, zero = instrument_id.partition(".")[0], Decimal(0)
    if symbol not in (*KNOWN, OLD):
        return KnownQuote(instrument_id=instrument_id, note="nothing is held of it that was known then")
    known_at = THEN - (7 if symbol in KNOWN else 3_600) * 1_000_000_000
    return KnownQuote(
        instrument_id=instrument_id,
        quote=Quote(instrument_id, LAST, LAST, zero, zero, known_at, "lean", LAST, Decimal(1_000)),
        made_of="1m bars", source="lean", known_at=known_at, previous_close=Decimal(110), low=Decimal(109),
        high=Decimal(112), spark=(1.0, 2.0, 3.0),
    )  # fmt: skip


def _bar(instrument_id: str, spec: str, back: int) -> Bar:
    length = parse_bar_spec(spec)
    start = THEN // MINUTE * MINUTE - back * length.duration_ns
    price = LAST + Decimal(back % 5)
    return Bar(
        instrument_id, length, start, price, price + 1, price - 1, price, Decimal(100), start + length.duration_ns
    )


def _study(instrument_id: str, spec: str, text: str) -> StudyView:
    bars = [_bar(instrument_id, spec, back) for back in range(40, 0, -1)]
    return StudyView(
        instrument_id=instrument_id, spec=spec, study=text, label=text.replace(" ", ""), is_overlay=True,
        times=tuple(bar.ts_event for bar in bars),
        outputs=(StudyOutput(name="real", values=tuple(float(bar.close) for bar in bars)),),
    )  # fmt: skip

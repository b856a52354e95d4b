"""A past in which one order was filled at a fixed moment, and one price was known."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.market import Bar, BarSpec, Quote
from stockpulse_engine.domain.past import KnownQuote, Moment, PastBooks, PastView
from stockpulse_engine.domain.views import Explanation, OrderLife, StudyView
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.spokentime import read_moment

EMPTY = PastBooks(at_ns=0, entries=0, accounts=(), positions=(), lots=(), orders=(), fills=())


class FakePast:
    """Satisfies `api.past.PastPort`; `books_held` is what it answers about money, `asked` what it was asked."""

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns
        self.books_held = EMPTY
        self.asked: list[tuple[str, int]] = []

    def moment(self, text: str) -> Moment:
        """As the real one reads it."""
        return read_moment(text, self._now_ns, load_calendar("XNYS"))

    async def view(self, at_ns: int) -> PastView:
        """Ready at once."""
        return PastView(moment=self.moment(str(at_ns)), is_ready=True, done=1.0, books=await self.books(at_ns))

    async def books(self, at_ns: int) -> PastBooks:
        """What was given."""
        self.asked.append(("books", at_ns))
        return self.books_held

    async def quotes(self, names: Sequence[str], at_ns: int) -> tuple[KnownQuote, ...]:
        """AAPL at 100; nothing of the others."""
        self.asked.append(("quotes", at_ns))
        price, zero = Decimal(100), Decimal(0)
        known = KnownQuote(
            instrument_id="AAPL.XNAS",
            quote=Quote("AAPL.XNAS", price, price, zero, zero, at_ns, "lean", price),
            made_of="1m bars",
            source="lean",
            known_at=at_ns,
        )
        return tuple(
            known if name == known.instrument_id else KnownQuote(instrument_id=name, note="nothing") for name in names
        )

    async def bars(
        self, instrument_id: str, spec: BarSpec, *, limit: int, at_ns: int, end_ns: int | None = None
    ) -> Sequence[Bar]:
        """One."""
        self.asked.append(("bars", at_ns))
        price = Decimal(100)
        return [Bar(instrument_id, spec, at_ns - spec.duration_ns, price, price, price, price, Decimal(1), at_ns)]

    async def study(self, instrument_id: str, spec: BarSpec, text: str, *, limit: int, at_ns: int) -> StudyView:
        """Nothing but its name."""
        self.asked.append(("study", at_ns))
        return StudyView(
            instrument_id=instrument_id, spec=str(spec), study=text, label=text, is_overlay=True, times=(), outputs=()
        )

    async def explain(self, name: str, instrument_id: str, at_ns: int) -> Explanation:
        """The last price."""
        self.asked.append(("explain", at_ns))
        return Explanation(name=name, value="100", source="lean, 1m bars", age_ns=0, formula="last", inputs={})

    async def life(self, client_order_id: str, at_ns: int) -> OrderLife:
        """There was none."""
        raise NotFoundError(f"There was no order {client_order_id} then.")

"""Ticks add up to exactly the minute they were made for, whatever the minute."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stockpulse_engine.venue.market.minutes import MINUTE_NS, Mids, Minutes, Noise, columns
from stockpulse_engine.venue.market.ticks import MinuteTerms, make_ticks


def a_minute(seed: int, price: float, trades: int, spread: int, deviation: float) -> Minutes:
    """One minute as the level above makes them."""
    rng = np.random.default_rng(seed)
    ends = np.array([price, price + deviation * rng.standard_normal()], dtype=np.float32)
    mids = Mids(ends[:1], np.maximum(ends[1:], spread + 1), np.array([deviation], dtype=np.float32))
    noise = Noise(rng.standard_exponential((2, 1), dtype=np.float32), rng.integers(0, 4, 1, dtype=np.uint8))
    return columns(mids, np.array([spread]), np.array([trades]), noise)


@st.composite
def terms(draw: st.DrawFn) -> MinuteTerms:
    """Any minute: quiet or wild, cheap or dear, with an auction at either end or none."""
    opening, closing = draw(st.sampled_from([(0, 0), (0, 0), (700, 0), (0, 900)]))
    auctions = (opening > 0) + (closing > 0)
    trades = draw(st.integers(4 if auctions else 0, 60))
    spread = draw(st.integers(1, 30))
    minute = a_minute(
        draw(st.integers(0, 2**31)),
        draw(st.floats(5, 900) | st.floats(900, 90_000)),
        trades,
        spread,
        draw(st.floats(0.0, 40.0)),
    )
    extra = draw(st.integers(0, 100_000)) if trades else 0
    opens = draw(st.sampled_from([0, 20_000_000_000]))
    return MinuteTerms(
        open=int(minute.open[0]),
        high=int(minute.high[0]),
        low=int(minute.low[0]),
        close=int(minute.close[0]),
        volume=trades + opening + closing + extra,
        trades=trades,
        spread=spread,
        start=float(minute.start[0]),
        end=float(minute.end[0]),
        opens=opens,
        closes=draw(st.sampled_from([30_000_000_000, MINUTE_NS])),
        lots=draw(st.floats(0.3, 200.0)),
        extra_quotes=draw(st.floats(0.0, 10.0)),
        opening_size=opening,
        closing_size=closing,
    )


@settings(deadline=None, max_examples=300)
@given(terms(), st.integers(0, 2**31))
def test_ticks_add_up_to_their_minute(wanted: MinuteTerms, seed: int) -> None:
    """Open, high, low, close, volume and number of prints come out exactly."""
    ticks = make_ticks(np.random.default_rng(seed), wanted)
    opening, closing = wanted.opening_size > 0, wanted.closing_size > 0
    prices = [wanted.open] * opening + ticks.price.tolist() + [wanted.close] * closing
    assert len(prices) == wanted.trades
    assert int(ticks.size.sum()) + wanted.opening_size + wanted.closing_size == wanted.volume
    if prices:
        assert (prices[0], max(prices), min(prices), prices[-1]) == (wanted.open, wanted.high, wanted.low, wanted.close)
        assert all(size > 0 for size in ticks.size.tolist())


@settings(deadline=None, max_examples=300)
@given(terms(), st.integers(0, 2**31))
def test_quotes_stand_around_the_prints(wanted: MinuteTerms, seed: int) -> None:
    """Never crossed, inside the minute, each print at the side it hit and after its quote."""
    ticks = make_ticks(np.random.default_rng(seed), wanted)
    assert (ticks.bid < ticks.ask).all()
    assert (ticks.bid >= 1).all()
    assert (np.diff(ticks.at) >= 0).all()
    assert wanted.opens < ticks.at[0] <= wanted.opens + 1_000_000_000
    assert ticks.at[-1] < wanted.closes
    hit = np.where(ticks.is_buy, ticks.ask[ticks.print_slot], ticks.bid[ticks.print_slot])
    assert (ticks.price == hit).all()
    shown = np.where(ticks.is_buy, ticks.ask_size[ticks.print_slot], ticks.bid_size[ticks.print_slot])
    assert (ticks.size <= shown).all()
    assert (ticks.print_at >= ticks.at[ticks.print_slot]).all()
    following = np.append(ticks.at[1:], wanted.closes)[ticks.print_slot]
    assert (ticks.print_at <= following).all()


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**31), st.floats(5, 90_000), st.integers(0, 6), st.integers(1, 30), st.floats(0.0, 40.0))
def test_minutes_are_possible(seed: int, price: float, trades: int, spread: int, deviation: float) -> None:
    """Low ≤ open, close ≤ high, all positive, and no more different prices than prints."""
    minute = a_minute(seed, price, trades, spread, deviation)
    opening, high, low, close = (int(x[0]) for x in (minute.open, minute.high, minute.low, minute.close))
    assert 1 <= low <= min(opening, close) <= max(opening, close) <= high
    if trades <= 1:
        assert opening == high == low == close
    if trades == 2:
        assert {high, low} == {opening, close}

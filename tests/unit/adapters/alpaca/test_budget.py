"""How much is asked: never more than the limit in any minute, a share for cancels, and quiet when told to be."""

from __future__ import annotations

from collections import deque
from random import Random

import pytest

from stockpulse_engine.adapters.alpaca.budget import RateBudget, Use
from stockpulse_engine.adapters.alpaca.rest import Keys
from stockpulse_engine.adapters.alpaca.settings import settings_of
from stockpulse_engine.adapters.alpaca.stream import TradeStream
from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.brokers import BrokerConfig
from stockpulse_engine.domain.errors import UnavailableError

SECOND = 1_000_000_000
LIMIT = 200
DAYS = 1_000


class Virtual:
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.waited = 0.0

    async def sleep(self, seconds: float) -> None:
        self.clock.advance(round(seconds * SECOND))
        self.waited += seconds


def budget_of(time: Virtual, limit: int = LIMIT) -> RateBudget:
    return RateBudget(limit, time.clock, sleep=time.sleep)


class Meter:
    """The broker's side: requests of the last sixty seconds, and a ban for whoever does not listen."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._seen: deque[int] = deque()
        self.quiet_until = 0
        self.over = 0
        self.bans = 0

    def take(self, *, is_stormy: bool) -> tuple[int, dict[str, str]]:
        now = self._clock.now_ns()
        while self._seen and self._seen[0] <= now - 60 * SECOND:
            self._seen.popleft()
        self._seen.append(now)
        self.bans += now < self.quiet_until
        if is_stormy or len(self._seen) > LIMIT:
            self.over += not is_stormy
            self.quiet_until = now + 7 * SECOND
            return 429, {"retry-after": "7"}
        return 200, {"x-ratelimit-limit": str(LIMIT), "x-ratelimit-remaining": str(LIMIT - len(self._seen))}


@pytest.mark.covers("F23")
async def test_a_thousand_faulty_days_bring_no_ban_and_no_starved_cancel() -> None:
    worst = 0.0
    for day in range(DAYS):
        rng, time = Random(day), Virtual()
        budget, meter = budget_of(time), Meter(time.clock)
        for _ in range(60):
            if rng.random() < 0.05:
                await time.sleep(rng.random() * 90)
            use = rng.choice((Use.READ, Use.READ, Use.ORDER, Use.CANCEL))
            before = time.waited
            await budget.take(use, 600.0)
            if use is Use.CANCEL and budget.refusals == 0:
                worst = max(worst, time.waited - before)
            budget.note(*meter.take(is_stormy=rng.random() < 0.01), time.clock.now_ns() / SECOND)
        assert (meter.over, meter.bans) == (0, 0), day
    assert worst < 1.0, "its share was kept"


@pytest.mark.covers("F23", "O8")
async def test_reads_leave_a_fifth_for_cancels() -> None:
    time = Virtual()
    budget = budget_of(time)
    taken = 0
    while budget.wait_for(Use.READ) == 0:
        taken += 1
    assert taken == 80
    assert [budget.wait_for(Use.CANCEL) for _ in range(20)] == [0] * 20
    assert budget.wait_for(Use.CANCEL) > 0


async def test_an_order_that_would_wait_too_long_is_not_sent() -> None:
    time = Virtual()
    budget = budget_of(time)
    budget.note(429, {"retry-after": "30"}, 0.0)
    assert budget.quiet_s == 30
    with pytest.raises(UnavailableError, match="was not sent"):
        await budget.take(Use.ORDER, 2.0)
    await budget.take(Use.CANCEL, 60.0)
    assert time.waited >= 30


@pytest.mark.parametrize("hint", ["", "soon", "-5", "nan", "1e300"])
def test_a_hint_that_makes_no_sense_is_a_short_pause(hint: str) -> None:
    time = Virtual()
    budget = budget_of(time)
    budget.note(429, {"retry-after": hint, "x-ratelimit-limit": hint, "x-ratelimit-remaining": hint}, 0.0)
    assert 1 <= budget.quiet_s <= 120


def test_what_the_broker_says_is_believed_where_it_is_less() -> None:
    time = Virtual()
    budget = budget_of(time)
    budget.note(200, {"x-ratelimit-remaining": "0"}, 0.0)
    assert budget.wait_for(Use.CANCEL) > 0
    budget.note(200, {"x-ratelimit-limit": "1000"}, 0.0)
    time.clock.advance(60 * SECOND)
    assert sum(budget.wait_for(Use.CANCEL) == 0 for _ in range(600)) == 500


@pytest.mark.covers("F23")
async def test_the_stream_comes_back_later_and_later_and_never_in_step() -> None:
    async def put(_: object) -> None:
        return None

    config = BrokerConfig(name="mine", adapter="alpaca", kind=AccountKind.PAPER)
    streams = [TradeStream(settings_of(config), Keys("k" * 9, "s" * 9), put, rng=Random(seed)) for seed in range(40)]
    for failures in (1, 3, 6, 9, 200):
        waits = [one.delay(failures) for one in streams]
        assert all(0.5 <= wait <= 60.0 for wait in waits)
        assert max(waits) <= max(0.5, 0.5 * 2.0 ** min(failures, 16))
    assert len({one.delay(9) for one in streams}) == 40


@pytest.mark.covers("F23", "O8")
def test_where_others_use_the_same_key_the_last_fifth_is_for_cancels() -> None:
    time = Virtual()
    budget = budget_of(time)
    budget.note(200, {"x-ratelimit-remaining": "40", "x-ratelimit-reset": "1030"}, 1000.0)
    assert budget.wait_for(Use.READ) == 30
    assert budget.wait_for(Use.CANCEL) == 0
    time.clock.advance(31 * SECOND)
    assert budget.wait_for(Use.READ) == 0, "it counts anew"
    budget.note(200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1040"}, 1031.0)
    assert budget.wait_for(Use.CANCEL) == 9


def test_a_larger_limit_is_there_at_once() -> None:
    clock = ManualClock()
    budget = RateBudget(200, clock)
    assert budget.wait_for(Use.READ) == 0
    budget.note(200, {"x-ratelimit-limit": "6000", "x-ratelimit-remaining": "5999"}, 0)
    assert budget.wait_for(Use.READ) == 0, "what it allows more was not used by anybody"

"""Memory over hours, made short: a market sixty times as fast, heads of both kinds, orders now and then; flat is flat.

First some sessions pass in minutes, so that rings and caches are full. Then a minute is an hour of the market: the run
sees ends and beginnings of sessions. One head stands on the desk, one goes round all screens, four follow the stream at
rates of their own, and every ten seconds one more comes and goes.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import DeniedError
from stockpulse_engine.domain.orders import OrderTerms, OrderType, Side
from tests.conftest import ROOT
from tests.integration.heads import Head, attached
from tests.system.memory import Diary, growth_per_hour, more_than_at_first
from tests.system.pane import Pane
from tests.system.process import EngineProcess

MINUTES = float(os.environ.get("STOCKPULSE_NIGHT_MINUTES", "55"))
RUSH_SHARE, WARM_SHARE = 0.1, 0.18
"""The part of the run in which sessions rush by, and the one after which memory is judged."""
SAMPLE_S = 5.0
ORDER_EVERY = 6
"""Samples between two orders: an order every half minute stays for good, as orders do."""
RUSH, SPEED = 600.0, 60.0
LEAST_EVENTS_PER_S = 5_000
LIMIT_MIB_PER_HOUR = {"engine": 6.0, "venue": 10.0, "desk": 8.0, "rounds": 8.0}
"""An hour of this is sixty hours of the market: at its own pace that is a tenth of a MiB an hour. The venue keeps the
minutes of the last 26 sessions, 1.1 MiB each, and sees four new ones in an hour of this."""
FILES_MORE, THREADS_MORE = 2, 1
"""Open files and threads that may be more at the end: a request was under way."""
SCREENS = "12456"
HERE = ROOT / "build" / "night" / "memory.csv"


class Heads:
    """Stream heads on a loop of their own thread: some that stay, and one after the other that comes and goes."""

    def __init__(self, engine: EngineProcess) -> None:
        self._engine = engine
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Heads:
        """Attach."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let go."""
        self._ended.set()
        self._thread.join(timeout=30)

    async def _run(self) -> None:
        async with attached(self._engine.paths, 4):
            while not self._ended.is_set():
                guest = Head(self._engine.paths)
                visit = asyncio.get_running_loop().create_task(guest.run())
                await asyncio.to_thread(self._ended.wait, 10)
                await guest.link.close()
                await visit


@contextmanager
def desk(home: Path, name: str) -> Iterator[Pane]:
    """A head in a terminal of its own, on the desk."""
    directory = home / name
    directory.mkdir()
    with Pane(directory) as pane:
        pane.sp(home)
        pane.until(r"Enter begin|● feed")
        pane.press("Enter")
        pane.until(r"● feed", r"SPY +\d+\.\d\d")
        yield pane


def trade(client: BlockingClient, number: int) -> None:
    """Buy one, and the next time sell it: holdings stay small; out of hours the gate refuses, which is also a life."""
    terms = OrderTerms(
        account_id="main",
        instrument_id="F.XNYS",
        side=Side.BUY if number % 2 else Side.SELL,
        quantity=Decimal(1),
        order_type=OrderType.MARKET,
    )
    try:
        client.submit_order(SubmitOrder(client_order_id=new_id(), terms=terms, allow_duplicate=True))
    except DeniedError:
        return


def watch(engine: EngineProcess, panes: dict[str, Pane]) -> tuple[Diary, float]:
    """The run itself; returns what was held, and the market's events a second in the busiest minute."""
    pids = {"engine": engine.pid, "venue": engine.venue_pids[0]} | {name: head_of(one) for name, one in panes.items()}
    diary, seen, count = Diary(pids), [], round(MINUTES * 60 / SAMPLE_S)
    with engine.client() as client:
        for number in range(count):
            threading.Event().wait(SAMPLE_S)
            diary.look()
            panes["desk"].text()
            panes["rounds"].press(SCREENS[number // 3 % len(SCREENS)])
            if not number % ORDER_EVERY:
                trade(client, number // ORDER_EVERY)
            if number == round(RUSH_SHARE * count):
                client.control_market("speed", speed=SPEED)
            if number > WARM_SHARE * count:
                seen.append((time.monotonic(), client.health().feed.events))
    return diary, busiest(seen)


def busiest(seen: list[tuple[float, int]]) -> float:
    """Events a second in the busiest minute."""
    minute = round(60 / SAMPLE_S)
    pairs = zip(seen, seen[minute:], strict=False)
    return max(((later[1] - before[1]) / (later[0] - before[0]) for before, later in pairs), default=0.0)


def head_of(pane: Pane) -> int:
    """The `sp` that runs in a pane: the youngest process below its shell."""
    pid = pane.pid
    while children := Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split():
        pid = int(children[-1])
    return pid


@pytest.mark.covers("F44")
@pytest.mark.night
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory of processes is read from /proc")
@pytest.mark.timeout(60 * MINUTES + 300)
def test_nothing_grows_while_the_market_runs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ExitStack() as stack:
        engine = stack.enter_context(EngineProcess(home, ("--speed", str(RUSH), "--at", "2026-11-19 09:00")))
        panes = {name: stack.enter_context(desk(home, name)) for name in ("desk", "rounds")}
        stack.enter_context(Heads(engine))
        diary, rate = watch(engine, panes)
    diary.write(HERE)
    warm = diary.after(60 * MINUTES * WARM_SHARE)
    growth = {name: growth_per_hour(samples) / 1024 for name, samples in warm.items()}
    told = ", ".join(f"{name} {grown:+.1f} ({warm[name][-1].held_kib // 1024})" for name, grown in growth.items())
    with capsys.disabled():
        print(f"\nnight: MiB/h (held MiB): {told}; {MINUTES:g} min, {rate:,.0f} events/s in the busiest")
    assert {name: grown for name, grown in growth.items() if grown > LIMIT_MIB_PER_HOUR[name]} == {}
    more = {name: more_than_at_first(samples) for name, samples in warm.items()}
    assert {name: one for name, one in more.items() if one[0] > FILES_MORE or one[1] > THREADS_MORE} == {}
    assert rate >= LEAST_EVENTS_PER_S, "the market was as fast as it should be"

"""Engine and venue are killed in the same moment under order flow: each comes back from its own store, and they agree."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import pytest

from stockpulse_engine.base.wait import wait_until
from tests.system.process import EngineProcess
from tests.system.test_kill_and_recover import Flow, open_orders, venue_counts

KILLS = 30 if os.environ.get("STOCKPULSE_NIGHT") == "1" else 3
SETTLE_S = 20.0


@pytest.mark.covers("F13", "F33")
@pytest.mark.timeout(60 + 15 * KILLS)
async def test_engine_and_venue_killed_at_once_agree_when_they_are_back(home: Path) -> None:
    rng = random.Random(23)
    acknowledged: set[str] = set()
    attempted: set[str] = set()
    with EngineProcess(home) as engine:
        for kill in range(KILLS):
            flow = Flow(engine, 500 + kill)
            flow.start()
            threading.Event().wait(rng.uniform(0.1, 0.6))
            engine.kill_both()
            flow.stop()
            acknowledged |= flow.acknowledged
            attempted |= flow.attempted
            with engine.start() as client:
                assert wait_until(lambda: not open_orders(client), SETTLE_S), "every fate is found out"
                assert not client.account().differences, "our cash and holdings are the venue's"
        with engine.client() as client:
            known = {order.client_order_id for order in client.orders("all", limit=5000)}
            assert client.verify_log().is_ok
        counts = await venue_counts(engine, attempted)
    assert acknowledged, "the flow got through at all"
    assert not acknowledged - known, "every acknowledged command is still there"
    assert max(counts.values()) == 1, "at most one venue order per intent"
    assert not [key for key, count in counts.items() if count and key not in known], "and none we do not know"

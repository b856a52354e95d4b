"""A broker that holds something else than we: found at the start, shown, in the way, and settled by a person's word.

The venue's own store is changed while everything is down, as a transfer at a real broker would do it.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import DeniedError
from stockpulse_engine.domain.orders import OrderTerms, OrderType, Side
from tests.system.process import EngineProcess

WAIT_S = 30.0
NAME = "F.XNYS"


def buy(key: str) -> SubmitOrder:
    terms = OrderTerms(
        account_id="main", instrument_id=NAME, side=Side.BUY, quantity=Decimal(5), order_type=OrderType.MARKET
    )
    return SubmitOrder(client_order_id=key, terms=terms)


def transfer(engine: EngineProcess, quantity: int) -> None:
    """So many shares are in the account at the venue now."""
    store = engine.paths.state / "worlds" / "sim" / "venue" / "venue.db"
    with closing(sqlite3.connect(store)) as held, held:
        changed = held.execute("UPDATE positions SET quantity = ? WHERE instrument_id = ?", (str(quantity), NAME))
        assert changed.rowcount == 1


@pytest.mark.covers("F13", "L14")
@pytest.mark.timeout(180)
def test_shares_that_nothing_explains_wait_for_a_person(home: Path) -> None:
    with EngineProcess(home, ("--at", "2026-11-20 11:00")) as engine:
        with engine.client() as client:
            client.submit_order(buy("FIRST"))
            assert wait_until(lambda: bool(client.positions()), WAIT_S)
        engine.kill_both()
        transfer(engine, 12)
        with engine.start() as client:
            (one,) = client.account().suspense
            assert (one.instrument_id, one.ours, one.theirs) == (NAME, Decimal(5), Decimal(12))
            with pytest.raises(DeniedError, match="5 here, 12 at the venue"):
                client.submit_order(buy("SECOND"))
            shown = engine.sp("reconcile", "--json")
            assert shown.returncode == 1
            assert json.loads(shown.stdout)[0]["rows"][0]["suspense"]["suspense_id"] == one.suspense_id
            unsure = engine.sp("reconcile", "explain", one.suspense_id, "--accept", "--reason", "transferred in")
            assert unsure.returncode != 0, "the word was not typed"
            told = engine.sp(
                *("reconcile", "explain", one.suspense_id, "--accept", "--reason", "transferred in"),
                *("--word", "ACCEPT"),
            )
            assert (told.returncode, "12" in told.stdout) == (0, True), told.stderr
            assert [position.quantity for position in client.positions()] == [Decimal(12)]
            client.submit_order(buy("SECOND"))
            assert wait_until(lambda: not client.account().differences, WAIT_S)
            assert engine.sp("reconcile").returncode == 0
            assert client.verify_log().is_ok

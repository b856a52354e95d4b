"""A real engine trades at a stand-in Alpaca, is killed in mid-order and comes back: nothing lost, nothing sent twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.client import calls
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import DeniedError
from stockpulse_engine.domain.orders import OrderStatus, OrderTerms, OrderType, Side, TimeInForce
from stockpulse_engine.drill.faults import Fault
from stockpulse_engine.wire.rest import AdoptAccount, ModifyBody
from tests.fakes.alpaca_stand import KEY, SECRET
from tests.fakes.alpaca_thread import BTC, AlpacaThread
from tests.fakes.yahoo_thread import Coin, YahooThread
from tests.system.process import EngineProcess

WAIT_S = 60.0
PHRASE = "a passphrase for the test"


@pytest.fixture
def alpaca() -> Iterator[AlpacaThread]:
    with AlpacaThread("100.00", held="2") as running:
        yield running
        assert running.server.complaints == []


@pytest.fixture
def engine(alpaca: AlpacaThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineProcess]:
    """In the live world, with a market outside and one connection whose keys are sealed."""
    with YahooThread(Coin("BTC-USD", 100.0, 1_000_000)) as outside:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("STOCKPULSE__MARKET__YAHOO_URL", outside.server.url)
        monkeypatch.setenv("STOCKPULSE__MARKET__SYMBOLS", "BTC-USD")
        monkeypatch.setenv("STOCKPULSE__MARKET__POLL_S", "1")
        process = EngineProcess(tmp_path / "home", ["--world", "live"])
        given = json.dumps({"key_id": KEY, "secret_key": SECRET, "passphrase": PHRASE})
        url, stream = alpaca.server.url, alpaca.server.stream_url
        words = ("broker", "add", "practice", "--kind", "paper", "--url", url, "--stream-url", stream)
        added = process.sp(*words, "--unchecked", "--stdin", answer=given)
        assert added.returncode == 0, added.stderr
        with process:
            yield process


def limit(price: str, quantity: str = "3", side: Side = Side.BUY) -> OrderTerms:
    return OrderTerms(
        account_id="practice",
        instrument_id=BTC,
        side=side,
        quantity=Decimal(quantity),
        order_type=OrderType.LIMIT,
        limit_price=Decimal(price),
        time_in_force=TimeInForce.GTC,
    )


def unlock(engine: EngineProcess) -> None:
    with engine.client("admin") as client:
        (view,) = client.send(calls.unlock_brokers(("practice",), PHRASE))
        assert view.state == "joined"


def shown(client: BlockingClient, key: str) -> tuple[OrderStatus, Decimal, bool]:
    order = client.order(key)
    return order.status, order.filled_quantity, order.is_unknown


def is_clean(client: BlockingClient) -> bool:
    """Whether both sides were compared and agree."""
    (stand,) = client.send(calls.reconciliation("practice"))
    return stand.is_clean and not stand.is_open


def story(client: BlockingClient) -> str:
    """What the engine holds, for a test that failed."""
    orders = [(one.client_order_id, one.status.value, str(one.filled_quantity)) for one in client.orders("all")]
    return f"{orders} {client.send(calls.reconciliation('practice'))}"


def matches(client: BlockingClient, cash: str, held: str) -> bool:
    """Whether our books say what Alpaca's do."""
    view = client.account("practice")
    positions = {one.instrument_id: one.quantity for one in client.positions("practice")}
    return view.cash == Decimal(cash) and positions == {BTC: Decimal(held)}


def change_and_protect(client: BlockingClient) -> None:
    """An order that is changed, so that it is another one at Alpaca; and one with its exits."""
    client.submit_order(SubmitOrder(client_order_id="third", terms=limit("96.00", "4")))
    assert wait_until(lambda: shown(client, "third")[0] is OrderStatus.ACCEPTED, WAIT_S)
    before = client.order("third").venue_order_id
    client.modify_order("third", ModifyBody(request_id="M1", limit_price=Decimal("95.50")))
    assert wait_until(lambda: client.order("third").venue_order_id not in ("", before), WAIT_S)
    take, stop = Decimal("99.00"), Decimal("90.00")
    client.submit_order(
        SubmitOrder(client_order_id="guarded", terms=limit("95.40", "6"), take_price=take, stop_price=stop)
    )
    keys = ("guarded", "guarded-T", "guarded-S")
    assert wait_until(lambda: {shown(client, key)[0] for key in keys} == {OrderStatus.ACCEPTED}, WAIT_S)


@pytest.mark.covers("F01", "F11", "F13", "F34", "O4", "O5")
def test_an_order_under_way_survives_the_engines_death(engine: EngineProcess, alpaca: AlpacaThread) -> None:
    unlock(engine)
    with engine.client("admin") as client:
        client.send(calls.adopt_account(AdoptAccount(request_id="A1", account_id="practice", broker="practice")))
        assert matches(client, "100000", "2"), "the account is taken over with what it holds"
        client.submit_order(SubmitOrder(client_order_id="first", terms=limit("98.00")))
        assert wait_until(lambda: shown(client, "first")[0] is OrderStatus.ACCEPTED, WAIT_S)
        alpaca.do(lambda: alpaca.server.rest.aim(lambda request: request.method == "POST"))
        alpaca.do(lambda: alpaca.server.rest.plan.force(Fault.TIMEOUT_AFTER))
        client.submit_order(SubmitOrder(client_order_id="second", terms=limit("97.00")))
        assert wait_until(lambda: alpaca.server.posts["second"] == 1, WAIT_S)
        change_and_protect(client)
    engine.kill()
    alpaca.move("97.50")  # the first is executed while nobody looks

    engine.start().close()
    unlock(engine)
    with engine.client("admin") as client:
        assert wait_until(lambda: shown(client, "first") == (OrderStatus.FILLED, Decimal(3), False), WAIT_S)
        assert wait_until(lambda: shown(client, "second") == (OrderStatus.ACCEPTED, Decimal(0), False), WAIT_S)
        assert wait_until(lambda: is_clean(client), WAIT_S), story(client)
        alpaca.move("96.50")
        assert wait_until(lambda: shown(client, "second")[:2] == (OrderStatus.FILLED, Decimal(3)), WAIT_S)
        assert wait_until(lambda: matches(client, "99415", "8"), WAIT_S)
        assert client.order("third").terms.limit_price == Decimal("95.50")
        alpaca.move("95.00")
        assert wait_until(lambda: matches(client, "98460.6", "18"), WAIT_S), story(client)
        alpaca.move("99.10")  # the bracket's take
        assert wait_until(lambda: shown(client, "guarded-T")[0] is OrderStatus.FILLED, WAIT_S), story(client)
        assert wait_until(lambda: shown(client, "guarded-S")[0] is OrderStatus.CANCELED, WAIT_S)
        assert wait_until(lambda: is_clean(client), WAIT_S), story(client)
    assert dict(alpaca.server.posts) == {"first": 1, "second": 1, "third": 1, "guarded": 1}
    assert {alpaca.venue.count_orders(key) for key in alpaca.server.posts} == {1}


@pytest.mark.night
@pytest.mark.covers("F01", "F13", "F34", "O5", "O10")
def test_killed_at_many_moments_each_order_is_there_once_or_never_was(
    engine: EngineProcess, alpaca: AlpacaThread
) -> None:
    unlock(engine)
    with engine.client("admin") as client:
        client.send(calls.adopt_account(AdoptAccount(request_id="A1", account_id="practice", broker="practice")))
    moments: tuple[Callable[[BlockingClient, str], bool], ...] = (
        lambda client, key: True,  # the intent is on disk, nothing more is known
        lambda client, key: bool(alpaca.server.posts[key]),
        lambda client, key: shown(client, key)[0] is OrderStatus.ACCEPTED,
    )
    keys: list[str] = []
    for number in range(12):
        key, moment = f"k{number}", moments[number % len(moments)]
        if number % 4 == 3:
            alpaca.do(lambda: alpaca.server.rest.aim(lambda request: request.method == "POST"))
            alpaca.do(lambda: alpaca.server.rest.plan.force(Fault.TIMEOUT_504))
        with engine.client() as client:
            assert wait_until(partial(send, client, key, limit(f"{98 - number / 10:.2f}", "1")), WAIT_S)
            keys.append(key)
            assert wait_until(partial(moment, client, key), WAIT_S)
        engine.kill()
        engine.start().close()
        unlock(engine)
        with engine.client() as client:
            assert wait_until(partial(is_settled, client, alpaca, keys), WAIT_S), key
    assert max(alpaca.server.posts.values()) == 1
    assert {alpaca.venue.count_orders(key) for key in keys} <= {0, 1}


def send(client: BlockingClient, key: str, terms: OrderTerms) -> bool:
    """Whether it was taken: not before both sides were compared."""
    try:
        client.submit_order(SubmitOrder(client_order_id=key, terms=terms))
    except DeniedError as error:
        assert error.denial == "STREAM_RECONCILING"
        return False
    return True


def is_settled(client: BlockingClient, alpaca: AlpacaThread, keys: list[str]) -> bool:
    """Every order works at both sides, or is over at both."""
    wanted = {
        key: (OrderStatus.ACCEPTED if alpaca.venue.count_orders(key) else OrderStatus.CANCELED, Decimal(0), False)
        for key in keys
    }
    return {key: shown(client, key) for key in keys} == wanted

"""Both clients against the real server, and the launcher against daemons that start well, badly or not at all."""

from __future__ import annotations

import asyncio
import json
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.lock import acquire_lock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.client.client import EngineClient
from stockpulse_engine.client.launch import ensure_engine, ensure_engine_async, started
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import ConflictError, DeniedError, ForbiddenError, NotFoundError, UnavailableError
from stockpulse_engine.domain.orders import Order, OrderStatus
from stockpulse_engine.wire.rest import ModifyBody, OpenAccount
from tests.fakes.fake_engine import FakeEngine, terms
from tests.fakes.live_api import LiveApi, serving

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def api(home: Path) -> AsyncIterator[LiveApi]:
    async with serving(home) as live:
        live.engine.trading.put(Order(client_order_id="C1", terms=terms(), status=OrderStatus.SUBMITTED))
        yield live


async def test_every_call_of_the_async_client_is_understood(api: LiveApi) -> None:
    client = EngineClient(api.paths)
    try:
        assert (await client.health()).status == "ok"
        assert [one.instrument_id for one in await client.quotes(("AAPL",))] == ["AAPL.XNAS"]
        assert (await client.depth("AAPL")).instrument_id == "AAPL.XNAS"
        assert len(await client.bars("AAPL", "5m", 2)) == 2
        assert len(await client.instruments()) == 3
        assert (await client.news(1))[0].headline == "Quiet day"
        assert (await client.clock()).world == "sim"
        assert (await client.control_market("speed", speed=2)).speed == 2
        assert (await client.explain("last", "AAPL")).name == "last"
        assert len(await client.orders("working")) == 1
        assert (await client.order("C1")).client_order_id == "C1"
        assert (await client.order_life("C1")).is_verified
        assert await client.fills() == []
        assert (await client.preview_order(SubmitOrder(client_order_id="P", terms=terms()))).is_allowed
        assert (await client.modify_order("C1", ModifyBody(request_id="m"))).status is OrderStatus.PENDING_UPDATE
        assert (await client.cancel_order("C1")).status is OrderStatus.PENDING_CANCEL
        assert (await client.cancel_orders("AAPL")).client_order_ids == ("C1",)
        assert (await client.positions(), await client.lots()) == ([], [])
        assert (await client.portfolio()).account.account.account_id == "main"
        assert (await client.account("real")).account.account_id == "real"
        assert len(await client.accounts()) == 2
        assert (await client.open_account(OpenAccount(request_id="o", account_id="p2"))).account.account_id == "p2"
        assert (await client.day()).session_date == "2023-11-14"
        assert (await client.set_halt("halt", reason="x")).state.value == "HALTED"
        assert (await client.halt_view()).reason == "x"
        assert [one.head_id for one in await client.arm("main")] == [client.head_id]
        assert len(await client.arms()) == 1
        assert await client.arm("main", 0) == []
        assert (await client.log())[0].seq == 1
        assert (await client.verify_log()).is_ok
        assert (await client.backup()).bytes == 4096
        assert (await client.stop_engine()).is_accepted
    finally:
        await client.close()


async def test_orders_staged_sent_and_discarded(api: LiveApi) -> None:
    client = EngineClient(api.paths, head_id="desk")
    try:
        for name in ("S1", "S2"):
            answer = await client.submit_order(SubmitOrder(client_order_id=name, terms=terms(), is_staged=True))
            assert answer.orders[0].status is OrderStatus.INITIALIZED
        assert (await client.send_order("S1")).orders[0].status is OrderStatus.SUBMITTED
        assert (await client.discard_order("S2")).status is OrderStatus.CANCELED
    finally:
        await client.close()
    assert api.engine.effects[-2:] == ["send S1 by desk/trader", "discard S2 by desk/trader"]


async def test_the_blocking_client_says_the_same_and_keeps_its_connection(api: LiveApi) -> None:
    def talk() -> list[object]:
        with BlockingClient(api.paths) as client:
            first = client.health()
            wire = client._connection.sock
            said: list[object] = [first.status, client.orders()[0].client_order_id, client.set_halt("halt").state.value]
            assert client._connection.sock is wire
            return said

    assert await asyncio.to_thread(talk) == ["ok", "C1", "HALTED"]


async def test_errors_keep_their_kind_message_and_fix(api: LiveApi) -> None:
    def halt_twice(client: BlockingClient) -> None:
        for action in ("reduce", "flatten"):
            client.set_halt(action, request_id="r")

    too_much = SubmitOrder(client_order_id="X", terms=terms(quantity="666"))
    cases: list[tuple[type[Exception], str, Callable[[BlockingClient], object]]] = [
        (DeniedError, "trader", lambda client: client.submit_order(too_much)),
        (NotFoundError, "trader", lambda client: client.order("nope")),
        (ForbiddenError, "viewer", lambda client: client.set_halt("halt")),
        (ConflictError, "trader", halt_twice),
    ]

    def fails(kind: type[Exception], role: str, act: Callable[[BlockingClient], object]) -> None:
        with BlockingClient(api.paths, role=role) as client, pytest.raises(kind):
            act(client)

    for case in cases:
        await asyncio.to_thread(fails, *case)


async def test_after_a_restart_the_next_request_connects_anew(home: Path) -> None:
    client = EngineClient(resolve_paths(home))
    async with serving(home):
        assert (await client.health()).status == "ok"
    with pytest.raises(UnavailableError):
        await client.health()
    async with serving(home):
        assert (await client.health()).status == "ok"
    await client.close()


_DAEMON = textwrap.dedent("""
    import asyncio, sys
    sys.path.insert(0, {root!r})
    import uvloop
    from stockpulse_engine.api.server import serve
    from stockpulse_engine.base.clock import WallClock
    from stockpulse_engine.base.lock import acquire_lock
    from stockpulse_engine.base.paths import resolve_paths
    from tests.fakes.fake_engine import FakeEngine, NOW

    async def main():
        paths, engine, over = resolve_paths(), FakeEngine(), asyncio.Event()
        lock = acquire_lock(paths.lock, WallClock())
        engine.system.ready_at, reads = 0, []
        health = engine.system.health
        def counted():
            reads.append(1)
            engine.system.ready_at = NOW if len(reads) > 4 else 0
            return health()
        engine.system.health = counted
        async def stop():
            over.set()
        engine.system.stop = stop
        await serve(engine, paths, until=over.wait)
        lock.release()

    uvloop.run(main())
""")


@pytest.fixture
def daemon(tmp_path: Path) -> Path:
    script = tmp_path / "daemon.py"
    script.write_text(_DAEMON.format(root=str(ROOT)))
    return script


def _stop(paths: Paths) -> None:
    with BlockingClient(paths) as client:
        client.stop_engine()
    for child in started.values():
        child.wait(10)


def test_an_engine_is_started_once_and_each_step_is_said(home: Path, daemon: Path) -> None:
    paths, steps = resolve_paths(home), list[str]()
    try:
        health = ensure_engine(paths, steps.append, command=(sys.executable, str(daemon)))
        assert health.ready_at
        assert steps == ["starting the engine", "replaying the journal"]
        steps.clear()
        assert ensure_engine(paths, steps.append, command=("/nonexistent",)).ready_at
        assert steps == []
    finally:
        _stop(paths)


def test_two_starts_at_once_end_with_one_engine(home: Path, daemon: Path) -> None:
    paths, seen = resolve_paths(home), list[int]()

    def start() -> None:
        seen.append(ensure_engine(paths, command=(sys.executable, str(daemon))).ready_at)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _stop(paths)
    assert len(seen) == 2


def test_a_daemon_that_dies_is_quoted(home: Path) -> None:
    with pytest.raises(UnavailableError, match="ended with 3: no venue today"):
        ensure_engine(
            resolve_paths(home), command=(sys.executable, "-c", "print('no venue today'); raise SystemExit(3)")
        )


def test_a_daemon_that_can_not_be_run_is_an_error_in_words(home: Path) -> None:
    with pytest.raises(UnavailableError, match="can not be started"):
        ensure_engine(resolve_paths(home), command=("/nonexistent/python",))


def test_an_engine_that_holds_the_lock_but_never_answers_is_given_up(home: Path) -> None:
    paths = resolve_paths(home)
    with acquire_lock(paths.lock, WallClock()), pytest.raises(UnavailableError, match="waiting for the engine"):
        ensure_engine(paths, timeout_s=0.1)


async def test_the_async_launcher_finds_a_running_engine(api: LiveApi) -> None:
    assert (await ensure_engine_async(api.paths)).status == "ok"


async def test_json_of_the_blocking_client_is_what_the_engine_sent(api: LiveApi) -> None:
    from stockpulse_engine.client import calls

    def fetch() -> bytes:
        with BlockingClient(api.paths) as client:
            return client.fetch(calls.quotes(("AAPL",)))

    raw = await asyncio.to_thread(fetch)
    assert json.loads(raw)[0][1] == "AAPL.XNAS"


def test_the_fake_is_an_engine() -> None:
    from stockpulse_engine.api.ports import EngineServices

    engine: EngineServices = FakeEngine()
    assert engine.market.instruments()

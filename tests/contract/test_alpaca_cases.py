"""What Alpaca alone does, as numbered cases: the real adapter against a stand-in that fails when told to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal

import pytest
from msgspec import structs

from stockpulse_engine.adapters.alpaca.broker import AlpacaBroker
from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.errors import InvalidValueError, UnavailableError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order, OrderEventKind, OrderRole, OrderTerms, OrderType, Side, TimeInForce
from stockpulse_engine.drill.core.orders import Trick
from stockpulse_engine.drill.faults import Fault, FaultPlan
from stockpulse_engine.drill.servers.http import HTTP_FAULTS
from stockpulse_engine.drill.servers.weather import Weather
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.trading.ports import AmbiguousOutcomeError, RejectedByBrokerError
from tests.conftest import IS_NIGHT
from tests.contract.broker_contract import Watcher, bracket, limit_order, terms
from tests.fakes.alpaca_stand import ACME, KEY, NUMBER, SECRET, AlpacaStage, alpaca_stage

PATIENCE_S = 30.0
Kind = OrderEventKind
UNCLEAR = (Fault.TIMEOUT_504, Fault.RESET, Fault.HALF_BODY, Fault.GARBAGE, Fault.TIMEOUT_AFTER)


@pytest.fixture
async def stage() -> AsyncIterator[AlpacaStage]:
    """A broker of its own for each case; what it was sent must have been in order."""
    async with alpaca_stage() as made:
        yield made
        assert made.server.complaints == []


@pytest.fixture
async def broker(stage: AlpacaStage) -> AsyncIterator[AlpacaBroker]:
    """Connected, with its account."""
    made = await joined(stage)
    yield made
    await made.close()


async def joined(stage: AlpacaStage, **more: float) -> AlpacaBroker:
    """A new adapter, ready."""
    made = stage.broker(None, **more)
    await made.connect()
    await made.open_account(stage.account)
    return made


def hurry(broker: AlpacaBroker, **more: float) -> None:
    """From now on it waits for an answer as long as a test likes to; whoever judges asks with patience."""
    given = {"connect_s": 0.1, "answer_s": 0.3, **more}
    broker._rest._settings = structs.replace(broker._rest._settings, **given)


def is_order(request: object) -> bool:
    return getattr(request, "method", "") == "POST"


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that must come."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


async def gather(watcher: Watcher, is_enough: Callable[[], bool]) -> None:
    """Read reports until there are enough."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_enough():
            watcher.seen += await anext(watcher._stream)


def fills(watcher: Watcher) -> list[Fill]:
    return [one.fill for one in watcher.seen if one.fill is not None]


def partly(stage: AlpacaStage, order_id: str, share: str) -> None:
    """Execute part of an order, and tell it."""
    order = stage.venue.order(NUMBER, client_order_id=order_id)
    assert order is not None
    assert order.limit_price is not None
    stage.venue._execute(stage.venue._own(NUMBER, order.venue_order_id), Decimal(share), order.limit_price)
    stage.server.tell()


@pytest.mark.covers("F01", "O5", "R71")
async def test_01_an_order_leaves_once_whatever_the_answer_is(stage: AlpacaStage) -> None:
    broker, judge = await joined(stage), await joined(stage)
    await broker.submit([limit_order(stage, "warm", Side.BUY, "1", "99.00")])
    hurry(broker)
    stage.server.rest.aim(is_order)
    for fault in UNCLEAR:
        order = limit_order(stage, f"c01-{fault.value}", Side.BUY, "1", "99.00")
        stage.server.rest.plan.force(fault)
        with pytest.raises(AmbiguousOutcomeError):
            await broker.submit([order])
        there = await judge.fetch_order("alpaca", order.client_order_id)
        assert (there.status if there is not None else "") == "ACCEPTED", fault
    lost = limit_order(stage, "c01-lost", Side.BUY, "1", "99.00")
    stage.server.rest.plan.force(Fault.TIMEOUT_BEFORE)
    with pytest.raises(AmbiguousOutcomeError):
        await broker.submit([lost])
    assert await judge.fetch_order("alpaca", "c01-lost") is None
    assert set(stage.server.posts.values()) == {1}
    assert [one for one in stage.server.rest.requests if is_order(one)][-1].body.count(b"c01-lost") == 1
    assert sum(map(is_order, stage.server.rest.requests)) == len(UNCLEAR) + 2
    await stage.server.rest.refuse()
    with pytest.raises(UnavailableError):
        await broker.fetch_account("alpaca")  # and the line that was kept open is known to be gone
    with pytest.raises(UnavailableError, match="nothing was sent"):
        await broker.submit([limit_order(stage, "c01-refused", Side.BUY, "1", "99.00")])
    await broker.close()
    await judge.close()


@pytest.mark.covers("F01")
async def test_02_a_repeated_id_after_a_504_is_the_same_order(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    stage.server.rest.aim(is_order)
    stage.server.rest.plan.force(Fault.TIMEOUT_504)
    order = limit_order(stage, "c02", Side.BUY, "10", "99.00")
    with pytest.raises(AmbiguousOutcomeError):
        await broker.submit([order])
    await broker.submit([order])  # somebody asks for it again: it is there, and that is no failure
    assert stage.venue.count_orders("c02") == 1
    with pytest.raises(RejectedByBrokerError):
        await broker.submit([limit_order(stage, "c02", Side.BUY, "11", "99.00")])


@pytest.mark.covers("F16")
async def test_03_each_item_of_a_bulk_cancel_is_looked_at(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    for number in range(4):
        await broker.submit([limit_order(stage, f"c03-{number}", Side.BUY, "1", "99.00")])
    stage.server.stubborn = 2
    await broker.cancel_all("alpaca")
    assert list(await broker.fetch_open_orders("alpaca")) == []
    await broker.submit([limit_order(stage, "c03-last", Side.BUY, "1", "99.00")])
    stage.server.stubborn = 1
    stage.server.rest.aim(lambda request: request.method == "DELETE" and len(request.path) > len("/v2/orders"))
    stage.server.rest.plan.force(Fault.ERROR_500)
    with pytest.raises(AmbiguousOutcomeError):
        await broker.cancel_all("alpaca")
    assert len(await broker.fetch_open_orders("alpaca")) == 1


@pytest.mark.covers("F11")
async def test_04_a_change_makes_a_new_order_and_both_are_watched(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    order = limit_order(stage, "c04", Side.BUY, "10", "99.00")
    watcher = Watcher(broker)
    await broker.submit([order])
    await watcher.until("c04", Kind.ACCEPT)
    partly(stage, "c04", "4")
    first = await watcher.until("c04", Kind.FILL)
    wanted = terms(stage, Side.BUY, "7", "99.01")
    await broker.replace(order, wanted, "c04-change")
    changed = await watcher.until("c04", Kind.UPDATE)
    assert changed.terms == wanted
    assert changed.venue_order_id != first.venue_order_id
    made = [one for one in stage.venue.orders(NUMBER) if one.replaces]
    assert [(one.quantity, one.limit_price) for one in made] == [(Decimal(3), Decimal("99.01"))], (
        "what is left, never the whole"
    )
    shown = await broker.fetch_order("alpaca", "c04")
    assert shown is not None
    assert (shown.status, shown.filled_quantity, shown.terms) == ("PARTIALLY_FILLED", Decimal(4), wanted)
    stage.move("98.98", "98.99")
    await gather(watcher, lambda: sum(one.quantity for one in fills(watcher)) == 7)
    assert {one.client_order_id for one in fills(watcher)} == {"c04"}
    done = await broker.fetch_order("alpaca", "c04")
    assert done is not None
    assert (done.status, done.filled_quantity) == ("FILLED", Decimal(7))
    await watcher.close()


@pytest.mark.covers("F11", "F01")
async def test_05_an_unanswered_change_is_found_and_not_made_twice(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    order = limit_order(stage, "c05", Side.BUY, "10", "99.00")
    await broker.submit([order])
    stage.server.rest.aim(lambda request: request.method == "PATCH")
    stage.server.rest.plan.force(Fault.TIMEOUT_504)
    wanted = terms(stage, Side.BUY, "10", "99.02")
    with pytest.raises(AmbiguousOutcomeError):
        await broker.replace(order, wanted, "c05-change")
    shown = await broker.fetch_order("alpaca", "c05")
    assert shown is not None
    assert shown.terms.limit_price == Decimal("99.02")
    assert len([one for one in stage.server.rest.requests if one.method == "PATCH"]) == 1
    await broker.cancel(order, "c05-cancel")
    assert list(await broker.fetch_open_orders("alpaca")) == []


async def test_06_a_change_that_comes_too_late_is_refused(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    order = limit_order(stage, "c06", Side.BUY, "10", "99.00")
    await broker.submit([order])
    stage.venue.arm(Trick.REPLACE_RACE)
    with pytest.raises(RejectedByBrokerError):
        await broker.replace(order, terms(stage, Side.BUY, "12", "99.00"), "c06-change")
    shown = await broker.fetch_order("alpaca", "c06")
    assert shown is not None
    assert (shown.status, shown.filled_quantity) == ("FILLED", Decimal(10))
    with pytest.raises(RejectedByBrokerError, match="filled"):
        await broker.replace(order, terms(stage, Side.BUY, "12", "99.00"), "c06-again")


@pytest.mark.parametrize("is_paper", [True, False])
async def test_07_frames_are_read_whether_binary_or_text(is_paper: bool) -> None:
    async with alpaca_stage(is_paper=is_paper) as stage:
        broker = await joined(stage, poll_s=60.0)
        watcher = Watcher(broker)
        await broker.submit([limit_order(stage, "c07", Side.BUY, "1", "99.00")])
        await watcher.until("c07", Kind.ACCEPT)
        stage.move("98.90", "98.95")
        report = await watcher.until("c07", Kind.FILL)
        assert report.report_seq == report.ts_event > 0
        assert stage.server.complaints == []
        await watcher.close()
        await broker.close()


@pytest.mark.covers("F10", "F22")
async def test_08_a_mute_stream_is_noticed_and_cured(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    watcher = Watcher(broker)
    await broker.submit([limit_order(stage, "c08-0", Side.BUY, "1", "99.00")])
    await watcher.until("c08-0", Kind.ACCEPT)
    await until(lambda: any(one.is_ready for one in stage.server.stream.sessions))
    stage.server.stream.weather = Weather(is_silent=True)  # open, pings answered, nothing said
    for number in (1, 2, 3):
        await broker.submit([limit_order(stage, f"c08-{number}", Side.BUY, "1", "99.00")])
        partly(stage, f"c08-{number}", "1")
        await watcher.until(f"c08-{number}", Kind.FILL)
    connected = stage.server.stream._count
    await gather_until(watcher, lambda: stage.server.stream._count > connected)
    stage.server.stream.weather = Weather()
    assert [one.client_order_id for one in fills(watcher)] == ["c08-1", "c08-2", "c08-3"]
    await watcher.close()


async def gather_until(watcher: Watcher, condition: Callable[[], bool]) -> None:
    """Go on listening, though nothing more is said, until something has happened."""
    reading = asyncio.ensure_future(anext(watcher._stream))
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)
            if reading.done():
                watcher.seen += reading.result()
                reading = asyncio.ensure_future(anext(watcher._stream))
    reading.cancel()
    await asyncio.wait((reading,))


@pytest.mark.covers("F10", "F09")
async def test_09_frames_lost_doubled_and_reordered_leave_each_fill_once(
    stage: AlpacaStage, broker: AlpacaBroker
) -> None:
    stage.server.stream.weather = Weather(drop=0.8, copies=2, window_s=0.3)
    watcher = Watcher(broker)
    for number in range(12):
        await broker.submit([limit_order(stage, f"c09-{number}", Side.BUY, "2", "99.00")])
        partly(stage, f"c09-{number}", "1")
        partly(stage, f"c09-{number}", "1")
    await gather(watcher, lambda: len(fills(watcher)) >= 24)
    assert len({one.fill_id for one in fills(watcher)}) == 24 == len(fills(watcher))
    asked = await broker.fetch_fills("alpaca", 0)
    assert {one.fill_id for one in asked} == {one.fill_id for one in fills(watcher)}
    assert sum(one.quantity for one in asked) == 24
    await watcher.close()


@pytest.mark.covers("F10")
async def test_10_executions_are_read_page_by_page_to_the_end(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    await broker.submit([limit_order(stage, "c10", Side.BUY, "230", "99.00")])
    for _ in range(230):
        partly(stage, "c10", "1")
    found = await broker.fetch_fills("alpaca", 0)
    assert len({one.fill_id for one in found}) == 230
    assert [one.ts_event for one in found] == sorted(one.ts_event for one in found)
    pages = [one for one in stage.server.rest.requests if "activities" in one.path]
    assert len(pages) >= 3


@pytest.mark.covers("F26", "R21")
async def test_11_a_dead_key_is_a_state_and_not_a_storm(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    watcher = Watcher(broker)
    await broker.submit([limit_order(stage, "c11", Side.BUY, "1", "99.00")])
    await watcher.until("c11", Kind.ACCEPT)
    stage.server.dead_keys.add(KEY)
    stage.server.stream.cut()
    with pytest.raises(UnavailableError):
        await gather(watcher, lambda: False)
    with pytest.raises(UnavailableError):
        await broker.fetch_account("alpaca")
    assert not broker.is_connected
    asked, connections = len(stage.server.rest.requests), stage.server.stream._count
    for _ in range(20):
        with pytest.raises(UnavailableError, match="does not accept the key"):
            await broker.connect()
    with pytest.raises(UnavailableError):
        await broker.submit([limit_order(stage, "c11-b", Side.BUY, "1", "99.00")])
    assert (len(stage.server.rest.requests), stage.server.stream._count) == (asked, connections)
    assert stage.server.posts["c11-b"] == 0


@pytest.mark.covers("F23", "O8")
async def test_12_too_many_requests_are_waited_out_and_a_cancel_gets_through(
    stage: AlpacaStage, broker: AlpacaBroker
) -> None:
    order = limit_order(stage, "c12", Side.BUY, "1", "99.00")
    await broker.submit([order])
    stage.server.rest.aim(lambda request: request.method == "DELETE")
    stage.server.rest.plan.force(Fault.THROTTLED)
    await broker.cancel(order, "c12-cancel")
    assert list(await broker.fetch_open_orders("alpaca")) == []
    stage.server.rest.aim(is_order)
    stage.server.rest.plan.force(Fault.THROTTLED)
    with pytest.raises(RejectedByBrokerError):
        await broker.submit([limit_order(stage, "c12-b", Side.BUY, "1", "99.00")])
    assert stage.server.posts["c12-b"] == 0, "refused before it was looked at, and not sent again"


@pytest.mark.covers("O15")
@pytest.mark.parametrize("word", ["trade_bust", "trade_correct", "x_never_seen"])
async def test_13_a_word_nobody_told_us_about_is_kept_and_flagged(
    stage: AlpacaStage, broker: AlpacaBroker, word: str
) -> None:
    watcher = Watcher(broker)
    await broker.submit([limit_order(stage, "c13", Side.BUY, "2", "99.00")])
    await watcher.until("c13", Kind.ACCEPT)
    stage.server.strange = word
    partly(stage, "c13", "1")
    report = await watcher.until("c13", Kind.SUSPEND)
    assert (report.reason, report.code) == (f"Alpaca says {word}", "")
    await watcher.close()


@pytest.mark.covers("F23", "F22")
async def test_14_while_the_stream_is_down_questions_carry_on(stage: AlpacaStage) -> None:
    await stage.server.stream.refuse()
    broker = await joined(stage)
    watcher = Watcher(broker)
    await broker.submit([limit_order(stage, "c14", Side.BUY, "1", "99.00")])
    await watcher.until("c14", Kind.ACCEPT)
    partly(stage, "c14", "1")
    await watcher.until("c14", Kind.FILL)
    await stage.server.stream.start()
    await gather_until(watcher, lambda: any(one.is_ready for one in stage.server.stream.sessions))
    await watcher.close()
    await broker.close()


async def test_15_groups_that_alpaca_holds_itself(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    watcher = Watcher(broker)
    entry, take, stop = bracket(stage, "c15", "10", take="100.40", stop="99.00")
    await broker.submit([entry, stop])  # OTO
    for key in ("c15", "c15-s"):
        await watcher.until(key, Kind.ACCEPT)
    await watcher.until("c15", Kind.FILL)
    await broker.cancel(stop, "c15-cancel")
    await watcher.until("c15-s", Kind.CANCEL)
    alone = structs.replace(take, client_order_id="oco", parent_id="")
    other = structs.replace(stop, client_order_id="oco-s", parent_id="oco")
    await broker.submit([alone, other])
    for key in ("oco", "oco-s"):
        await watcher.until(key, Kind.ACCEPT)
    open_now = {one.client_order_id: one.terms for one in await broker.fetch_open_orders("alpaca")}
    assert (open_now["oco"].limit_price, open_now["oco-s"].stop_price) == (Decimal("100.40"), Decimal("99.00"))
    await stage.swing()
    await gather(watcher, lambda: {"CANCEL", "FILL"} <= {*watcher.kinds("oco"), *watcher.kinds("oco-s")})
    assert (await broker.fetch_account("alpaca")).positions == {}
    await watcher.close()


@pytest.mark.covers("F13", "O5")
async def test_16_after_a_restart_everything_is_found_again(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    await broker.submit(named_bracket(stage, "c16"))
    order = limit_order(stage, "c16-x", Side.BUY, "5", "99.00")
    await broker.submit([order])
    partly(stage, "c16-x", "2")
    await broker.replace(order, terms(stage, Side.BUY, "5", "99.03"), "c16-change")
    await broker.close()
    again = await joined(stage)
    shown = {one.client_order_id: one for one in await again.fetch_open_orders("alpaca")}
    assert set(shown) == {"c16-T", "c16-S", "c16-x"}
    assert (shown["c16-x"].filled_quantity, shown["c16-x"].terms.quantity) == (Decimal(2), Decimal(5))
    fresh = await joined(stage)
    leg = await fresh.fetch_order("alpaca", "c16-S")
    assert leg is not None
    assert leg.terms.order_type is OrderType.STOP
    changed = await fresh.fetch_order("alpaca", "c16-x")
    assert changed is not None
    assert changed.terms.limit_price == Decimal("99.03")
    assert {one.client_order_id for one in await fresh.fetch_fills("alpaca", 0)} == {"c16", "c16-x"}
    await fresh.cancel(order, "c16-cancel")
    assert "c16-x" not in {one.client_order_id for one in await fresh.fetch_open_orders("alpaca")}
    await again.close()
    await fresh.close()


def named_bracket(stage: AlpacaStage, key: str) -> Sequence[Order]:
    """With exits named as the order service names them."""
    entry, take, stop = bracket(stage, key, "10", take="100.40", stop="99.00")
    return entry, structs.replace(take, client_order_id=f"{key}-T"), structs.replace(stop, client_order_id=f"{key}-S")


@pytest.mark.covers("F42")
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"tradable": False}, "can not be traded"),
        ({"status": "inactive"}, "inactive"),
        ({"exchange": "NYSE"}, "that is not ACME.XNAS"),
    ],
)
async def test_17_what_may_not_be_traded_is_never_sent(
    stage: AlpacaStage, broker: AlpacaBroker, fields: dict[str, object], words: str
) -> None:
    stage.server.assets["ACME"] = fields
    with pytest.raises(RejectedByBrokerError, match=words):
        await broker.submit([limit_order(stage, "c17", Side.BUY, "1", "99.00")])
    strange = limit_order(stage, "c17-b", Side.BUY, "1", "99.00")
    strange = structs.replace(strange, terms=structs.replace(strange.terms, instrument_id="NOPE.XNAS"))
    with pytest.raises(RejectedByBrokerError, match="does not know"):
        await broker.submit([strange])
    assert not stage.server.posts


@pytest.mark.covers("F45", "R21")
async def test_18_no_secret_is_seen_anywhere(stage: AlpacaStage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[object] = []
    broker = await joined(stage)
    watcher = Watcher(broker)
    await broker.submit([limit_order(stage, "c18", Side.BUY, "1", "99.00")])
    await watcher.until("c18", Kind.ACCEPT)
    hurry(broker)
    for fault in (*UNCLEAR, Fault.TOKEN_DEAD):
        stage.server.rest.plan.force(fault)
        try:
            await broker.submit([limit_order(stage, f"c18-{fault.value}", Side.BUY, "1", "99.00")])
        except Exception as error:
            seen += [error, error.__cause__, error.__context__, *error.args]
    seen += [broker, vars(broker), vars(broker._rest), vars(broker._rest)["_keys"], stage.server.stream.sessions]
    seen += [f"{one.path}?{one.query}" for one in stage.server.rest.requests]
    words = caplog.text + "".join(repr(one) + str(one) for one in seen)
    assert SECRET not in words
    assert KEY not in words
    await watcher.close()
    await broker.close()


async def test_19_what_happened_before_the_account_was_taken_over_is_not_told(stage: AlpacaStage) -> None:
    first = await joined(stage)
    await first.submit([limit_order(stage, "c19-old", Side.BUY, "10", "100.02")])
    await first.close()
    adopted = structs.replace(stage.account, opened_at=stage.venue._now() + 5_000_000_000)
    broker = stage.broker()
    await broker.connect()
    await broker.open_account(adopted)
    (held,) = await broker.fetch_holdings("alpaca")
    assert (held.instrument_id, held.quantity, held.average_price) == (ACME, Decimal(10), Decimal("100.02"))
    await broker.submit([limit_order(stage, "c19-new", Side.SELL, "4", "100.00")])
    assert [one.client_order_id for one in await broker.fetch_fills("alpaca", 0)] == ["c19-new"]
    with pytest.raises(InvalidValueError, match="one account"):
        await broker.open_account(another(stage.account))
    await broker.close()


def another(account: Account) -> Account:
    return structs.replace(account, account_id="other")


@pytest.mark.covers("F08")
async def test_20_a_fill_told_before_its_order_is_booked_to_it(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    watcher = Watcher(broker)
    stage.venue.arm(Trick.FILL_BEFORE_ACK)
    await broker.submit([limit_order(stage, "c20", Side.BUY, "5", "99.00")])
    report = await watcher.until("c20", Kind.FILL)
    assert report.fill is not None
    assert report.fill.quantity == 1
    await watcher.until("c20", Kind.ACCEPT)
    await watcher.close()


async def test_21_an_order_of_somebody_else_is_shown_under_its_own_id(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    other = await joined(stage)
    watcher = Watcher(broker)
    await other.submit([limit_order(stage, "904837e3-3b76-47ec-b432-046db621571b", Side.BUY, "1", "99.00")])
    report = await watcher.until("904837e3-3b76-47ec-b432-046db621571b", Kind.ACCEPT)
    assert report.terms is not None
    assert report.terms.instrument_id == ACME
    await other.cancel_all("alpaca")  # a second session cancels while the first listens
    await watcher.until("904837e3-3b76-47ec-b432-046db621571b", Kind.CANCEL)
    await watcher.close()
    await other.close()


@pytest.mark.covers("F41", "F39")
async def test_22_clocks_are_compared_and_two_calendars_must_agree(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    assert abs(broker.clock_skew_ns) < 10**10
    calendar = load_calendar()
    clock = await broker.fetch_clock()
    session = calendar.session_at(clock.at)
    is_on = session is not None and session.open <= clock.at < session.close
    assert await broker.is_market_open(calendar) is is_on
    stage.venue.is_open = False
    assert not await broker.is_market_open(calendar)


async def test_23_trailing_stops_live_at_alpaca(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    plain = OrderTerms(
        account_id="alpaca",
        instrument_id=ACME,
        side=Side.SELL,
        quantity=Decimal(1),
        order_type=OrderType.TRAILING_STOP,
        time_in_force=TimeInForce.GTC,
    )
    by_amount = structs.replace(plain, trail_amount=Decimal("0.50"))
    by_part = structs.replace(plain, trail_fraction=Decimal("0.015"))
    for key, wanted in (("c23-a", by_amount), ("c23-p", by_part)):
        await broker.submit([Order(client_order_id=key, terms=wanted)])
        shown = await broker.fetch_order("alpaca", key)
        assert shown is not None
        assert (shown.terms.trail_amount, shown.terms.trail_fraction) == (wanted.trail_amount, wanted.trail_fraction)
    limited = structs.replace(by_amount, limit_offset=Decimal("0.1"))
    with pytest.raises(RejectedByBrokerError, match="never a limit"):
        await broker.submit([Order(client_order_id="c23-l", terms=limited, role=OrderRole.SINGLE)])


@pytest.mark.covers("F07", "O15")
async def test_24_a_word_that_needs_a_question_waits_for_its_answer(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    other = await joined(stage)
    watcher = Watcher(broker)
    await other.submit([limit_order(stage, "c24-first", Side.BUY, "1", "99.00")])
    await watcher.until("c24-first", Kind.ACCEPT)
    stage.server.rest.aim(lambda request: request.method == "GET")
    stage.server.rest.plan.force(Fault.ERROR_503, 2)
    stage.server.strange = "x_never_seen"  # of an order that may be a leg: whose it is must be asked
    await other.submit(named_bracket(stage, "c24"))
    await watcher.until("c24", Kind.SUSPEND)
    await watcher.until("c24-S", Kind.ACCEPT)
    await watcher.close()
    await other.close()


STORM = frozenset(HTTP_FAULTS) - {Fault.THROTTLED, Fault.BANNED}


@pytest.mark.covers("F01", "F07", "O5")
@pytest.mark.parametrize("seed", range(200 if IS_NIGHT else 3))
async def test_25_in_any_storm_an_intent_is_one_request_and_at_most_one_order(stage: AlpacaStage, seed: int) -> None:
    broker, judge = await joined(stage), await joined(stage)
    await broker.submit([limit_order(stage, "warm", Side.BUY, "1", "99.00")])
    hurry(broker, dead_s=0.0)
    stage.server.rest.plan = FaultPlan.draw(seed, STORM, most=0.3)
    refused: dict[str, type[Exception] | None] = {}
    for number in range(10):
        key = f"c25-{number}"
        try:
            await broker.submit([limit_order(stage, key, Side.BUY, "1", "99.00")])
            refused[key] = None
        except (AmbiguousOutcomeError, RejectedByBrokerError, UnavailableError) as error:
            refused[key] = type(error)
    stage.server.rest.plan.calm()
    for key, why in refused.items():
        there = await judge.fetch_order("alpaca", key)
        assert stage.server.posts[key] <= 1
        assert sum(f'"{key}"'.encode() in one.body for one in stage.server.rest.requests) <= 1
        assert stage.venue.count_orders(key) == (there is not None)
        if why is not AmbiguousOutcomeError:
            assert (there is not None) is (why is None), f"{key}: what was said to be so is so"
    await broker.close()
    await judge.close()


@pytest.mark.covers("F18", "F23")
async def test_26_where_another_listens_already_we_wait_and_ask(stage: AlpacaStage) -> None:
    stage.server.is_crowded = True  # one stream for each account: somebody else has it
    broker = await joined(stage)
    watcher = Watcher(broker)
    await broker.submit([limit_order(stage, "c26", Side.BUY, "1", "99.00")])
    await watcher.until("c26", Kind.ACCEPT)
    partly(stage, "c26", "1")
    await watcher.until("c26", Kind.FILL)
    stage.server.is_crowded = False
    await gather_until(watcher, lambda: any(one.is_ready for one in stage.server.stream.sessions))
    await watcher.close()
    await broker.close()


@pytest.mark.covers("F27")
async def test_27_a_slow_answer_holds_back_nothing_that_the_stream_tells(
    stage: AlpacaStage, broker: AlpacaBroker
) -> None:
    watcher = Watcher(broker)
    await broker.submit([limit_order(stage, "c27", Side.BUY, "1", "99.00")])
    await watcher.until("c27", Kind.ACCEPT)
    reading = asyncio.ensure_future(watcher.until("c27", Kind.FILL))
    await until(lambda: any(one.is_ready for one in stage.server.stream.sessions))
    stage.server.rest.plan.force(Fault.TIMEOUT_BEFORE, 99)
    await until(lambda: bool(stage.server.rest.struck))
    partly(stage, "c27", "1")
    await reading
    assert broker._follower is not None
    assert broker._follower._asking is not None, "it still waits for its answer"
    await watcher.close()


@pytest.mark.parametrize(
    ("changes", "words"), [({"account": "PA-OTHER"}, "not PA-OTHER"), ({"currency": "EUR"}, "in USD, not in EUR")]
)
async def test_28_a_key_of_another_account_is_not_used(stage: AlpacaStage, changes: dict[str, str], words: str) -> None:
    broker = stage.broker(structs.replace(stage.config(), **changes))
    with pytest.raises(UnavailableError, match=words):
        await broker.connect()
    assert not broker.is_connected
    with pytest.raises(UnavailableError):
        await broker.submit([limit_order(stage, "c28", Side.BUY, "1", "99.00")])
    assert not stage.server.posts
    await broker.close()

"""What is particular to Interactive Brokers, as numbered cases: the real adapter against a stand-in of a TWS."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from ib_async.contract import Contract

from stockpulse_engine.adapters.ibkr.broker import IbkrBroker
from stockpulse_engine.adapters.ibkr.contracts import Contracts
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.orders import Order, OrderEventKind, OrderRole, OrderTerms, OrderType, Side, TimeInForce
from stockpulse_engine.drill.core.orders import Trick
from stockpulse_engine.trading.ports import AmbiguousOutcomeError, RejectedByBrokerError
from tests.contract.broker_contract import Watcher, bracket, limit_order, terms
from tests.contract.tws_stage import ACME, SHOWN, TwsStage, tws_stage

Kind = OrderEventKind
LINE_PATIENCE_S = 20.0
PLACE, CANCEL, GLOBAL_CANCEL = "3", "4", "58"


@pytest.fixture
async def stage(sandbox: Path) -> AsyncIterator[TwsStage]:
    """A TWS of its own for each case."""
    async with tws_stage(sandbox / "ids") as made:
        yield made


@pytest.fixture
async def broker(stage: TwsStage) -> AsyncIterator[IbkrBroker]:
    """A connected adapter."""
    made = stage.broker()
    await made.connect()
    await made.open_account(stage.account)
    yield made
    await made.close()


@pytest.fixture
async def watcher(broker: IbkrBroker) -> AsyncIterator[Watcher]:
    """Listens from the beginning."""
    made = Watcher(broker)
    yield made
    await made.close()


async def until(is_true: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(LINE_PATIENCE_S):
        while not is_true():
            await asyncio.sleep(0.005)


def placed(stage: TwsStage) -> list[list[str]]:
    """The orders that were sent, field by field."""
    return [fields for fields in stage.server.requests if fields[0] == PLACE]


def buy(stage: TwsStage, order_id: str, price: str = "100.02", quantity: str = "10") -> Order:
    return limit_order(stage, order_id, Side.BUY, quantity, price)


async def test_01_the_greeting_is_that_of_the_text_protocol(stage: TwsStage, broker: IbkrBroker) -> None:
    assert list(stage.server.requests)[:2] == [["v157..178"], ["71", "2", "7", ""]]
    assert broker.is_connected
    assert "nest_asyncio" not in sys.modules, "the loop is nobody's but ours"


@pytest.mark.covers("F04")
@pytest.mark.parametrize("back", [1, 50])
async def test_02_a_number_is_never_used_again_whatever_the_gateway_calls_the_next(
    stage: TwsStage, broker: IbkrBroker, back: int
) -> None:
    for number in range(3):
        await broker.submit([buy(stage, f"i02-{number}", "99.00")])
    await broker.close()
    stage.server.manners.next_id = max(1, 4 - back)
    again = stage.broker()
    await again.connect()
    await again.submit([buy(stage, "i02-later", "99.00")])
    numbers = [int(fields[1]) for fields in placed(stage)]
    assert numbers == sorted(set(numbers))
    assert len(stage.server.orders) == 4
    await again.close()


@pytest.mark.parametrize(("deals_first", "skips"), [(True, False), (False, True), (True, True)])
async def test_03_statuses_repeat_come_late_or_never_and_each_fact_is_told_once(
    stage: TwsStage, broker: IbkrBroker, watcher: Watcher, deals_first: bool, skips: bool
) -> None:
    manners = stage.server.manners
    manners.repeats, manners.deals_first, manners.skips_status = 5, deals_first, skips
    order = Order(client_order_id="i03", terms=terms(stage, Side.BUY, "10", None))
    await broker.submit([order])
    await watcher.until("i03", Kind.FILL)
    await broker.submit([buy(stage, "i03-next", "99.00")])
    await watcher.until("i03-next", Kind.ACCEPT)
    assert watcher.kinds("i03") == ["ACCEPT", "FILL"]


@pytest.mark.covers("F09")
async def test_04_a_later_statement_of_an_execution_corrects_it_and_one_of_nothing_takes_it_back(
    stage: TwsStage, broker: IbkrBroker, watcher: Watcher
) -> None:
    await broker.submit([buy(stage, "i04")])
    first = (await watcher.until("i04", Kind.FILL)).fill
    assert first is not None
    (execution,) = stage.server.venue.executions(stage.account.account_id)
    stage.server.venue.correct(execution.execution_id, Decimal(10), Decimal("100.01"))
    stage.server.tell()
    second = (await watcher.until("i04", Kind.CORRECT)).fill
    assert second is not None
    assert (second.corrects, second.price) == (first.fill_id, Decimal("100.01"))
    assert second.fill_id == first.fill_id[:-2] + "02"
    stage.client_id = 8
    fresh = stage.broker()
    await fresh.connect()
    (again,) = await fresh.fetch_fills(stage.account.account_id, 0)
    assert (again.fill_id, again.corrects) == (second.fill_id, first.fill_id), "who heard no first statement names it"
    await fresh.close()
    (restated,) = stage.server.venue.executions(stage.account.account_id)
    stage.server.venue.bust(restated.execution_id)
    stage.server.tell()
    gone = (await watcher.until("i04", Kind.BUST)).fill
    assert gone is not None
    assert gone.fill_id == second.fill_id


async def test_05_an_execution_is_told_with_its_commission_whichever_comes_first(
    stage: TwsStage, broker: IbkrBroker, watcher: Watcher
) -> None:
    manners = stage.server.manners
    manners.fee = Decimal("1.05")
    for number, manners.fees_first in enumerate((False, True)):
        await broker.submit([buy(stage, f"i05-{number}")])
        fill = (await watcher.until(f"i05-{number}", Kind.FILL)).fill
        assert fill is not None
        assert fill.fee == Decimal("1.05")


async def test_06_a_commission_that_is_late_is_told_as_a_correction(stage: TwsStage) -> None:
    stage.commission_s = 0.0
    stage.server.manners.fee = None
    broker = stage.broker()
    await broker.connect()
    watcher = Watcher(broker)
    await broker.submit([buy(stage, "i06")])
    first = (await watcher.until("i06", Kind.FILL)).fill
    assert first is not None
    assert first.fee == 0
    stage.server.manners.fee = Decimal("0.35")
    await broker.fetch_fills(stage.account.account_id, 0)
    second = (await watcher.until("i06", Kind.CORRECT)).fill
    assert second is not None
    assert (second.corrects, second.fee, second.quantity) == (first.fill_id, Decimal("0.35"), first.quantity)
    await watcher.close()
    await broker.close()


@pytest.mark.covers("F10")
@pytest.mark.parametrize("code", [1101, 1102])
async def test_07_while_the_broker_is_lost_behind_the_gateway_nothing_leaves_and_afterwards_it_is_asked_for(
    stage: TwsStage, broker: IbkrBroker, watcher: Watcher, code: int
) -> None:
    await broker.submit([buy(stage, "i07", "99.80")])
    await watcher.until("i07", Kind.ACCEPT)
    stage.server.say(1100, "Connectivity between IB and Trader Workstation has been lost.")
    await until(lambda: not broker.is_connected)
    with pytest.raises(UnavailableError):
        await broker.submit([buy(stage, "i07-never")])
    stage.server.manners.tells_deals, stage.server.manners.repeats = False, 0
    await stage.swing()
    stage.server.say(code, "Connectivity between IB and Trader Workstation has been restored.")
    report = await watcher.until("i07", Kind.FILL)
    assert report.fill is not None
    assert report.fill.price == Decimal("99.80")
    assert broker.is_connected
    assert stage.server.venue.count_requests("i07-never") == 0


@pytest.mark.covers("F10")
async def test_08_an_execution_that_only_the_status_speaks_of_is_asked_for(stage: TwsStage) -> None:
    stage.commission_s = 0.01
    broker = stage.broker()
    await broker.connect()
    watcher = Watcher(broker)
    await broker.submit([buy(stage, "i08-rests", "99.00")])
    await watcher.until("i08-rests", Kind.ACCEPT)
    stage.server.manners.tells_deals = False
    await broker.submit([buy(stage, "i08")])
    await watcher.until("i08", Kind.FILL)
    assert watcher.kinds("i08") == ["ACCEPT", "FILL"]
    await watcher.close()
    await broker.close()


async def test_09_a_client_id_in_use_is_tried_again_and_never_another(stage: TwsStage) -> None:
    stage.server.manners.busy = 2
    broker = stage.broker()
    await broker.connect()
    started = [fields for fields in stage.server.requests if fields[0] == "71"]
    assert [fields[2] for fields in started] == ["7", "7", "7"]
    await broker.close()


async def test_10_data_servers_come_and_go_without_the_order_line(
    stage: TwsStage, broker: IbkrBroker, watcher: Watcher
) -> None:
    for code in (2103, 2105, 2110, 2104, 2106, 2158):
        stage.server.say(code, "a farm")
    await broker.submit([buy(stage, "i10")])
    await watcher.until("i10", Kind.FILL)
    assert broker.is_connected


@pytest.mark.covers("F14")
async def test_11_each_definite_no_has_its_number_and_a_notice_is_none(
    stage: TwsStage, broker: IbkrBroker, watcher: Watcher
) -> None:
    with pytest.raises(RejectedByBrokerError) as tick:
        await broker.submit([buy(stage, "i11-tick", "99.005")])
    assert tick.value.args[1] == "110"
    with pytest.raises(RejectedByBrokerError) as size:
        await broker.submit([buy(stage, "i11-size", "99.00", "0.5")])
    assert size.value.args[1] == "201"
    await broker.submit([buy(stage, "i11", "99.00")])
    number = int(placed(stage)[-1][1])
    for code in (399, 404, 10349, 2109):
        stage.server.say(code, "Order TIF was set to DAY based on order preset.", number)
    await broker.submit([buy(stage, "i11-next", "99.00")])
    await watcher.until("i11-next", Kind.ACCEPT)
    assert watcher.kinds("i11") == ["ACCEPT"]


@pytest.mark.covers("F14")
async def test_12_a_number_nobody_knows_ends_no_order_that_lives(
    stage: TwsStage, broker: IbkrBroker, watcher: Watcher
) -> None:
    await broker.submit([buy(stage, "i12", "99.00")])
    asked = len(stage.server.requests)
    stage.server.say(77_777, "A word of next year", int(placed(stage)[-1][1]))
    await until(lambda: "99" in [fields[0] for fields in list(stage.server.requests)[asked:]])
    found = await broker.fetch_order(stage.account.account_id, "i12")
    assert found is not None
    assert found.status == "ACCEPTED"
    assert watcher.kinds("i12") in ([], ["ACCEPT"])


@pytest.mark.covers("F05")
async def test_13_a_cancel_of_what_is_executed_is_refused_and_the_execution_stands(
    stage: TwsStage, broker: IbkrBroker, watcher: Watcher
) -> None:
    order = buy(stage, "i13", "99.80")
    await broker.submit([order])
    await stage.swing()
    await broker.cancel(order, "i13-cancel")
    await watcher.until("i13", Kind.CANCEL_REJECT)
    assert sorted(watcher.kinds("i13")) == ["ACCEPT", "CANCEL_REJECT", "FILL"]


async def test_14_an_order_without_an_answer_is_unknown_found_again_and_never_sent_twice(stage: TwsStage) -> None:
    stage.order_s = 0.1
    broker = stage.broker()
    await broker.connect()
    stage.server.manners.is_mute = True
    order = buy(stage, "i14", "99.00")
    with pytest.raises(AmbiguousOutcomeError):
        await broker.submit([order])
    found = await broker.fetch_order(stage.account.account_id, "i14")
    assert found is not None
    assert found.status == "ACCEPTED"
    await broker.submit([order])
    assert stage.server.venue.count_requests("i14") == 1
    with pytest.raises(RejectedByBrokerError, match="another order"):
        await broker.submit([buy(stage, "i14", "98.00")])
    await broker.close()
    after = stage.broker()
    await after.connect()
    await after.submit([order])
    assert stage.server.venue.count_requests("i14") == 1
    await after.close()


@pytest.mark.covers("F25")
async def test_15_after_the_nightly_restart_what_happened_meanwhile_is_told(
    stage: TwsStage, broker: IbkrBroker, watcher: Watcher
) -> None:
    await broker.submit([buy(stage, "i15-filled", "99.80")])
    await broker.submit([buy(stage, "i15-gone", "99.00")])
    last = await watcher.until("i15-gone", Kind.ACCEPT)
    await stage.server.stop()
    await until(lambda: not broker.is_connected)
    with pytest.raises(UnavailableError):
        await broker.submit([buy(stage, "i15-never")])
    await stage.swing()
    stage.server.venue.move(ACME, *SHOWN)
    gone = stage.server.venue.order(stage.account.account_id, client_order_id="i15-gone")
    if gone is not None and gone.is_open:
        stage.server.venue.cancel(stage.account.account_id, gone.venue_order_id)
    stage.server.tell()
    await stage.server.start()
    await broker.connect()
    later = Watcher(broker, last.report_seq)
    await later.until("i15-filled", Kind.FILL)
    await later.until("i15-gone", Kind.CANCEL)
    await later.close()


async def test_16_only_the_last_order_of_a_bracket_sets_it_off_and_a_bad_one_leaves_nothing(
    stage: TwsStage, broker: IbkrBroker
) -> None:
    await broker.submit(bracket(stage, "i16", "10", take="100.40", stop="99.00"))
    sent = placed(stage)
    assert [fields[27] for fields in sent] == ["0", "0", "1"]
    assert [fields[28] for fields in sent] == ["0", sent[0][1], sent[0][1]]
    with pytest.raises(RejectedByBrokerError):
        await broker.submit(bracket(stage, "i16-bad", "10", take="100.405", stop="99.00"))
    left = await broker.fetch_open_orders(stage.account.account_id)
    assert {one.client_order_id for one in left} == {"i16-t", "i16-s"}


async def test_17_of_a_pair_one_executes_and_the_other_is_canceled(
    stage: TwsStage, broker: IbkrBroker, watcher: Watcher
) -> None:
    await broker.submit([buy(stage, "i17")])
    take = Order(client_order_id="i17-t", terms=terms(stage, Side.SELL, "10", "100.40", gtc=True), role=OrderRole.TAKE)
    stop_terms = terms(stage, Side.SELL, "10", None, stop="99.00", gtc=True)
    stop = Order(client_order_id="i17-s", terms=stop_terms, role=OrderRole.STOP, parent_id="i17-t")
    await broker.submit([take, stop])
    await stage.swing()
    await watcher.until("i17-t", Kind.FILL)
    await watcher.until("i17-s", Kind.CANCEL)


@pytest.mark.parametrize(
    ("kind", "time", "more", "wire"),
    [
        (OrderType.TRAILING_STOP, TimeInForce.GTC, {"trail_amount": "0.50"}, ("TRAIL", "", "0.50", "GTC", "")),
        (OrderType.TRAILING_STOP, TimeInForce.DAY, {"trail_fraction": "0.015"}, ("TRAIL", "", "", "DAY", "1.5")),
        (OrderType.LIMIT, TimeInForce.FOK, {"limit_price": "99.00"}, ("LMT", "99.00", "", "FOK", "")),
        (OrderType.LIMIT, TimeInForce.AT_THE_OPEN, {"limit_price": "99.00"}, ("LMT", "99.00", "", "OPG", "")),
        (OrderType.LIMIT, TimeInForce.AT_THE_CLOSE, {"limit_price": "99.00"}, ("LOC", "99.00", "", "DAY", "")),
        (
            OrderType.STOP_LIMIT,
            TimeInForce.GTC,
            {"limit_price": "90", "stop_price": "91.5"},
            ("STP LMT", "90", "91.5", "GTC", ""),
        ),
    ],
)
async def test_18_kinds_and_times_travel_in_their_own_words(
    stage: TwsStage, broker: IbkrBroker, kind: OrderType, time: TimeInForce, more: dict[str, str], wire: tuple[str, ...]
) -> None:
    prices = {name: Decimal(text) for name, text in more.items()}
    wanted = OrderTerms(
        account_id=stage.account.account_id,
        instrument_id=ACME,
        side=Side.SELL if kind is not OrderType.LIMIT else Side.BUY,
        quantity=Decimal(10),
        order_type=kind,
        time_in_force=time,
        limit_price=prices.get("limit_price"),
        stop_price=prices.get("stop_price"),
        trail_amount=prices.get("trail_amount"),
        trail_fraction=prices.get("trail_fraction"),
    )
    await broker.submit([Order(client_order_id="i18", terms=wanted)])
    fields = placed(stage)[-1]
    assert (fields[18], fields[19], fields[20], fields[21], fields[70]) == wire


async def test_19_an_order_until_a_date_ends_at_the_close_of_that_session(stage: TwsStage, broker: IbkrBroker) -> None:
    wanted = terms(stage, Side.BUY, "10", "99.00")
    dated = OrderTerms(
        account_id=wanted.account_id,
        instrument_id=ACME,
        side=Side.BUY,
        quantity=wanted.quantity,
        order_type=OrderType.LIMIT,
        limit_price=wanted.limit_price,
        time_in_force=TimeInForce.GTD,
        expires_on="2027-11-26",
    )
    await broker.submit([Order(client_order_id="i19", terms=dated)])
    assert placed(stage)[-1][38] == "20271126-18:00:00", "the day after Thanksgiving ends at one in New York"


async def test_20_with_several_accounts_only_our_own_orders_are_canceled(stage: TwsStage) -> None:
    stage.server.accounts = (stage.server.number, "DU7654321")
    stage.number = stage.server.number
    broker = stage.broker()
    await broker.connect()
    watcher = Watcher(broker)
    await broker.submit([buy(stage, "i20", "99.00")])
    await broker.cancel_all(stage.account.account_id)
    await watcher.until("i20", Kind.CANCEL)
    kinds = [fields[0] for fields in stage.server.requests]
    assert GLOBAL_CANCEL not in kinds
    assert CANCEL in kinds
    await watcher.close()
    await broker.close()


async def test_21_an_order_of_another_client_is_shown_and_is_not_ours_to_cancel(
    stage: TwsStage, broker: IbkrBroker
) -> None:
    stage.client_id = 9
    other = stage.broker()
    await other.connect()
    await other.submit([buy(stage, "i21-theirs", "99.00")])
    (found,) = await broker.fetch_open_orders(stage.account.account_id)
    assert (found.client_order_id, found.terms.limit_price) == ("i21-theirs", Decimal("99.00"))
    with pytest.raises(AmbiguousOutcomeError):
        await broker.cancel(buy(stage, "i21-theirs", "99.00"), "i21-cancel")
    await other.cancel_all(stage.account.account_id)  # a second session clears all, as the watchdog's does
    async with asyncio.timeout(LINE_PATIENCE_S):
        while await broker.fetch_open_orders(stage.account.account_id):
            await asyncio.sleep(0.005)
    await other.close()


async def test_22_a_gateway_that_says_nothing_any_more_is_no_gateway(stage: TwsStage) -> None:
    stage.answer_s, stage.probe_s = 1.0, 0.01
    broker = stage.broker()
    async with asyncio.timeout(LINE_PATIENCE_S):
        while not broker.is_connected:
            with suppress(UnavailableError):  # a slow machine is no silent gateway, and looks like one
                await broker.connect()
    stage.server.manners.is_deaf = True
    await until(lambda: not broker.is_connected)
    await broker.close()


async def test_23_a_number_that_was_used_by_another_home_is_refused_and_left_behind(
    stage: TwsStage, broker: IbkrBroker
) -> None:
    stage.server.use_numbers(7, 500_000)
    with pytest.raises(RejectedByBrokerError) as caught:
        await broker.submit([buy(stage, "i23", "99.00")])
    assert caught.value.args[1] == "103"
    assert await broker.fetch_order(stage.account.account_id, "i23") is None
    await broker.submit([buy(stage, "i23-next", "99.00")])
    assert placed(stage)[-1][1] == "500001"
    assert stage.server.venue.count_requests("i23") == 0


@pytest.mark.covers("R11")
async def test_24_whose_money_it_is_has_to_be_what_the_connection_says(stage: TwsStage) -> None:
    stage.server.accounts = ("U1234567",)
    broker = stage.broker()
    with pytest.raises(UnavailableError, match="U1234567 is a live account, and ib is PAPER"):
        await broker.connect()
    assert not broker.is_connected


async def test_25_an_order_can_not_be_changed_into_one_that_is_refused(
    stage: TwsStage, broker: IbkrBroker, watcher: Watcher
) -> None:
    order = buy(stage, "i25", "99.00")
    await broker.submit([order])
    with pytest.raises(RejectedByBrokerError) as caught:
        await broker.replace(order, terms(stage, Side.BUY, "10", "99.005"), "i25-change")
    assert caught.value.args[1] == "110"
    found = await broker.fetch_order(stage.account.account_id, "i25")
    assert found is not None
    assert (found.terms.limit_price, found.status) == (Decimal("99.00"), "ACCEPTED")
    await stage.swing()
    with pytest.raises(RejectedByBrokerError, match="does not work there"):
        await broker.cancel(order, "i25-cancel")
        await watcher.until("i25", Kind.CANCEL)
        await broker.replace(order, terms(stage, Side.BUY, "10", "99.01"), "i25-late")


async def test_26_who_connects_while_it_connects_waits_for_the_same_line(stage: TwsStage) -> None:
    broker = stage.broker()
    await asyncio.gather(broker.connect(), broker.connect())
    await broker.connect()
    assert [fields[0] for fields in stage.server.requests].count("71") == 1
    stage.server.say(1100, "Connectivity between IB and Trader Workstation has been lost.")
    await until(lambda: not broker.is_connected)
    with pytest.raises(UnavailableError, match="lost Interactive Brokers"):
        await broker.connect()
    stage.server.say(1102, "Connectivity between IB and Trader Workstation has been restored.")
    await until(lambda: broker.is_connected)
    assert [fields[0] for fields in stage.server.requests].count("71") == 1
    await broker.close()


@pytest.mark.covers("F05")
async def test_27_an_order_is_over_after_its_executions_however_they_were_learned(
    stage: TwsStage, broker: IbkrBroker, watcher: Watcher
) -> None:
    await broker.submit([buy(stage, "i27", "99.80")])
    await watcher.until("i27", Kind.ACCEPT)
    stage.server.manners.tells_deals = False
    stage.server.venue.arm(Trick.PARTIAL)
    stage.server.venue.move(ACME, Decimal("99.70"), Decimal("99.75"))
    (order,) = stage.server.venue.open_orders(stage.account.account_id)
    stage.server.venue.cancel(stage.account.account_id, order.venue_order_id)
    stage.server.tell()
    await watcher.until("i27", Kind.CANCEL)
    assert watcher.kinds("i27") == ["ACCEPT", "FILL", "CANCEL"]


async def test_28_what_the_gateway_has_no_contract_for_is_a_definite_no(stage: TwsStage, broker: IbkrBroker) -> None:
    unknown = limit_order(stage, "i28", Side.BUY, "10", "99.00")
    wanted = msgspec.structs.replace(unknown.terms, instrument_id="NONE.XNAS")
    with pytest.raises(RejectedByBrokerError) as caught:
        await broker.submit([msgspec.structs.replace(unknown, terms=wanted)])
    assert caught.value.args[1] == "NO_CONTRACT"
    assert placed(stage) == []


@pytest.mark.covers("O4")
async def test_29_an_order_that_never_arrived_is_asked_for_and_may_be_sent_again(
    stage: TwsStage, broker: IbkrBroker
) -> None:
    order = buy(stage, "i29", "99.00")
    await broker.submit([buy(stage, "i29-before", "99.00")])
    stage.server.manners.is_deaf = True
    sending = spawn(broker.submit([order]), name="sending")
    await until(lambda: len(placed(stage)) == 2)
    stage.server.cut()
    with pytest.raises(AmbiguousOutcomeError):
        await sending
    stage.server.manners.is_deaf = False
    await broker.connect()
    assert await broker.fetch_order(stage.account.account_id, "i29") is None
    await broker.submit([order])
    await broker.submit([order])
    assert stage.server.venue.count_requests("i29") == 1


async def test_30_with_several_accounts_a_second_session_says_what_it_can_not_cancel(
    stage: TwsStage, broker: IbkrBroker
) -> None:
    await broker.submit([buy(stage, "i30", "99.00")])
    stage.server.accounts = (stage.server.number, "DU7654321")
    stage.number, stage.client_id = stage.server.number, 97
    watchdog = stage.broker()
    await watchdog.connect()
    with pytest.raises(AmbiguousOutcomeError, match="another client"):
        await watchdog.cancel_all(stage.account.account_id)
    await watchdog.close()


async def test_31_what_is_no_share_in_our_currency_is_never_taken_for_one(stage: TwsStage) -> None:
    broker = stage.broker()
    await broker.connect()
    contracts = Contracts(broker.session, "USD")
    share = Contract(conId=10_000, secType="STK", symbol="ACME", currency="USD", exchange="NASDAQ")
    option = Contract(conId=501, secType="OPT", symbol="ACME", currency="USD", exchange="SMART")
    abroad = Contract(conId=502, secType="STK", symbol="ACME", currency="EUR", exchange="IBIS")
    assert [await contracts.learn(one) for one in (share, option, abroad)] == [ACME, "CON501.XXXX", "CON502.XXXX"]
    await broker.close()

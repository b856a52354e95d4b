"""Short ways to say events, orders and quotes in tests of the portfolio and the gate."""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType, LotMethod
from stockpulse_engine.domain.events import AccountOpened, CashMoved
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderStatus, OrderTerms, OrderType, Side

D = Decimal
AAPL = "AAPL.XNAS"
MSFT = "MSFT.XNAS"
SECOND = 1_000_000_000


def account(
    account_id: str = "main",
    kind: AccountType = AccountType.MARGIN,
    cash: str = "100000",
    lots: LotMethod = LotMethod.FIFO,
) -> Account:
    return Account(
        account_id=account_id,
        kind=AccountKind.PAPER,
        account_type=kind,
        currency="USD",
        initial_cash=D(cash),
        lot_method=lots,
    )


def opened(
    account_id: str = "main",
    kind: AccountType = AccountType.MARGIN,
    cash: str = "100000",
    lots: LotMethod = LotMethod.FIFO,
) -> AccountOpened:
    return AccountOpened(account=account(account_id, kind, cash, lots), ts_event=1, recorded_at=1)


def moved(amount: str, movement_id: str = "m1", account_id: str = "main") -> CashMoved:
    return CashMoved(
        movement_id=movement_id,
        account_id=account_id,
        amount=D(amount),
        currency="USD",
        reason="test",
        ts_event=2,
        recorded_at=2,
    )


def fill(
    fill_id: str,
    signed: str,
    price: str,
    *,
    fee: str = "0",
    instrument_id: str = AAPL,
    account_id: str = "main",
    order_id: str = "",
    at: int = 10,
    corrects: str = "",
) -> Fill:
    quantity = D(signed)
    return Fill(
        fill_id=fill_id,
        client_order_id=order_id or f"o-{corrects or fill_id}",
        account_id=account_id,
        instrument_id=instrument_id,
        sign=1 if quantity > 0 else -1,
        quantity=abs(quantity),
        price=D(price),
        fee=D(fee),
        ts_event=at,
        corrects=corrects,
    )


def filled(made: Fill, kind: OrderEventKind = OrderEventKind.FILL) -> OrderEvent:
    return OrderEvent(
        client_order_id=made.client_order_id, kind=kind, ts_event=made.ts_event, recorded_at=made.ts_event, fill=made
    )


def busted(made: Fill) -> OrderEvent:
    return filled(made, OrderEventKind.BUST)


def corrected(made: Fill) -> OrderEvent:
    return filled(made, OrderEventKind.CORRECT)


def terms(
    signed: str = "100",
    limit: str | None = "100.00",
    *,
    stop: str | None = None,
    kind: OrderType | None = None,
    instrument_id: str = AAPL,
    account_id: str = "main",
    lots: tuple[str, ...] = (),
    reduce_only: bool = False,
) -> OrderTerms:
    quantity = D(signed)
    inferred = {
        (False, False): OrderType.MARKET,
        (True, False): OrderType.LIMIT,
        (False, True): OrderType.STOP,
        (True, True): OrderType.STOP_LIMIT,
    }[limit is not None, stop is not None]
    return OrderTerms(
        account_id=account_id,
        instrument_id=instrument_id,
        side=Side.BUY if quantity > 0 else Side.SELL,
        quantity=abs(quantity),
        order_type=kind or inferred,
        limit_price=D(limit) if limit is not None else None,
        stop_price=D(stop) if stop is not None else None,
        lots=lots,
        is_reduce_only=reduce_only,
    )


def order(order_id: str, instruction: OrderTerms, **changes: object) -> Order:
    """A working order; `changes` are any other fields of Order."""
    fields: dict[str, object] = {
        "status": OrderStatus.ACCEPTED,
        "arrival_bid": D("99.99"),
        "arrival_ask": D("100.01"),
        **changes,
    }
    return Order(client_order_id=order_id, terms=instruction, **fields)  # type: ignore[arg-type] # fields by name


def quote(
    bid: str = "99.99", ask: str = "100.01", *, instrument_id: str = AAPL, at: int = 100, last: str | None = "100.00"
) -> Quote:
    return Quote(
        instrument_id, D(bid), D(ask), D(500), D(400), at, source="test", last=D(last) if last is not None else None
    )

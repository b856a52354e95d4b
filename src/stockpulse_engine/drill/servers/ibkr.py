"""Interactive Brokers' personality: a TWS on a socket of this machine, over the simulated broker.

It greets as a TWS does, speaks of each order and execution as often and in the order it is told to (`Manners`), takes
an order number again as a change, and writes down what a client does wrong. What it says of money and positions is
synthetic: no recording shows it.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final, cast
from zoneinfo import ZoneInfo

import msgspec

from stockpulse_engine.domain.brokers import Dedup
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.orders import OrderType
from stockpulse_engine.drill.core.orders import HELD, News, NewsKind, Refused, Rules
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.drill.servers import twswire as w
from stockpulse_engine.drill.servers.twsorders import Place, drill_order, parse_place, show

IBKR_RULES: Final = Rules(dedup=Dedup.NONE, repeats_answer=False)
ZONE: Final = ZoneInfo("America/New_York")
SECOND_NS: Final = 1_000_000_000
MAX_KEPT: Final = 10_000
PRIMARY: Final = {"XNAS": "NASDAQ", "XNYS": "NYSE", "ARCX": "ARCA"}
FIRST_PERM: Final = 1_376_327_562
_GREETING = re.compile(r"v157\.\.178( .*)?")
_NO_PRICE = "The price does not conform to the minimum price variation for this contract."
_Fields = list[str]


class Manners(msgspec.Struct, kw_only=True):
    """How the TWS tells things.

    Attributes:
        repeats: how often each status is told.
        deals_first: executions come before the status that speaks of them; otherwise after it.
        skips_status: an order that executes at once has no status before.
        tells_deals: executions are told by themselves at all.
        fee: what a commission report says; None for no report.
        fees_first: commissions come before their executions.
        next_id: what the next number is said to be; 0 for the truth.
        busy: how many more times a client id is said to be in use.
        is_mute: orders arrive and nothing is said of them.
        is_deaf: nothing that arrives is taken or answered.
    """

    repeats: int = 2
    deals_first: bool = False
    skips_status: bool = False
    tells_deals: bool = True
    fee: Decimal | None = Decimal(0)
    fees_first: bool = False
    next_id: int = 0
    busy: int = 0
    is_mute: bool = False
    is_deaf: bool = False


class TwsLine(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, server: TwsServer) -> None:
        self._server = server
        self._reader = w.TwsReader()
        self._transport: asyncio.Transport | None = None
        self.client_id = -1
        self.is_greeted = self.is_ready = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there."""
        self._transport = cast("asyncio.Transport", transport)
        self._server.lines.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._transport = None
        self._server.lines.discard(self)

    def data_received(self, data: bytes) -> None:
        """Each message in turn; what is unreadable is a complaint and ends the line."""
        try:
            messages = self._reader.feed(data)
        except ValueError as error:
            self._server.complaints.append(f"unreadable: {error}")
            self.cut()
            return
        for fields in messages:
            self._server.take(self, fields)

    def send(self, *messages: bytes) -> None:
        """Send messages."""
        if self._transport is not None:
            self._transport.write(b"".join(messages))

    def cut(self) -> None:
        """End at once."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """End in order: what was written still arrives."""
        if self._transport is not None:
            self._transport.close()


class TwsServer:
    """A TWS with one account behind it. Call `tell` after anything was done to `venue` from outside."""

    def __init__(self, venue: DrillVenue, account_id: str, now: Callable[[], int], number: str = "DU1234567") -> None:
        self.venue = venue
        self.number = number
        self.accounts: tuple[str, ...] = (number,)
        """All accounts of the login; more than the first hold nothing."""
        self.manners = Manners()
        self.lines: set[TwsLine] = set()
        self.complaints: list[str] = []
        self.requests: deque[_Fields] = deque(maxlen=MAX_KEPT)
        """What arrived, oldest first, whatever became of it."""
        self._account_id = account_id
        self._now = now
        self._server: asyncio.Server | None = None
        self.port = 0
        self.orders: dict[str, w.TwsOrder] = {}
        """By the simulated broker's id."""
        self._by_number: dict[tuple[int, int], str] = {}
        self._waiting: dict[tuple[int, int], list[Place]] = {}
        """Parents that are not to be transmitted yet, with their children so far."""
        self._highest: dict[int, int] = {}
        self._perm = FIRST_PERM
        self._deals: dict[str, tuple[str, str]] = {}
        """Execution → its id here, and the commission's."""
        self._asked_cancel: set[str] = set()
        self._shares = {one.instrument_id: _share(10_000 + place, one) for place, one in enumerate(venue.instruments())}
        self._handlers: dict[int, Callable[[TwsLine, _Fields], None]] = {
            3: self._place, 4: self._cancel, 7: self._executions, 8: self._next_id, 9: self._contract,
            16: self._open_orders, 49: self._time, 58: self._cancel_all, 61: self._positions, 62: self._summary,
            63: _nothing, 64: _nothing, 71: self._start, 99: self._completed,
        }  # fmt: skip

    async def start(self) -> None:
        """Listen; after `stop` at the same port as before."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: TwsLine(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """As in the nightly restart: every line ends, and who connects is refused."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.cut()
        if server is not None:
            await server.wait_closed()

    def cut(self) -> None:
        """End every line."""
        for line in tuple(self.lines):
            line.cut()

    def say(self, code: int, text: str, request: int = -1) -> None:
        """An error or a notice to everybody."""
        for line in self._ready():
            line.send(w.error(request, code, text))

    def use_numbers(self, client_id: int, highest: int) -> None:
        """Somebody else has used the numbers of this client id up to there."""
        self._highest[client_id] = max(highest, self._highest.get(client_id, 0))

    def tell(self) -> None:
        """Tell what has happened at the broker since the last call."""
        for news in self.venue.take_news():
            self._tell(news)

    # --- messages -----------------------------------------------------------------------------------------

    def take(self, line: TwsLine, fields: _Fields) -> None:
        """One message of a client."""
        self.requests.append(fields)
        if self.manners.is_deaf:
            return
        if not line.is_greeted:
            self._greet(line, fields)
            return
        kind = int(fields[0]) if fields[0].isdigit() else -1
        handler = self._handlers.get(kind)
        if handler is None:
            self.complaints.append(f"message {fields[0]} is not known here")
        elif not line.is_ready and kind != 71:  # noqa: PLR2004 - the start of the API
            self.complaints.append(f"message {kind} came before the API was started")
        else:
            handler(line, fields)
            self.tell()

    def _greet(self, line: TwsLine, fields: _Fields) -> None:
        if len(fields) != 1 or not _GREETING.fullmatch(fields[0]):
            self.complaints.append(f"versions {fields} are offered")
        line.is_greeted = True
        line.send(w.framed([w.VERSION, w.CONNECTED_AT]))

    def _start(self, line: TwsLine, fields: _Fields) -> None:
        client_id = int(fields[2])
        is_taken = any(one.client_id == client_id and one.is_ready for one in self.lines if one is not line)
        if self.manners.busy or is_taken:
            self.manners.busy = max(0, self.manners.busy - 1)
            line.send(w.error(-1, 326, "Unable to connect as the client id is already in use."))
            line.close()
            return
        line.client_id, line.is_ready = client_id, True
        line.send(
            w.framed([15, 1, ",".join(self.accounts)]),
            self._next_word(client_id),
            w.error(-1, 2104, "Market data farm connection is OK:usfarm"),
            w.error(-1, 2107, "HMDS data farm connection is inactive but should be available upon demand.ushmds"),
        )

    def _next_id(self, line: TwsLine, _fields: _Fields) -> None:
        line.send(self._next_word(line.client_id))

    def _next_word(self, client_id: int) -> bytes:
        return w.framed([9, 1, self.manners.next_id or self._highest.get(client_id, 0) + 1])

    def _place(self, line: TwsLine, fields: _Fields) -> None:
        place = parse_place(fields, line.client_id)
        self._check(place)
        key = line.client_id, place.order.number
        if key in self._by_number:
            self._change(line, place, self._by_number[key])
        elif place.order.number <= self._highest.get(line.client_id, 0):
            line.send(w.error(place.order.number, 103, "Duplicate order id"))
        else:
            self._highest[line.client_id] = place.order.number
            self._gather(line, place)

    def _check(self, place: Place) -> None:
        order = place.order
        if not order.ref:
            self.complaints.append(f"order {order.number} has no reference")
        if order.account != self.number:
            self.complaints.append(f"order {order.number} names account {order.account!r}")
        others = [one for one in self.orders.values() if one.ref == order.ref and one.number != order.number]
        if others:
            self.complaints.append(f"{order.ref} was sent again as {order.number}")
        for text in (order.limit, order.aux, place.size):
            if "E" in text.upper():
                self.complaints.append(f"order {order.number} has a number spelled {text}")

    def _gather(self, line: TwsLine, place: Place) -> None:
        """What is not to be transmitted waits for what is; a pair is told by its group."""
        order = place.order
        parent = line.client_id, order.parent or order.number
        group = self._waiting.setdefault(parent, [])
        group.append(place)
        if order.oca and not order.parent:
            pair = [each for waiting in self._waiting.values() for each in waiting if each.order.oca == order.oca]
            if len(pair) < 2:  # noqa: PLR2004 - of a pair
                return
            for each in pair:
                self._waiting.pop((line.client_id, each.order.number), None)
            self._submit(line, pair)
        elif order.transmit:
            self._submit(line, self._waiting.pop(parent))

    def _submit(self, line: TwsLine, group: list[Place]) -> None:
        made = [drill_order(place, group, self._instrument(place), ZONE) for place in group]
        for place in group:
            place.order.account = self.number
        try:
            taken = self.venue.submit(self._account_id, made)
        except Refused as refused:
            self.venue.take_news()  # told here
            code, words = (
                (110, _NO_PRICE) if refused.code == "bad_price" else (201, f"Order rejected - {refused.words}")
            )
            if not self.manners.is_mute:
                line.send(*(w.error(place.order.number, code, words) for place in group))
            return
        for place, order in zip(group, taken, strict=True):
            self._perm += 1
            place.order.perm_id = self._perm
            place.order.share = self._shares[order.instrument_id]
            self.orders[order.venue_order_id] = place.order
            self._by_number[line.client_id, place.order.number] = order.venue_order_id

    def _change(self, line: TwsLine, place: Place, venue_order_id: str) -> None:
        held, new = self.orders[venue_order_id], place.order
        if held.ref != new.ref:
            self.complaints.append(f"number {new.number} was used for {held.ref} and for {new.ref}")
        try:
            self.venue.replace(
                self._account_id,
                venue_order_id,
                quantity=_changed(new.quantity, held.quantity),
                limit_price=_changed(place.limit, Decimal(held.limit or "0")),
                stop_price=_changed(place.stop, Decimal(held.aux or "0")) if new.order_type != "TRAIL" else None,
            )
        except Refused as refused:
            code, words = (110, _NO_PRICE) if refused.code == "bad_price" else (104, "Cannot modify a filled order.")
            line.send(w.error(new.number, code, words))
            self.venue.take_news()
            return
        held.quantity, held.limit, held.aux = new.quantity, new.limit, new.aux

    def _cancel(self, line: TwsLine, fields: _Fields) -> None:
        number = int(fields[2])
        key = self._by_number.get((line.client_id, number))
        if key is None:
            words = f"OrderId {number} that needs to be cancelled is not found."
            line.send(w.error(number, 10147, words))
            return
        self._asked_cancel.add(key)
        try:
            self.venue.cancel(self._account_id, key)
        except Refused:
            self.venue.take_news()
            words = (
                f"OrderId {number} that needs to be cancelled can not be cancelled, state: {self.orders[key].status}."
            )
            line.send(w.error(number, 10148, words))

    def _cancel_all(self, _line: TwsLine, _fields: _Fields) -> None:
        self._asked_cancel |= {one.venue_order_id for one in self.venue.open_orders(self._account_id)}
        self.venue.cancel_all(self._account_id)

    def _open_orders(self, line: TwsLine, _fields: _Fields) -> None:
        for one in self.venue.open_orders(self._account_id):
            shown = self.orders[one.venue_order_id]
            number = shown.number if shown.client_id == line.client_id else 0
            other = msgspec.structs.replace(shown, number=number)
            line.send(w.open_order(other), w.order_status(other))
        line.send(w.framed([53, 1]))

    def _completed(self, line: TwsLine, _fields: _Fields) -> None:
        line.send(*(w.completed_order(one, ZONE) for one in self.orders.values() if one.completed_ns))
        line.send(w.framed([102]))

    def _executions(self, line: TwsLine, fields: _Fields) -> None:
        request = int(fields[2])
        for one in self.venue.executions(self._account_id):
            order = self.orders[one.venue_order_id]
            deal_id, fee_id = self._deal_ids(one.execution_id, one.corrects)
            at = w.moment(one.ts_ns, ZONE)
            line.send(w.execution(request, order, deal_id, at, one.quantity, one.price))
            if self.manners.fee is not None:
                line.send(w.commission(fee_id, self.manners.fee))
        line.send(w.framed([55, 1, request]))

    def _contract(self, line: TwsLine, fields: _Fields) -> None:
        request, number, symbol = int(fields[2]), int(fields[3]), fields[4]
        found = [one for one in self._shares.values() if one.number == number or (not number and one.symbol == symbol)]
        if not found:
            line.send(w.error(request, 200, "No security definition has been found for the request"))
            return
        line.send(*(w.contract_data(request, one) for one in found), w.framed([52, 1, request]))

    def _positions(self, line: TwsLine, _fields: _Fields) -> None:
        state = self.venue.account(self._account_id)
        for name, held in state.positions.items():
            line.send(w.position(self.number, self._shares[name], held.quantity, held.cost))
        line.send(w.framed([62, 1]))

    def _summary(self, line: TwsLine, fields: _Fields) -> None:
        request, state = int(fields[2]), self.venue.account(self._account_id)
        for tag, value in (("TotalCashValue", state.cash), ("BuyingPower", state.buying_power)):
            line.send(w.framed([63, 1, request, self.number, tag, value, "USD"]))
        line.send(w.framed([64, 1, request]))

    def _time(self, line: TwsLine, _fields: _Fields) -> None:
        line.send(w.framed([49, 1, self._now() // SECOND_NS]))

    # --- news ---------------------------------------------------------------------------------------------

    def _tell(self, news: News) -> None:
        if news.order is None or news.kind in (NewsKind.REJECT, NewsKind.CANCEL_REJECT, NewsKind.REPLACE_REJECT):
            return
        order = self.orders.get(news.order.venue_order_id)
        if order is None:
            return
        show(order, news.order, self._now())
        if self.manners.is_mute:
            return
        for line in self._ready(order.client_id):
            line.send(*self._words(news, order))

    def _words(self, news: News, order: w.TwsOrder) -> Iterable[bytes]:
        statuses = [w.order_status(order)] * self.manners.repeats
        assert news.order is not None
        if news.execution is not None:
            deal = list(self._deal_words(news, order))
            return [*deal, *statuses] if self.manners.deals_first else [*statuses, *deal]
        if news.kind in (NewsKind.CANCEL, NewsKind.EXPIRE):
            asked = [w.error(order.number, 202, "Order Canceled - reason:")]
            return (
                [*statuses, *asked]
                if news.order.venue_order_id in self._asked_cancel
                else [w.open_order(order), *statuses]
            )
        if news.kind is NewsKind.STRANGE:
            strange = msgspec.structs.replace(order, status=news.reason or "Strange")
            return [w.order_status(strange)]
        if self.manners.skips_status and news.order.order_type is OrderType.MARKET and news.order.status != HELD:
            return []
        first = msgspec.structs.replace(order, status="PendingSubmit", perm_id=0)
        return [w.order_status(first), w.open_order(order), *statuses]

    def _deal_words(self, news: News, order: w.TwsOrder) -> Iterable[bytes]:
        one = news.execution
        if one is None or not self.manners.tells_deals:
            return []
        is_bust = news.kind is NewsKind.BUST
        deal_id, fee_id = self._deal_ids(one.execution_id, one.execution_id if is_bust else one.corrects)
        quantity = Decimal(0) if is_bust else one.quantity
        told = w.execution(-1, order, deal_id, w.moment(one.ts_ns, ZONE), quantity, one.price)
        fee = [w.commission(fee_id, self.manners.fee)] if self.manners.fee is not None else []
        return [*fee, told] if self.manners.fees_first else [told, *fee]

    def _deal_ids(self, execution_id: str, corrects: str) -> tuple[str, str]:
        """`….01.01`; what restates an execution has its id with the next last number."""
        before = self._deals.get(corrects) if corrects else None
        if before is not None and (execution_id == corrects or execution_id not in self._deals):
            stem, _, last = before[0].rpartition(".")
            again = f"{stem}.{int(last) + 1:02d}"
            self._deals[execution_id] = again, again
        elif execution_id not in self._deals:
            name = f"0000e0d5.{0x6596B000 + len(self._deals):08x}.01.01"
            self._deals[execution_id] = name, name
        return self._deals[execution_id]

    def _ready(self, client_id: int | None = None) -> list[TwsLine]:
        return [one for one in self.lines if one.is_ready and client_id in (None, one.client_id)]

    def _instrument(self, place: Place) -> str:
        number = place.order.share.number
        return next((name for name, share in self._shares.items() if share.number == number), "")


def _share(number: int, instrument: Instrument) -> w.Share:
    symbol, _, mic = instrument.instrument_id.partition(".")
    return w.Share(number, symbol.replace("-", " "), PRIMARY.get(mic, ""), instrument.tick_size)


def _changed(wanted: Decimal | None, held: Decimal) -> Decimal | None:
    return wanted if wanted is not None and wanted != held else None


def _nothing(_line: TwsLine, _fields: _Fields) -> None:
    pass

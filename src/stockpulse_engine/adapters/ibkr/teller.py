"""The gateway's words as execution reports, each fact once; who waits for an answer gets it here.

A status repeats, comes late or not at all, and proves no execution: only executions do. A status that says more was
executed than was told is a reason to ask, and an order is told to be over only when its executions are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from ib_async.contract import Contract
from ib_async.objects import CommissionReport, Execution
from ib_async.order import Order as IbOrder
from ib_async.order import OrderState
from msgspec import structs

from stockpulse_engine.adapters.ibkr.body import is_same, terms_of
from stockpulse_engine.adapters.ibkr.contracts import Contracts
from stockpulse_engine.adapters.ibkr.deals import LATE_FEE, Deal, Deals, first_id, split_id, with_fee
from stockpulse_engine.adapters.ibkr.errors import DUPLICATE, Meaning, meaning_of
from stockpulse_engine.adapters.ibkr.known import Entry, Known
from stockpulse_engine.adapters.ibkr.numbers import exact, quantity
from stockpulse_engine.adapters.ibkr.settings import IbkrSettings
from stockpulse_engine.adapters.ibkr.tape import Tape
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import OrderEventKind, OrderTerms
from stockpulse_engine.domain.reports import ExecutionReport
from stockpulse_engine.trading.ports import AmbiguousOutcomeError, RejectedByBrokerError

_K = OrderEventKind
WORKING: Final = frozenset({"PreSubmitted", "Submitted"})
CANCELED: Final = frozenset({"Cancelled", "ApiCancelled"})
FILLED: Final = "Filled"
INACTIVE: Final = "Inactive"
ON_ITS_WAY: Final = frozenset({"", "ApiPending", "PendingSubmit", "PendingCancel"})
OWED: Final = "owed"
"""It is over, and executions are missing."""
_SIGNS: Final = {"BOT": 1, "BUY": 1, "SLD": -1, "SELL": -1}
_OVER_AND_OVER: Final = frozenset({_K.CANCEL_REJECT, _K.UPDATE, _K.UPDATE_REJECT, _K.SUSPEND})


class Teller:
    """Implements `session.Hearer` for one account. `look` asks for all orders and executions, soon."""

    def __init__(
        self, settings: IbkrSettings, known: Known, tape: Tape, clock: Clock, look: Callable[[float], None]
    ) -> None:
        self._settings = settings
        self._known = known
        self._tape = tape
        self._clock = clock
        self._look = look
        self.deals = Deals()
        self.contracts: Contracts
        self.number = settings.account
        """The broker's number of the account."""
        self.account_id = ""
        self.on_loss: Callable[[], None] = tape.wake
        self.hear_next_id: Callable[[int], None] = lambda _number: None
        self.on_duplicate: Callable[[], None] = lambda: None
        """A number was used that we did not know of."""

    # --- Hearer -------------------------------------------------------------------------------------------

    def hear_order(self, contract: Contract, order: IbOrder, state: OrderState) -> None:
        """An order, as it is now."""
        if order.account not in ("", self.number):
            return
        entry = self._known.of_order(order)
        if not self._named(entry, contract):
            return
        if entry.change is not None and entry.wanted is not None and is_same(self.terms(entry), entry.wanted):
            _settle(entry.change, None)
        self._take_status(entry, state.status)

    def hear_status(self, number: int, status: str, filled: float, perm_id: int, client_id: int) -> None:
        """The status of an order."""
        entry = self._known.of_status(number, client_id, perm_id)
        if entry is None:
            self.hear_doubt()
            return
        entry.filled = max(entry.filled, quantity(filled))
        self._take_status(entry, status)

    def hear_deal(self, contract: Contract, execution: Execution) -> None:
        """An execution, or a later statement of one."""
        if execution.acctNumber != self.number:
            return
        entry = self._known.of_deal(execution)
        if not self._named(entry, contract):
            return
        before = self.deals.get(execution.execId)
        _, statement = split_id(execution.execId)
        if before is not None and statement <= before.statement:
            return
        fill = self._fill(entry, execution)
        if statement > 1:
            fill = structs.replace(fill, corrects=first_id(fill.fill_id))
        self._accept(entry)
        if before is None:
            self._begin(Deal(entry, statement, fill), execution.execId)
        else:
            self._restate(before, statement, fill)
        _settle(entry.answer, None)

    def hear_commission(self, report: CommissionReport) -> None:
        """What an execution cost; in another currency than the account's it can not be booked with it."""
        fee = exact(report.commission)
        if fee is None or report.currency not in ("", self._settings.currency):
            return
        deal = self.deals.get(report.execId)
        if deal is None:
            self.deals.keep_fee(report.execId, fee)
        elif deal.fee is None:
            deal.fee = fee
            if deal.seq and fee:
                late = structs.replace(with_fee(deal.fill, fee), fill_id=f"{deal.fill.fill_id}{LATE_FEE}")
                self._tell_deal(deal, structs.replace(late, corrects=deal.fill.fill_id), _K.CORRECT)
            else:
                self._release(deal)

    def hear_error(self, number: int, code: int, text: str) -> None:
        """Something about an order of our client id."""
        entry = self._known.by_number(number)
        if entry is None:
            return
        words, meaning = clean_line(text, 200), meaning_of(code)
        if code == DUPLICATE:
            self.on_duplicate()
        if meaning is Meaning.CANCELED:
            entry.reason = words
            self._end(entry)
        elif meaning is Meaning.CANCEL_REFUSED:
            self._tell(entry, _K.CANCEL_REJECT, words, str(code))
            self._look(0.0)
        elif entry.change is not None and meaning in (Meaning.REFUSED, Meaning.CHANGE_REFUSED):
            _settle(entry.change, RejectedByBrokerError(words, str(code)))
        elif meaning is Meaning.CHANGE_REFUSED:
            self._tell(entry, _K.UPDATE_REJECT, words, str(code))
        elif meaning is Meaning.REFUSED:
            self.refuse(entry, words, str(code))
        elif meaning is Meaning.DOUBT:
            entry.doubt = words, str(code)
            self._look(0.0)

    def hear_loss(self, *, is_over: bool) -> None:
        """Nobody knows what became of what was on its way."""
        for entry in self._known.entries():
            for waiting in (entry.answer, entry.change):
                _settle(waiting, AmbiguousOutcomeError("the link was lost before an answer came"))
        if is_over:
            self.on_loss()

    def hear_doubt(self) -> None:
        """Something may have been missed."""
        self._look(0.0)

    # --- snapshots ----------------------------------------------------------------------------------------

    def take_completed(self, entry: Entry, state: OrderState, at: int, after: int) -> None:
        """An order that is over. What is known to whoever listens (up to `after`) counts as told."""
        if entry.is_over:
            return
        if after == 0:
            self._accept(entry)
        entry.reason = entry.reason or clean_line(state.completedStatus, 200)
        if state.status in CANCELED and at <= after:
            entry.told.add(_K.CANCEL.value)
        entry.told.add(_K.ACCEPT.value)
        self._take_status(entry, state.status, is_sure=True)

    def in_question(self) -> list[Entry]:
        """Orders about which something waits for everything to be asked for."""
        return [one for one in self._known.entries() if not one.is_over and (one.doubt is not None or OWED in one.told)]

    def finish_looking(self, asked: Sequence[Entry], shown: set[str]) -> None:
        """After everything was asked for: what waited since before is told; what is nowhere never came to be."""
        for entry in asked:
            if OWED in entry.told:
                self._end(entry, is_sure=True)
            if entry.doubt is not None and entry.ours not in shown and not entry.executed and not entry.is_over:
                self.refuse(entry, *entry.doubt)
            entry.doubt = None

    def refuse(self, entry: Entry, words: str, code: str) -> None:
        """A definite no: to who waits for it, or told."""
        if entry.refused is not None:
            return
        entry.refused, entry.is_over = (words, code), True
        if not _settle(entry.answer, RejectedByBrokerError(words, code)):
            self._tell(entry, _K.REJECT, words, code)

    def terms(self, entry: Entry) -> OrderTerms:
        """What works there now, or what we said while nothing was shown."""
        if entry.theirs is None:
            assert entry.terms is not None
            return entry.terms
        return terms_of(entry.theirs, self.account_id, entry.instrument_id, entry.terms)

    def say_change(self, entry: Entry) -> None:
        """New terms are in force."""
        self._tell(entry, _K.UPDATE, terms=self.terms(entry))

    # --- facts --------------------------------------------------------------------------------------------

    def _take_status(self, entry: Entry, status: str, *, is_sure: bool = False) -> None:
        entry.status = status or entry.status
        if entry.refused is not None or status in ON_ITS_WAY:
            return
        if status in WORKING or status == FILLED:
            self._accept(entry)
            if status == FILLED:
                self._fill_up(entry)
        elif status in CANCELED:
            self._end(entry, is_sure=is_sure)
        else:
            code = status if status == INACTIVE else ""
            words = entry.reason or f"Interactive Brokers says {clean_line(status, 40)}"
            if f"{_K.SUSPEND.value} {status}" not in entry.told:
                entry.told.add(f"{_K.SUSPEND.value} {status}")
                self._tell(entry, _K.SUSPEND, words, code)
        _settle(entry.answer, None)

    def _accept(self, entry: Entry) -> None:
        self._tell(entry, _K.ACCEPT, terms=self.terms(entry) if entry.theirs is not None or entry.terms else None)

    def _fill_up(self, entry: Entry) -> None:
        """It is over once its executions are here; those that do not come by themselves are asked for."""
        whole = max(entry.filled, entry.terms.quantity if entry.terms else ZERO)
        if entry.executed >= whole > 0:
            entry.is_over = True
        else:
            self._look(self._settings.commission_s)

    def _end(self, entry: Entry, *, is_sure: bool = False) -> None:
        """Canceled, or expired: both are the same word there. Executions come first."""
        if entry.is_over:
            return
        if entry.filled > entry.executed and not is_sure:
            entry.told.add(OWED)
            self._look(0.0)
            return
        for deal in self.deals.untold(entry):
            self._release(deal)
        entry.is_over = True
        self._tell(entry, _K.CANCEL, entry.reason)
        _settle(entry.answer, None)
        _settle(entry.change, RejectedByBrokerError("the order is over", "NOT_WORKING"))

    def _begin(self, deal: Deal, exec_id: str) -> None:
        """The first that is heard of an execution, which need not be the first that was said."""
        self.deals.put(exec_id, deal)
        if not deal.fill.quantity:
            gone = structs.replace(deal.fill, fill_id=deal.fill.corrects or deal.fill.fill_id, corrects="")
            deal.is_gone = True
            self._tell_deal(deal, gone, _K.BUST)
            return
        deal.entry.executed += deal.fill.quantity
        if deal.fee is not None:
            self._release(deal)
        else:
            asyncio.get_running_loop().call_later(self._settings.commission_s, self._give_up_fee, exec_id)

    def _restate(self, deal: Deal, statement: int, fill: Fill) -> None:
        if not deal.seq:
            self._release(deal)
        deal.entry.executed += fill.quantity - deal.fill.quantity
        deal.statement = statement
        if fill.quantity:
            self._tell_deal(deal, with_fee(fill, deal.fee), _K.CORRECT)
        else:
            deal.is_gone = True
            self._tell_deal(deal, deal.fill, _K.BUST)

    def _give_up_fee(self, exec_id: str) -> None:
        deal = self.deals.get(exec_id)
        if deal is not None:
            self._release(deal)

    def _release(self, deal: Deal) -> None:
        if deal.seq:
            return
        self._tell_deal(deal, with_fee(deal.fill, deal.fee), _K.CORRECT if deal.fill.corrects else _K.FILL)
        if deal.entry.status == FILLED:
            self._fill_up(deal.entry)

    def _tell_deal(self, deal: Deal, fill: Fill, kind: OrderEventKind) -> None:
        deal.fill = fill
        deal.seq = self._tape.put(
            ExecutionReport(
                client_order_id=deal.entry.ours,
                venue_order_id=venue_id(deal.entry),
                kind=kind,
                ts_event=fill.ts_event,
                fill=fill,
            )
        )

    def _tell(
        self, entry: Entry, kind: OrderEventKind, reason: str = "", code: str = "", terms: OrderTerms | None = None
    ) -> None:
        if kind not in _OVER_AND_OVER:
            if kind.value in entry.told:
                return
            entry.told.add(kind.value)
        self._tape.put(
            ExecutionReport(
                client_order_id=entry.ours,
                venue_order_id=venue_id(entry),
                kind=kind,
                ts_event=self._clock.now_ns(),
                terms=terms,
                reason=reason,
                code=code,
            )
        )

    def _named(self, entry: Entry, contract: Contract) -> bool:
        """Whether we know of which instrument it is; what we do not is asked for, and told then."""
        entry.instrument_id = entry.instrument_id or self.contracts.name(contract)
        if not entry.instrument_id:
            self._look(0.0)
        return bool(entry.instrument_id)

    def _fill(self, entry: Entry, execution: Execution) -> Fill:
        moment: Any = execution.time
        return Fill(
            fill_id=clean_line(execution.execId, 64),
            client_order_id=entry.ours,
            account_id=self.account_id,
            instrument_id=entry.instrument_id,
            sign=_SIGNS[execution.side],
            quantity=quantity(execution.shares),
            price=exact(execution.price) or Decimal(0),
            currency=self._settings.currency,
            liquidity={1: "M", 2: "T"}.get(execution.lastLiquidity, ""),
            ts_event=int(moment.timestamp()) * 1_000_000_000,
            venue_order_id=venue_id(entry),
        )


def venue_id(entry: Entry) -> str:
    """The durable number; before it is known the one we chose."""
    return str(entry.perm_id or entry.number or "")


def _settle(waiting: asyncio.Future[None] | None, error: Exception | None) -> bool:
    """Answer who waits; False when nobody does."""
    if waiting is None or waiting.done():
        return False
    if error is None:
        waiting.set_result(None)
    else:
        waiting.set_exception(error)
    return True

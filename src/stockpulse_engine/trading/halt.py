"""Halt, reduce, flatten, resume. The latch comes first and the journal second: stopping must not wait for anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.errors import ForbiddenError, InvalidValueError, StockPulseError, UnavailableError
from stockpulse_engine.domain.events import TradingStateChanged
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.views import HaltView
from stockpulse_engine.trading.amend import Amender
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.flatten import SOURCE as FLATTEN_SOURCE
from stockpulse_engine.trading.flatten import Flattener
from stockpulse_engine.trading.resolver import Resolver
from stockpulse_engine.trading.sender import Sender

_T = TradingState
WORDS: Final = {"flatten": "FLATTEN", "resume": "RESUME"}
"""Action → the word that must be typed for it."""
_NS: Final = 1_000_000_000
ACTIONS: Final = ("halt", "reduce", "flatten", "resume")


class Halter:
    """The trading state: what is recorded, the latch over it, and a halt in memory when neither can be written."""

    def __init__(self, desk: Desk, sender: Sender, amender: Amender, resolver: Resolver, flattener: Flattener) -> None:
        self._desk = desk
        self._sender = sender
        self._amender = amender
        self._resolver = resolver
        self._flattener = flattener
        self._fault = ""
        """Why trading is halted in memory although nothing could be written; "" normally."""
        self._is_loosening = False
        """Between the record that frees and the latch that still lies: the watch must not take it for a new one."""

    @property
    def state(self) -> TradingState:
        """The state in force now."""
        return _T.HALTED if self._desk.latch.is_set() else self.state_beside_latch

    @property
    def state_beside_latch(self) -> TradingState:
        """What is recorded, or HALTED by a fault of ours; the router looks at the latch itself."""
        return _T.HALTED if self._fault else self._desk.recorder.front.state.state

    def view(self) -> HaltView:
        """Trading state with who, why and when."""
        state = self.state
        fact = self._fact_of(state)
        return HaltView(
            state=state,
            reason=self._fault or (fact.reason if fact else self._latch_note()),
            since=fact.ts_event if fact else 0,
            actor=fact.actor if fact else "latch",
            is_latched=self._desk.latch.is_set(),
            flattening=self._flattener.left(),
        )

    def _fact_of(self, state: TradingState) -> TradingStateChanged | None:
        """The record that says why this state is in force, also while it waits for the disk; None for a bare latch.

        The latch is set before the record is durable: in between a halt of ours is no act of an unknown hand.
        """
        recorder = self._desk.recorder
        return next((one for one in (recorder.front.state, recorder.book.state) if one.state is state), None)

    async def change(self, action: str, *, reason: str, word: str, account_id: str, actor: str) -> HaltView:
        """halt | reduce | flatten | resume.

        Raises:
            InvalidValueError: another action.
            ForbiddenError: the typed word is missing.
            UnavailableError: loosening needs the journal, which is read-only.
        """
        if action not in ACTIONS:
            raise InvalidValueError(f"{clean_line(action, 32)!r} is no action.", fix=f"Use {', '.join(ACTIONS)}.")
        reason = clean_line(reason, 200)
        if action == "halt":
            await self.halt(reason or "asked for", actor, account_id)
            return self.view()
        needed = WORDS.get(action, "RESUME" if self.state is _T.HALTED else "")
        if word != needed and needed:
            raise ForbiddenError(f"To {action} type the word {needed}.", fix=f"Type {needed} in capital letters.")
        if action == "flatten":
            await self._flatten(reason, actor, account_id)
        else:
            self._flattener.stop()
            await self._loosen(_T.ACTIVE if action == "resume" else _T.REDUCING, reason, actor)
        return self.view()

    async def halt(self, reason: str, actor: str, account_id: str = "") -> None:
        """Latch, record, cancel everything. Each step is tried whatever became of the one before."""
        desk = self._desk
        self._flattener.stop()
        try:
            desk.latch.set(reason, actor)
        except OSError as error:
            self._fault = f"{reason} (the latch could not be written: {error})"
            desk.alert("danger", "HALTED in memory only: the latch file could not be written.", "latch")
        if desk.recorder.front.state.state is not _T.HALTED:
            await self._record(_T.HALTED, reason, actor)
        await self._cancel_all(account_id, actor, reason)

    async def halt_for_fault(self, error: Exception) -> None:
        """Our own code broke a rule: nothing more may leave."""
        self._fault = clean_line(f"a fault of ours: {error}", 200)
        self._desk.alert("danger", f"Trading is HALTED: {self._fault}", "engine")
        await self.halt(self._fault, "engine")

    async def watch_latch(self) -> None:
        """A latch set by someone else (a file, `touch`) is recorded and everything is canceled."""
        if self._is_loosening:
            return
        if self._desk.latch.is_set() and self._desk.recorder.front.state.state is not _T.HALTED:
            await self.halt(self._latch_note(), "latch")

    def _latch_note(self) -> str:
        return self._desk.latch.note() or "the halt latch was set"

    async def resume_flatten(self) -> None:
        """At the start: a flatten that a kill cut off goes on for what is left of its time, then trading is HALTED."""
        desk = self._desk
        last = desk.recorder.front.state
        if not last.flattens or desk.latch.is_set():  # the watch turns a latch into HALTED
            return
        spent = max(0, desk.clock.now_ns() - last.recorded_at) / _NS
        desk.alert("danger", "A flatten was cut off by the stop of the engine: it goes on until its time is over.")
        orders = [order for order in desk.open_in("") if order.terms.account_id in last.flattens]
        await self._amender.cancel_all([one for one in orders if one.source != FLATTEN_SOURCE], last.actor, "flatten")
        seconds = desk.timing.flatten - spent
        self._flattener.start(last.flattens, last.actor, self._finish_flatten, seconds=seconds)

    async def _loosen(self, state: TradingState, reason: str, actor: str, flattens: Sequence[str] = ()) -> None:
        """Record first and clear the latch second: a crash in between leaves it halted, and so does a new halt."""
        desk = self._desk
        if failure := desk.recorder.journal.failure:
            raise UnavailableError(f"The journal is read-only: {failure}.", fix="Repair the disk, then restart.")
        self._is_loosening = True
        try:
            await self._record(state, reason, actor, flattens, must_hold=True)
            if desk.recorder.front.state.state is _T.HALTED:
                raise ForbiddenError("Trading was halted again at the same moment.", fix="See why, then resume again.")
            desk.latch.clear()
            self._fault = ""
        finally:
            self._is_loosening = False

    async def _flatten(self, reason: str, actor: str, account_id: str) -> None:
        desk = self._desk
        accounts = [account_id] if account_id else list(desk.recorder.front.accounts)
        await self._loosen(_T.REDUCING, f"flatten: {reason}" if reason else "flatten", actor, accounts)
        await self._amender.cancel_all(self._open(account_id), actor, "flatten")
        self._flattener.start(accounts, actor, self._finish_flatten, seconds=desk.timing.flatten)

    async def _finish_flatten(self, left: Sequence[str], actor: str) -> None:
        """Flat, or out of time: halt and say what is left."""
        if left:
            self._desk.alert("danger", f"Flatten ended with positions left: {', '.join(left)}.", "flatten")
        await self.halt(f"flatten ended, left: {', '.join(left)}" if left else "flat", actor)

    async def _record(
        self, state: TradingState, reason: str, actor: str, flattens: Sequence[str] = (), *, must_hold: bool = False
    ) -> None:
        desk = self._desk
        fact = TradingStateChanged(
            state=state,
            reason=reason,
            ts_event=desk.market_now(),
            recorded_at=desk.clock.now_ns(),
            actor=actor,
            flattens=tuple(flattens),
        )
        try:
            await desk.recorder.write([fact])
        except StockPulseError as error:
            if must_hold:
                raise
            self._fault = self._fault or reason
            desk.alert("danger", f"{state.value} is in force but could not be recorded: {error.message}")

    async def _cancel_all(self, account_id: str, actor: str, reason: str) -> None:
        orders = self._open(account_id)
        by_account: dict[str, list[tuple[str, str]]] = {}
        for key, request_id in await self._amender.record_requests(orders, actor, reason):
            by_account.setdefault(self._desk.order(key).terms.account_id, []).append((key, request_id))
        for one, asked in by_account.items():
            self._desk.spawn(self._sweep(one, asked), f"cancel all of {one}")

    async def _sweep(self, account_id: str, asked: Sequence[tuple[str, str]]) -> None:
        """One request for the whole account; each order is then asked about until it is proven gone."""
        desk = self._desk
        for key, _ in asked:  # what is half out cannot be overtaken
            if sending := desk.sending.get(key):
                await sending.wait()
        try:
            await desk.router.cancel_all(account_id)
        except Exception as error:  # noqa: BLE001 - the single cancels follow
            desk.alert("warn", f"Cancel-all of {account_id} got no answer: {clean_line(str(error), 120)}")
            for key, request_id in asked:
                desk.spawn(self._sender.send_cancel(key, request_id), f"cancel {key}")
        for key, _ in asked:
            self._resolver.ask(key)

    def _open(self, account_id: str) -> list[Order]:
        return list(self._desk.open_in(account_id))

"""One function per question: what the venue answers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError, UnavailableError
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.reports import VenueAccount
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.checks import Refusal
from stockpulse_engine.venue.exchange import Exchange
from stockpulse_engine.venue.intake import Accepted
from stockpulse_engine.venue.recording.writer import Limits

WRITES = (p.Submit, p.Replace, p.Cancel, p.CancelAll, p.OpenAccount, p.FeedEvents, p.Control, p.Record)
"""What changes something. In a turn these come first, then the commit, then everything that only asks: so every
answer is about what is on disk."""


class Answers:
    """Answers for one exchange. Subscriptions and shutdown belong to the connection and are not known here."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._is_clock_news = False
        self._handlers: dict[type[p.Ask], Callable[[Any], p.Answered]] = {
            p.Hello: self._hello,
            p.GetInstruments: self._instruments,
            p.GetBars: self._bars,
            p.GetClock: self._clock,
            p.Control: self._control,
            p.OpenAccount: self._open_account,
            p.Submit: self._submit,
            p.Replace: self._replace,
            p.Cancel: self._cancel,
            p.CancelAll: self._cancel_all,
            p.GetOrder: self._order,
            p.GetOpenOrders: self._open_orders,
            p.GetFills: self._fills,
            p.GetAccount: self._account,
            p.CountOrders: self._count_orders,
            p.FeedEvents: self._feed,
            p.Record: self._record,
        }

    def answer(self, question: p.Question) -> p.Answered:
        """The answer; it may be told once the turn is committed."""
        handler = self._handlers.get(type(question))
        if handler is None:
            return p.Failure("bad_request", f"{type(question).__name__} cannot be asked here.")
        try:
            return handler(question)
        except NotFoundError as error:
            return p.Failure("not_found", str(error))
        except (InvalidValueError, UnavailableError) as error:
            return p.Failure("invalid_value", str(error))

    def take_clock_news(self) -> bool:
        """Whether speed or pause were changed since the last call."""
        was, self._is_clock_news = self._is_clock_news, False
        return was

    def _hello(self, question: p.Hello) -> p.Answered:
        if question.protocol != p.VENUE_PROTOCOL:
            return p.Failure("version", f"This venue speaks version {p.VENUE_PROTOCOL}, you speak {question.protocol}.")
        identity = self._exchange.identity
        return p.Welcome(
            protocol=p.VENUE_PROTOCOL,
            world=identity.world,
            pid=os.getpid(),
            seed=identity.seed,
            clock=self._exchange.time.state(),
            last_report_seq=self._exchange.desk.counters.report,
        )

    def _instruments(self, _: p.GetInstruments) -> p.Answered:
        return p.Instruments(tuple(self._exchange.source.instruments))

    def _bars(self, question: p.GetBars) -> p.Answered:
        if not 0 < question.limit <= p.MAX_BARS:
            return p.Failure("invalid_value", f"Ask for 1 to {p.MAX_BARS} bars.")
        end = question.end_ns or None
        bars = self._exchange.source.bars(question.instrument_id, question.spec, question.limit, end)
        return p.Bars(tuple(bars))

    def _clock(self, _: p.GetClock) -> p.Answered:
        return p.Clock(self._exchange.time.state())

    def _control(self, question: p.Control) -> p.Answered:
        time = self._exchange.time
        match question.action:
            case "speed":
                time.set_speed(question.speed)
            case "pause":
                time.pause()
            case "resume":
                time.resume()
            case "step":
                time.step(question.step_ns)
            case "seek":
                time.seek(question.to_ns)
            case _:
                return p.Failure("bad_request", f"{question.action[:20]!r} is not speed, pause, resume, step or seek.")
        self._is_clock_news = True
        return p.Clock(time.state())

    def _open_account(self, question: p.OpenAccount) -> p.Answered:
        asked = question.account
        if not 0 < len(asked.account_id) <= 64 or not asked.initial_cash.is_finite():
            return p.Failure("invalid_value", "An account needs an id of at most 64 characters and a finite deposit.")
        held = self._exchange.desk.open_account(asked).account
        same = (held.kind, held.account_type, held.currency, held.initial_cash) == (
            asked.kind,
            asked.account_type,
            asked.currency,
            asked.initial_cash,
        )
        return p.Done() if same else p.Failure("conflict", f"Account {asked.account_id} is open with another body.")

    def _submit(self, question: p.Submit) -> p.Answered:
        outcome = self._exchange.intake.submit(question.orders)
        return p.Submitted(outcome.venue_order_ids) if isinstance(outcome, Accepted) else _failure(outcome)

    def _replace(self, question: p.Replace) -> p.Answered:
        refusal = self._exchange.intake.replace(
            question.account_id, question.client_order_id, question.request_id, question.terms
        )
        return _failure(refusal) if refusal else p.Done(1)

    def _cancel(self, question: p.Cancel) -> p.Answered:
        refusal = self._exchange.intake.cancel(question.account_id, question.client_order_id, question.request_id)
        return _failure(refusal) if refusal else p.Done(1)

    def _cancel_all(self, question: p.CancelAll) -> p.Answered:
        return p.Done(self._exchange.intake.cancel_all(question.account_id))

    def _order(self, question: p.GetOrder) -> p.Answered:
        order = self._exchange.intake.find(question.account_id, question.client_order_id)
        return p.Orders((order.view(),) if order else ())

    def _open_orders(self, question: p.GetOpenOrders) -> p.Answered:
        if question.account_id not in self._exchange.desk.accounts:
            return _unknown_account(question.account_id)
        orders = self._exchange.desk.open_orders(question.account_id)
        return p.Orders(tuple(order.view() for order in orders))

    def _fills(self, question: p.GetFills) -> p.Answered:
        if question.account_id not in self._exchange.desk.accounts:
            return _unknown_account(question.account_id)
        rows = self._exchange.store.load_fills(question.account_id, question.after_seq, p.PAGE)
        cursor = rows[-1][0] if rows else question.after_seq
        return p.Fills(tuple(fill for _, fill in rows), cursor, len(rows) < p.PAGE)

    def _account(self, question: p.GetAccount) -> p.Answered:
        state = self._exchange.desk.accounts.get(question.account_id)
        if state is None:
            return _unknown_account(question.account_id)
        positions = {name: quantity for name, quantity in state.positions.items() if quantity != ZERO}
        return p.AccountNow(
            VenueAccount(
                account_id=question.account_id,
                cash=state.cash,
                positions=positions,
                last_report_seq=self._exchange.store.last_seq(question.account_id),
                ts_event=self._exchange.market_ns,
            )
        )

    def _count_orders(self, question: p.CountOrders) -> p.Answered:
        return p.Counted(*self._exchange.store.count_orders(question.client_order_id))

    def _record(self, question: p.Record) -> p.Answered:
        exchange = self._exchange
        match question.action:
            case "start":
                limits = Limits(max_mb=question.max_mb, free_mb=question.free_mb)
                exchange.start_recording(Path(question.shelf), question.name, limits)
            case "stop":
                exchange.stop_recording()
            case "state":
                pass
            case _:
                return p.Failure("bad_request", f"{question.action[:20]!r} is not start, stop or state.")
        return p.Recording(exchange.recorder.view() if exchange.recorder is not None else None)

    def _feed(self, question: p.FeedEvents) -> p.Answered:
        if self._exchange.feed(question):
            return p.Done(len(question.events))
        return p.Failure("not_fed", f"World {self._exchange.identity.world} makes its own market.")


def _failure(refusal: Refusal) -> p.Failure:
    return p.Failure(refusal.code, refusal.reason)


def _unknown_account(account_id: str) -> p.Failure:
    return p.Failure("unknown_account", f"Account {account_id[:40]} is not open here.")

"""The 20 seeded faults of our own: each is planted in the real code, and a campaign has to find it.

As a pytest plugin (`-p tests.campaigns.planted`, the name in STOCKPULSE_MUTANT) it plants one before any test runs.
"""

from __future__ import annotations

import inspect
import os
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import Phase, settings

from stockpulse_engine.trading.ports import AmbiguousOutcomeError

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Mutant:
    """One seeded fault. `tests`: what finds it, for those that no simulated day can show."""

    name: str
    campaign: str
    plant: Callable[[Patch], None]
    tests: tuple[str, ...] = ()
    forced: tuple[str, ...] = ()
    """Faults of the day that bring it to light."""


def rewritten(owner: Any, name: str, old: str, new: str) -> Callable[..., Any]:
    """A function of ours with some of its words replaced, compiled in its own module."""
    real = inspect.unwrap(getattr(owner, name))
    source = textwrap.dedent(inspect.getsource(real))
    assert old in source, f"{name} does not say {old!r} any more"
    module = inspect.getmodule(real)
    assert module is not None
    scope: dict[str, Any] = dict(vars(module))
    code = compile(
        source.replace(old, new), f"<planted in {name}>", "exec", flags=__future__annotations, dont_inherit=True
    )
    exec(code, scope)
    made: Callable[..., Any] = scope[name]
    return made


__future__annotations = 0x100000 | 0x1000000  # as the modules themselves say it


def _resend_on_timeout(patch: Patch) -> None:
    from stockpulse_engine.trading.router import Router

    send = Router.send

    async def insistent(self: Router, orders: Any) -> None:
        try:
            await send(self, orders)
        except AmbiguousOutcomeError:
            await send(self, orders)

    patch.setattr(Router, "send", insistent)


def _no_fill_dedup(patch: Patch) -> None:
    from stockpulse_engine.trading.book import TradingBook

    patch.setattr(TradingBook, "has_fill", lambda *_: False)


def _ignore_latch(patch: Patch) -> None:
    from stockpulse_engine.trading.router import Router

    patch.setattr(Router, "_require_free", lambda *_: None)


def _ack_before_fsync(patch: Patch) -> None:
    from stockpulse_engine.trading.submit import Submitter

    real = Submitter._record_and_send

    async def hasty(self: Submitter, events: Any, keys: Any) -> None:
        self._sender.expect(keys)
        done = self._desk.recorder.record(events)
        del done
        self._sender.on_durable(keys, is_durable=True)

    assert real is not None
    patch.setattr(Submitter, "_record_and_send", hasty)


def _synchronous_normal(patch: Patch) -> None:
    from stockpulse_engine.storage.journal import SqliteJournal

    patch.setattr(SqliteJournal, "_synchronous", "NORMAL")


def _reservation_dropped(patch: Patch) -> None:
    from stockpulse_engine.portfolio.working import WorkingBook

    patch.setattr(WorkingBook, "put", lambda *_: None)


def _status_overrides_fill(patch: Patch) -> None:
    from stockpulse_engine.domain import order_machine
    from stockpulse_engine.domain.order_machine import Rule

    book = order_machine._book

    def forgetful(order: Any, event: Any, cell: Any, *more: Any) -> bool:
        return False if cell.rule is Rule.LATE else book(order, event, cell, *more)

    patch.setattr(order_machine, "_book", forgetful)


def _cancel_reject_is_absence(patch: Patch) -> None:
    from stockpulse_engine.domain.order_machine import TRANSITIONS, Cell, Rule
    from stockpulse_engine.domain.orders import OrderEventKind, OrderStatus

    cell = Cell(Rule.GO, OrderStatus.CANCELED)
    patch.setitem(TRANSITIONS, (OrderStatus.PENDING_CANCEL, OrderEventKind.CANCEL_REJECT), cell)


def _exception_is_not_found(patch: Patch) -> None:
    from stockpulse_engine.trading.resolver import Resolver

    old, new = "(F07): ask again\n        return 0", "\n        pass"
    patch.setattr(Resolver, "_look", rewritten(Resolver, "_look", old, new))


def _id_counter_reset(patch: Patch) -> None:
    from stockpulse_engine.adapters.ibkr.orderids import OrderIds

    patch.setattr(OrderIds, "_read", lambda _: 0)


def _synthetic_fill(patch: Patch) -> None:
    from stockpulse_engine.domain.fills import Fill
    from stockpulse_engine.trading.intake import Intake
    from stockpulse_engine.trading.reconcile import Reconciler

    suspend = Reconciler._suspend

    async def inventive(self: Reconciler, account_id: str, verdict: Any) -> Any:
        for key, order in self._desk.recorder.front.orders.items():
            if order.filled_quantity:
                fill = Fill(
                    fill_id=f"made-up-{key}", client_order_id=key, account_id=account_id,
                    instrument_id=order.terms.instrument_id, sign=1, quantity=Decimal(1), price=Decimal(1),
                )  # fmt: skip
                assert isinstance(self._intake, Intake)
                self._intake.take_fills("paper", [fill])
                break
        return await suspend(self, account_id, verdict)

    patch.setattr(Reconciler, "_suspend", inventive)


def _float_money(patch: Patch) -> None:
    from stockpulse_engine.domain.money import to_minor
    from stockpulse_engine.portfolio import ledger

    patch.setattr(ledger, "to_minor", lambda value: to_minor(Decimal(float(value) * 1.0000000001)))


def _nan_check_removed(patch: Patch) -> None:
    from stockpulse_engine.risk import gate

    patch.setattr(gate, "CHECKS", tuple(row for row in gate.CHECKS if row[0] != "numbers"))


def _round_half_up_on_sell(patch: Patch) -> None:
    from stockpulse_engine.domain import money
    from stockpulse_engine.risk import proposal

    def generous(quantity: Decimal, lot: Decimal) -> Decimal:
        return (quantity / lot).to_integral_value(rounding=ROUND_HALF_UP) * lot

    patch.setattr(money, "round_down_to_lot", generous)
    patch.setattr(proposal, "round_down_to_lot", generous)


def _half_days_removed(patch: Patch) -> None:
    from stockpulse_engine.marketdata.calendar import Calendar

    patch.setattr(Calendar, "_build", rewritten(Calendar, "_build", "self._hours.get(day, usual)", "usual"))


def _naive_datetime(patch: Patch) -> None:
    from stockpulse_engine.marketdata.calendar import Calendar

    patch.setattr(Calendar, "_ns", rewritten(Calendar, "_ns", ".replace(tzinfo=self._zone)", ""))


def _staleness_removed(patch: Patch) -> None:
    from stockpulse_engine.risk import gate

    fresh = tuple((name, _passing if name == "quote" else check) for name, check in gate.CHECKS)
    patch.setattr(gate, "CHECKS", fresh)


def _passing(_: Any) -> Any:
    from stockpulse_engine.risk.rows import passed

    return passed("quote", "fresh enough")


def _backoff_removed(patch: Patch) -> None:
    from stockpulse_engine.base.retry import Backoff

    patch.setattr(Backoff, "delay", lambda *_: 0.0)


def _origin_check_skipped(patch: Patch) -> None:
    from stockpulse_engine.api import guard

    patch.setattr(guard, "_check_origin", lambda _: None)


def _redaction_missing(patch: Patch) -> None:
    from stockpulse_engine.base import logs

    patch.setattr(logs, "redact", lambda value, **_: value)


MUTANTS = (
    Mutant("resend on timeout", "S1", _resend_on_timeout),
    Mutant("no fill dedup", "S10", _no_fill_dedup, forced=("frames-duplicated",)),
    Mutant("ignore latch", "S11", _ignore_latch),
    Mutant("ack before fsync", "S1", _ack_before_fsync),
    Mutant(
        "synchronous=NORMAL",
        "S4",
        _synchronous_normal,
        ("tests/unit/storage/test_journal_durability.py::test_a_power_cut_loses_nothing_acknowledged",),
    ),
    Mutant("reservation dropped", "S7", _reservation_dropped, ("tests/property/test_working_properties.py",)),
    Mutant("status overrides fill", "S10", _status_overrides_fill, forced=("fill-after-cancel",)),
    Mutant("cancel-reject read as absence", "S10", _cancel_reject_is_absence, forced=("429",)),
    Mutant(
        "exception read as not-found", "S10", _exception_is_not_found, forced=("timeout-after-accept", "frames-dropped")
    ),
    Mutant(
        "id counter reset at start",
        "S10",
        _id_counter_reset,
        ("tests/unit/adapters/ibkr/test_orderids.py::test_no_number_twice_over_kills_and_counters_that_go_back",),
    ),
    Mutant("synthetic fill instead of suspense", "S1", _synthetic_fill),
    Mutant("float money", "S13", _float_money, ("tests/campaigns/test_differential.py",)),
    Mutant(
        "NaN check removed",
        "S7",
        _nan_check_removed,
        ("tests/unit/risk/test_gate.py::test_each_check_says_what_it_should",),
    ),
    Mutant(
        "round-half-up on sell",
        "S7",
        _round_half_up_on_sell,
        ("tests/unit/risk/test_gate.py::test_a_quantity_off_the_lot_is_rounded_down",),
    ),
    Mutant(
        "half-day table removed",
        "S14",
        _half_days_removed,
        ("tests/unit/marketdata/test_calendar.py::test_a_half_day_closes_at_one_and_ends_at_five",),
    ),
    Mutant(
        "naive datetime",
        "S14",
        _naive_datetime,
        ("tests/unit/marketdata/test_calendar.py::test_daylight_saving_moves_the_open_by_an_hour",),
    ),
    Mutant(
        "staleness clock removed",
        "S7",
        _staleness_removed,
        ("tests/unit/risk/test_gate.py::test_each_check_says_what_it_should",),
    ),
    Mutant(
        "backoff removed",
        "S1",
        _backoff_removed,
        ("tests/unit/base/test_retry.py::test_without_jitter_the_delay_doubles_up_to_the_limit",),
    ),
    Mutant(
        "Origin check skipped",
        "S17",
        _origin_check_skipped,
        ("tests/integration/test_api_door.py::test_a_page_in_a_browser_is_refused_before_routing_and_before_upgrade",),
    ),
    Mutant(
        "redaction filter missing on one handler",
        "S17",
        _redaction_missing,
        ("tests/unit/base/test_logs.py::test_tokens_and_authorization_never_reach_the_file",),
    ),
)
"""All 20 of the reliability page. The docs hold the same list; a test compares them."""


def pytest_configure(config: pytest.Config) -> None:
    """Plant what the environment names; whatever fails first is enough, nobody wants it small."""
    wanted = os.environ.get("STOCKPULSE_MUTANT")
    settings.register_profile("planted", phases=[Phase.generate], database=None, deadline=None)
    settings.load_profile("planted")
    for mutant in MUTANTS:
        if mutant.name == wanted:
            mutant.plant(pytest.MonkeyPatch())

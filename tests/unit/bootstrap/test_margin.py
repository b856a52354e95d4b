"""A margin call is said once when it begins, once when it is met, and not with every trembling price."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from stockpulse_engine.bootstrap.margin import CALM_LOOKS, MarginWatch
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import AlertRaised
from stockpulse_engine.domain.views import AccountView
from tests.fakes.fake_engine import account, account_view


class Desk:
    """Two accounts, and what was said of them."""

    def __init__(self) -> None:
        self.calls = {"main": Decimal(0), "swing": Decimal(0)}
        self.said: list[tuple[str, str]] = []
        self.texts: list[str] = []
        bus = Bus(lambda _, error: self.errors.append(error))
        self.errors: list[Exception] = []
        bus.subscribe(AlertRaised, self._hear)
        self.watch = MarginWatch(lambda: tuple(self.calls), self._view, bus, lambda: 7)

    def _view(self, account_id: str) -> AccountView:
        call = self.calls[account_id]
        view = account_view(account(account_id), "1000")
        return replace(view, margin_call=call, maintenance_margin=view.equity + call)

    def _hear(self, alert: AlertRaised) -> None:
        assert alert.ts_event == 7
        self.said.append((alert.level, alert.subject))
        self.texts.append(alert.text)

    def look(self, call: str, times: int = 1) -> None:
        """So much is missing in the first account now."""
        self.calls["main"] = Decimal(call)
        for _ in range(times):
            self.watch.look()


def test_it_is_said_when_it_begins_and_when_it_is_met() -> None:
    desk = Desk()
    desk.look("0", 3)
    assert desk.said == []
    desk.look("250.5", 4)
    assert desk.said == [("danger", "main")]
    assert desk.texts[0].startswith(
        "Margin call of 250.50 USD on main: equity of 1,000.00 is below the 1,250.50 that its positions need."
    )
    desk.look("0", CALM_LOOKS)
    assert desk.said == [("danger", "main"), ("info", "main")]
    desk.look("1")
    assert len(desk.said) == 3, "a new one is said again"


def test_prices_that_tremble_around_the_edge_are_one_call() -> None:
    desk = Desk()
    for _ in range(10):
        desk.look("1")
        desk.look("0", CALM_LOOKS - 1)
    assert desk.said == [("danger", "main")]


def test_each_account_has_its_own() -> None:
    desk = Desk()
    desk.calls["swing"] = Decimal(5)
    desk.look("1")
    assert desk.said == [("danger", "main"), ("danger", "swing")]

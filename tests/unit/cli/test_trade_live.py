"""A LIVE order at the command line: whose money it is stands before it, and a large one is typed for twice (R13)."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from msgspec import structs

from stockpulse_engine.cli import trade
from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.views import AccountView, Preview, PreviewRow
from tests.fakes.fake_engine import FakeEngine, terms

COMMAND = SubmitOrder(client_order_id="C1", terms=terms(quantity="100", limit="100.00"))


class Terminal(io.StringIO):
    """Somebody types."""

    def isatty(self) -> bool:
        return True


def account(kind: AccountKind) -> AccountView:
    view = FakeEngine().portfolio.account()
    return structs.replace(view, account=structs.replace(view.account, kind=kind), equity=Decimal(40_000))


def preview(verdict: str) -> Preview:
    rows = (PreviewRow(name="checks", text="", verdict=verdict, explanation="", numbers={}),)
    return Preview(sentence="", notional=Decimal(10_000), rows=rows, is_allowed=True, denial="")


@pytest.mark.covers("R13")
@pytest.mark.parametrize(("typed", "is_sent"), [("SEND\n", True), ("send\n", False), ("y\n", False), ("", False)])
def test_a_large_live_order_is_typed_for_twice(
    typed: str, is_sent: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    if is_sent:
        trade.read_twice(COMMAND, account(AccountKind.LIVE), preview("read"))
    else:
        with pytest.raises(SystemExit):
            trade.read_twice(COMMAND, account(AccountKind.LIVE), preview("read"))
    said = capsys.readouterr().err
    assert "REAL MONEY: BUY 100 AAPL.XNAS, 10,000.00 USD, 25.0% of the equity" in said


@pytest.mark.covers("R13")
def test_a_script_cannot_send_a_large_live_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("SEND\n"))
    with pytest.raises(InvalidValueError, match="typed for twice"):
        trade.read_twice(COMMAND, account(AccountKind.LIVE), preview("read"))


@pytest.mark.parametrize(("kind", "verdict"), [(AccountKind.PAPER, "read"), (AccountKind.LIVE, "ok")])
def test_paper_and_small_orders_are_asked_for_once(kind: AccountKind, verdict: str) -> None:
    trade.read_twice(COMMAND, account(kind), preview(verdict))


def test_the_question_says_whose_money_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in AccountKind:
        monkeypatch.setattr("sys.stdin", Terminal("y\n"))
        trade._confirm(COMMAND, account(kind).account)
        assert f"Send this {kind.value} order from main?" in capsys.readouterr().err


@pytest.mark.covers("R13")
def test_an_order_of_which_nothing_was_told_is_no_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(InvalidValueError):
        trade.read_twice(COMMAND, account(AccountKind.LIVE), structs.replace(preview("ok"), rows=()))

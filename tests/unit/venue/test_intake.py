"""What the venue refuses, and that the same request twice is one."""

from __future__ import annotations

import pytest

from stockpulse_engine.domain.accounts import AccountType
from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.venue.checks import Refusal
from stockpulse_engine.venue.intake import Accepted
from tests.unit.venue.floor import SESSION, Floor, instrument, new_order

assert SESSION is not None

REFUSED = [
    ({"limit": "100.005"}, "bad_increment"),
    ({"limit": "-1"}, "bad_price"),
    ({"limit": "NaN"}, "bad_price"),
    ({"limit": "1E+30"}, "bad_price"),
    ({"quantity": "0"}, "bad_quantity"),
    ({"quantity": "-5"}, "bad_quantity"),
    ({"quantity": "Infinity"}, "bad_quantity"),
    ({"quantity": "1.5"}, "bad_increment"),
    ({"quantity": "99999999999"}, "bad_quantity"),
    ({"tif": "GTD"}, "bad_expiry"),
    ({"tif": "GTD", "until": 5}, "bad_expiry"),
    ({"tif": "GTD", "until": "2024-03-01"}, "bad_expiry"),
    ({"tif": "GTD", "until": "tomorrow"}, "bad_expiry"),
    ({"until": "2024-03-08"}, "bad_expiry"),
    ({"trail": "0.005"}, "bad_increment"),
    ({"trail": "-1"}, "bad_price"),
    ({"trail": "100%"}, "bad_price"),
    ({"trail": "NaN"}, "bad_price"),
    ({"trail": "1", "offset": "-1"}, "bad_increment"),
    ({"trail": "1", "tif": "IOC"}, "unsupported"),
    ({"trail": "1", "limit": "99.00"}, "extra_price"),
    ({"offset": "1"}, "extra_price"),
    ({"stop": "99.00", "tif": "IOC"}, "unsupported"),
    ({"ext": True}, "extended_needs_limit"),
    ({"name": "NONE.XNAS"}, "unknown_instrument"),
]


@pytest.mark.parametrize(("how", "code"), REFUSED)
def test_nonsense_is_refused_with_a_code_and_words(how: dict[str, str | bool], code: str) -> None:
    floor = Floor()
    quantity = str(how.pop("quantity", 100)) if "quantity" in how else "100"
    answer = floor.send(new_order("b", "BUY", quantity, **how))  # type: ignore[arg-type]  # tests pass words through
    assert isinstance(answer, Refusal)
    assert answer.code == code
    assert answer.reason.endswith(".")
    assert floor.kinds("b") == ["REJECT"]


def test_an_unknown_account_is_refused_and_leaves_no_trace() -> None:
    floor = Floor()
    answer = floor.send(new_order("b", "BUY", 100, owner="nobody"))
    assert isinstance(answer, Refusal)
    assert answer.code == "unknown_account"
    assert floor.reports == []


def test_a_closed_market_takes_only_what_waits_for_the_open() -> None:
    assert SESSION is not None
    floor = Floor(phase=MarketPhase.CLOSED, now=SESSION.pre_open - 1)
    for tif in ("DAY", "IOC", "AT_THE_CLOSE"):
        answer = floor.buy(tif, 100, limit="100.00", tif=tif)
        assert isinstance(answer, Refusal)
        assert answer.code == "closed"
    assert isinstance(floor.buy("gtc", 100, limit="100.00", tif="GTC"), Accepted)
    assert isinstance(floor.buy("moo", 100, tif="AT_THE_OPEN"), Accepted)


def test_the_same_order_twice_is_one_order_with_one_answer() -> None:
    floor = Floor()
    first = floor.buy("b", 100, limit="99.00")
    second = floor.buy("b", "100.0", limit="99.00")
    assert isinstance(first, Accepted)
    assert second == first
    assert floor.kinds("b") == ["ACCEPT"]


def test_the_same_id_with_another_body_is_refused_and_harms_nothing() -> None:
    floor = Floor()
    floor.buy("b", 100, limit="99.00")
    answer = floor.buy("b", 200, limit="99.00")
    assert isinstance(answer, Refusal)
    assert answer.code == "duplicate_id"
    assert floor.order("b").terms.quantity == 100
    assert floor.kinds("b") == ["ACCEPT"]


def test_a_repeat_after_a_fill_or_a_change_is_still_the_same_order() -> None:
    floor = Floor()
    first = floor.buy("b", 100)
    assert floor.order("b").status == "FILLED"
    assert floor.buy("b", 100) == first
    resting = floor.buy("c", 100, limit="99.00")
    floor.change("c", limit="98.00")
    assert floor.buy("c", 100, limit="99.00") == resting


def test_a_repeat_of_a_refused_order_gets_the_same_refusal() -> None:
    floor = Floor()
    assert floor.buy("b", 100, limit="100.005") == floor.buy("b", 100, limit="100.005")
    assert floor.kinds("b") == ["REJECT"]


def test_what_cannot_be_borrowed_cannot_be_sold_short() -> None:
    floor = Floor(traded=instrument(shortable=False))
    floor.buy("b", 100)
    assert isinstance(floor.sell("s1", 60, limit="101.00"), Accepted)
    answer = floor.sell("s2", 60, limit="101.00")
    assert isinstance(answer, Refusal)
    assert answer.code == "no_short"
    assert "40 can be sold" in answer.reason
    floor.cancel("s1")
    assert isinstance(floor.sell("s3", 100, limit="101.00"), Accepted)


def test_a_cash_account_never_goes_short() -> None:
    floor = Floor(kind=AccountType.CASH)
    assert isinstance(floor.sell("s", 100), Refusal)
    floor.bracket("e", 100, "101.00", "99.00")
    assert floor.order("e").status == "FILLED"
    assert isinstance(floor.sell("more", 1), Refusal)  # the legs may sell all of it already


def test_cancels_of_unknown_and_of_finished_orders_differ() -> None:
    floor = Floor()
    refusal = floor.intake.cancel("A1", "nothing", "c1")
    assert refusal is not None
    assert refusal.code == "unknown_order"
    floor.buy("b", 100)
    floor.cancel("b", "c2")
    floor.cancel("b", "c2")
    assert floor.kinds("b") == ["ACCEPT", "FILL", "CANCEL_REJECT"]


def test_cancel_all_leaves_nothing_open() -> None:
    floor = Floor()
    floor.buy("b", 100, limit="99.00")
    floor.sell("s", 100, limit="101.00", tif="GTC")
    floor.bracket("e", 100, "102.00", "98.00", limit="99.50")
    floor.intake.cancel_all("A1")
    floor.pass_ms()
    assert all(floor.kinds(each)[-1] == "CANCEL" for each in ("b", "s", "e", "e-t", "e-s"))
    assert floor.desk.open_orders("A1") == []

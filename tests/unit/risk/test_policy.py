"""Limits of an account, a strategy and an instrument: the strictest wins, mistakes are named, raises wait."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from stockpulse_engine.domain.errors import ConfigError
from stockpulse_engine.domain.events import EngineStopped, LimitChanged
from stockpulse_engine.risk import policy as module
from stockpulse_engine.risk.limit_book import RAISE_DELAY_NS, LimitBook, parse_value
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.policy import (
    EVERYBODY,
    Policy,
    Scope,
    allowed_scopes,
    is_looser,
    strictest,
)
from stockpulse_engine.risk.sections import check_limit, check_section, split_tree
from tests.fakes.portfolio_build import AAPL, SECOND, D
from tests.unit.risk.build import NOW

MAIN, TREND, APPLE = Scope("account", "main"), Scope("strategy", "trend"), Scope("instrument", AAPL)
KEY = "max_order_notional"


def policy(**sections: dict[str, Any]) -> Policy:
    names = {"main": MAIN, "trend": TREND, "apple": APPLE}
    return Policy(Limits(), {names[name]: values for name, values in sections.items()})


def test_the_strictest_of_all_that_apply_wins() -> None:
    limits = policy(main={KEY: D(50_000)}, trend={KEY: D(9_000), "max_gross": D(9)}, apple={KEY: D(20_000)})
    assert limits.resolve("main", "trend", AAPL).max_order_notional == 9_000
    assert limits.resolve("main", "manual", AAPL).max_order_notional == 20_000
    assert limits.resolve("main", "manual", "MSFT.XNAS").max_order_notional == 50_000
    assert limits.of_account("other").max_order_notional == 100_000
    assert limits.resolve("main", "trend", AAPL).max_gross == Limits().max_gross  # a section never loosens
    assert limits.resolve("main", "trend", AAPL) is limits.resolve("main", "trend", AAPL)


def test_without_sections_nothing_is_worked_out_and_what_is_kept_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Policy(Limits(), {MAIN: {}})
    assert plain.resolve("main", "trend", AAPL) is plain.base
    monkeypatch.setattr(module, "MAX_RESOLVED", 2)
    tight = policy(main={KEY: D(1)})
    assert {tight.resolve("main", "", str(number)).max_order_notional for number in range(5)} == {1}


@pytest.mark.parametrize(
    ("key", "one", "other", "wanted"),
    [
        (KEY, D(1), D(2), D(1)),
        ("min_order_notional", D(1), D(2), D(2)),
        ("duplicate_window_ms", 1, 2, 2),
        ("probe_interval_ms", 2, 1, 2),
        ("restricted", ("A",), ("B", "A"), ("A", "B")),
        ("armed", ("a", "b"), ("b", "c"), ("b",)),
        ("loss_cancels", False, True, True),
        ("loss_cancels", False, False, False),
    ],
)
def test_what_is_stricter_depends_on_the_limit(key: str, one: Any, other: Any, wanted: Any) -> None:
    assert strictest(key, one, other) == wanted


@pytest.mark.covers("R12")
@pytest.mark.parametrize(
    ("key", "old", "new", "looser"),
    [
        (KEY, D(2), D(1), False),
        (KEY, D(1), D(2), True),
        (KEY, D(1), D(1), False),
        ("min_order_notional", D(2), D(1), True),
        ("restricted", ("A",), (), True),
        ("restricted", ("A",), ("B", "A"), False),
        ("restricted", ("A",), ("B",), True),
        ("armed", (), ("a",), True),
        ("armed", ("a",), (), False),
        ("loss_cancels", True, False, True),
        ("loss_cancels", False, True, False),
    ],
)
def test_a_raise_is_whatever_allows_more(key: str, old: Any, new: Any, looser: bool) -> None:
    assert is_looser(key, new, old) is looser


def test_the_longest_window_of_any_section_is_looked_back_over() -> None:
    assert policy().longest_window_ms() == 2_000
    assert policy(apple={"duplicate_window_ms": 9_000}, main={KEY: D(1)}).longest_window_ms() == 9_000


def test_a_policy_is_changed_into_another() -> None:
    first = policy(main={KEY: D(5)})
    raised = first.changed(EVERYBODY, KEY, D(7)).changed(MAIN, "max_gross", D(1))
    assert [first.base.max_order_notional, raised.base.max_order_notional] == [100_000, 7]
    assert (raised.value(MAIN, KEY), raised.value(MAIN, "max_gross"), raised.value(TREND, KEY)) == (5, 1, None)
    assert raised.changed(MAIN, KEY, None).changed(MAIN, "max_gross", None).sections == {}
    assert [MAIN.words, EVERYBODY.words] == ["account main", "all"]


def place(section: str, key: str) -> str:
    return f"limits.toml {section} {key}"


def test_a_tree_is_split_into_everybodys_keys_and_sections() -> None:
    base, scopes = split_tree(
        {"max_gross": 1, "limits": {"max_net": 1, "account": {"main": {KEY: 5}}, "instrument": {AAPL: {}}}}, place
    )
    assert base == {"max_gross": 1, "max_net": 1}
    assert scopes == {MAIN: {KEY: 5}, APPLE: {}}
    (found,) = check_section(MAIN, scopes[MAIN], "mine", place)
    assert (found.scope, found.key, found.value, found.source) == (MAIN, KEY, D(5), "mine")
    assert Policy.of(Limits(), (found,)).of_account("main").max_order_notional == 5


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"limits": 5}, "limits is a section"),
        ({"max_gross": 1, "limits": {"max_gross": 2}}, "max_gross is there twice"),
        ({"limits": {"acount": {"main": {}}}}, "Did you mean account?"),
        ({"limits": {"xyz": {"main": {}}}}, "Sections are: account"),
        ({"limits": {"account": {"main": 5}}}, "limits.account.main is a section"),
    ],
)
def test_a_wrong_section_is_named(tree: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        split_tree(tree, place)
    assert "limits.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("scope", "key", "value", "said"),
    [
        (MAIN, "max_gros", 1, "Did you mean max_gross?"),
        (MAIN, "zzz", 1, "Limits are: "),
        (MAIN, "max_gross", "NaN", "not a positive number"),
        (TREND, "max_orders_per_day", 5, "there is max_strategy_orders_per_day"),
        (TREND, "max_open_orders", 5, r"Put it into \[limits.account.NAME\]."),
        (APPLE, "max_strategy_orders_per_day", 5, r"\[limits.account.NAME\] or \[limits.strategy.NAME\]"),
        (APPLE, "daily_loss_fraction", "0.1", "is no limit of one instrument"),
        (Scope("instrument", "aapl"), KEY, 5, r"instrument.\"AAPL.XNAS\""),
    ],
)
def test_a_wrong_key_of_a_section_is_named(scope: Scope, key: str, value: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        check_section(scope, {key: value}, "mine", place)
    assert "limits.toml" in str(caught.value)


def test_every_limit_has_a_place_beside_everybodys() -> None:
    assert all("account" in allowed_scopes(key) for key in Limits.__struct_fields__)
    assert check_limit(EVERYBODY, "armed", ["trend"], "x") == ("trend",)


def changed(new: str, *, at: int = NOW, waits: bool = False, **words: Any) -> LimitChanged:
    said: dict[str, Any] = {"change_id": f"c{at}", "key": KEY, "old": "1", **words}
    acts_at = at + RAISE_DELAY_NS if waits else at
    return LimitChanged(new=new, ts_event=at, recorded_at=at, acts_at=acts_at, **said)


@pytest.mark.covers("R12")
def test_a_raise_waits_a_minute_and_a_lower_limit_does_not() -> None:
    book = LimitBook(Policy(Limits()))
    book.observe(EngineStopped(ts_event=1, recorded_at=1))
    book.observe(changed("500"))
    assert book.current(NOW).base.max_order_notional == 500
    raised = changed("900", at=NOW + SECOND, waits=True)
    book.observe(raised)
    assert book.waiting(NOW + SECOND) == (raised,)
    assert book.current(NOW + SECOND + RAISE_DELAY_NS - 1).base.max_order_notional == 500
    assert book.current(NOW + SECOND + RAISE_DELAY_NS).base.max_order_notional == 900
    assert (book.waiting(NOW + SECOND + RAISE_DELAY_NS), book.fact(EVERYBODY, KEY)) == ((), raised)
    assert book.version == 2


@pytest.mark.covers("R12")
def test_a_raise_can_be_withdrawn_and_a_lower_limit_takes_it_back() -> None:
    book = LimitBook(Policy(Limits()))
    book.observe(changed("900000", waits=True))
    book.observe(changed("", is_withdrawn=True, change_id="another"))
    assert len(book.waiting(NOW)) == 1
    book.observe(changed("", is_withdrawn=True))
    book.observe(changed("", is_withdrawn=True))
    assert (book.waiting(NOW), book.current(NOW + 2 * RAISE_DELAY_NS).base) == ((), Limits())
    book.observe(changed("900000", at=NOW + 1, waits=True))
    book.observe(changed("50", at=NOW + 2))
    assert book.waiting(NOW + 3) == ()
    assert book.current(NOW + 2 * RAISE_DELAY_NS).base.max_order_notional == 50


@pytest.mark.covers("R12")
def test_after_a_restart_the_journal_says_more_than_the_file() -> None:
    facts = [
        changed("500"),
        changed("70", at=NOW + 1, scope="account", name="main"),
        changed("900000", at=NOW + 2, waits=True),
    ]
    again = LimitBook(Policy(Limits(max_order_notional=D(7)), {MAIN: {KEY: D(9)}}))
    for fact in facts:
        again.observe(fact)
    assert again.current(NOW + 3).base.max_order_notional == 500
    assert again.current(NOW + 3).of_account("main").max_order_notional == 70
    assert again.scopes() == (EVERYBODY, MAIN)
    assert again.current(NOW + 2 + RAISE_DELAY_NS).base.max_order_notional == 900_000
    again.observe(changed("", at=NOW + 9, scope="account", name="main"))
    assert again.current(NOW + 9).of_account("main").max_order_notional == 9  # what the file says
    assert again.fact(MAIN, KEY) is None


def test_a_fact_of_another_version_changes_nothing_and_is_said() -> None:
    book = LimitBook(Policy(Limits()))
    book.observe(changed("5", key="max_colour"))
    assert (book.current(NOW).base, len(book.problems), book.version) == (Limits(), 1, 0)


@pytest.mark.parametrize(("text", "wanted"), [("0.05", D("0.05")), ("5000", D(5000)), ("1e3", D(1000))])
def test_values_are_written_as_in_the_file(text: str, wanted: Any) -> None:
    assert parse_value(EVERYBODY, KEY, text) == wanted
    assert parse_value(EVERYBODY, "restricted", '["GME.XNYS"]') == ("GME.XNYS",)
    assert parse_value(EVERYBODY, "loss_cancels", "false") is False


@pytest.mark.parametrize("text", ["much", "NaN", "-5", "0", "5\nmax_gross = 9", "[1]", "", "nan"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_value(EVERYBODY, KEY, text)


def test_two_waiting_raises_come_into_force_in_their_order() -> None:
    book = LimitBook(Policy(Limits()))
    book.observe(changed("900000", waits=True))
    other = msgspec.structs.replace(changed("2", at=NOW + SECOND, waits=True), key="max_gross")
    book.observe(other)
    assert [one.key for one in book.waiting(NOW + SECOND)] == [KEY, "max_gross"]
    assert book.current(NOW + RAISE_DELAY_NS).base.max_gross == D("1.50")
    assert [one.key for one in book.waiting(NOW + RAISE_DELAY_NS)] == ["max_gross"]

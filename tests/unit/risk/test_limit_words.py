"""Limits are written for people and for the file, and the last halt is remembered as a proof."""

from __future__ import annotations

from typing import Any

import pytest

from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.events import EngineStopped, TradingStateChanged
from stockpulse_engine.domain.risk import KillProof
from stockpulse_engine.risk.kills import KillBook
from stockpulse_engine.risk.limit_book import LimitBook, parse_value
from stockpulse_engine.risk.limit_words import LIMIT_WORDS, value_text, value_words
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.policy import EVERYBODY, Policy
from stockpulse_engine.risk.view import ViewBuilder
from tests.fakes.portfolio_build import D, terms
from tests.unit.risk.build import NOW
from tests.unit.risk.test_policy import changed
from tests.unit.risk.test_view import World


def test_every_limit_has_words_and_its_text_is_read_back_as_it_was() -> None:
    assert set(LIMIT_WORDS) == set(Limits.__struct_fields__)
    for key in Limits.__struct_fields__:
        value = getattr(Limits(), key)
        assert parse_value(EVERYBODY, key, value_text(value)) == value
        assert value_words(key, value)


@pytest.mark.parametrize(
    ("key", "value", "words", "text"),
    [
        ("max_gross", D("1.50"), "150 %", "1.50"),
        ("daily_loss_fraction", D("0.03"), "3 %", "0.03"),
        ("max_order_notional", D(100_000), "100,000", "100000"),
        ("max_open_orders", 200, "200", "200"),
        ("duplicate_window_ms", 2_500, "2.5 s", "2500"),
        ("restricted", ("GME.XNYS",), "GME.XNYS", '["GME.XNYS"]'),
        ("armed", (), "none", "[]"),
        ("loss_cancels", True, "yes", "true"),
        ("loss_cancels", False, "no", "false"),
    ],
)
def test_values_are_said_and_written(key: str, value: Any, words: str, text: str) -> None:
    assert (value_words(key, value), value_text(value)) == (words, text)


def state(word: TradingState, at: int) -> TradingStateChanged:
    return TradingStateChanged(state=word, reason="a drill", ts_event=at, recorded_at=at, actor="me")


def test_the_last_halt_is_the_proof_and_says_when_it_ended() -> None:
    book = KillBook()
    book.observe(EngineStopped(ts_event=1, recorded_at=1))
    book.observe(state(TradingState.ACTIVE, 5))
    assert book.proof == KillProof()
    for at, word in enumerate((TradingState.HALTED, TradingState.REDUCING, TradingState.ACTIVE), 10):
        book.observe(state(word, at))
    assert book.proof == KillProof(halted_at=10, reason="a drill", actor="me", resumed_at=11, count=1)
    book.observe(state(TradingState.HALTED, 20))
    assert (book.proof.resumed_at, book.proof.count) == (0, 2)


def test_a_change_is_found_by_its_id() -> None:
    book = LimitBook(Policy(Limits()))
    book.observe(changed("5"))
    assert book.by_id(f"c{NOW}") == changed("5")
    assert book.by_id("other") is None


def test_how_far_back_submissions_are_shown_follows_the_longest_window() -> None:
    world = World()
    builder = ViewBuilder(world.sources, world.log)
    world.log.note(terms("1"), NOW - 5_000_000_000, "2024-03-08", "a")
    assert builder.build(terms("1")).sent == ()
    builder.look_back(10_000_000_000)
    assert len(builder.build(terms("1")).sent) == 1

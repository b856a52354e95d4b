"""Which answer proves what: row by row, and everything else proves nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.adapters.alpaca.errors import Verdict, no_answer, refusal, verdict_of
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.trading.ports import AmbiguousOutcomeError, RejectedByBrokerError


def body(code: int | None, message: str = "words") -> bytes:
    return json.dumps({"message": message} if code is None else {"code": code, "message": message}).encode()


TABLE: tuple[tuple[int, bytes, Verdict], ...] = (
    (200, b"{}", Verdict.DONE),
    (204, b"", Verdict.DONE),
    (207, b"[]", Verdict.DONE),
    (401, body(40110000), Verdict.NOT_AUTHORIZED),
    (401, b"", Verdict.NOT_AUTHORIZED),
    (403, body(None, "forbidden."), Verdict.NOT_AUTHORIZED),
    (403, body(40310000, "insufficient buying power"), Verdict.REFUSED),
    (403, body(40310000, "insufficient qty available for order (requested: 1000, available: 0)"), Verdict.REFUSED),
    (403, b"<html>blocked</html>", Verdict.AMBIGUOUS),
    (404, body(40410000, "order is not found."), Verdict.NOT_FOUND),
    (404, body(404, "not found"), Verdict.AMBIGUOUS),
    (404, body(None, "endpoint not found."), Verdict.AMBIGUOUS),
    (400, body(40010000), Verdict.REFUSED),
    (422, body(40010001, "client_order_id must be unique"), Verdict.DUPLICATE),
    (422, body(40010001, "oto orders require stop_loss.stop_price"), Verdict.REFUSED),
    (422, body(42210000, "potential wash trade detected"), Verdict.REFUSED),
    (422, b"unprocessable", Verdict.AMBIGUOUS),
    (429, body(42910000), Verdict.THROTTLED),
    (429, b"", Verdict.THROTTLED),
    (418, b"", Verdict.THROTTLED),
    (500, body(50010000), Verdict.AMBIGUOUS),
    (502, b"", Verdict.AMBIGUOUS),
    (503, body(503), Verdict.AMBIGUOUS),
    (504, body(None, "timeout"), Verdict.AMBIGUOUS),
    (301, b"", Verdict.AMBIGUOUS),
)


@pytest.mark.covers("F14", "F21", "F01")
@pytest.mark.parametrize(("status", "raw", "verdict"), TABLE)
def test_a_row_of_the_table(status: int, raw: bytes, verdict: Verdict) -> None:
    assert verdict_of(status, raw)[0] is verdict


@pytest.mark.covers("F07", "F14")
@given(st.integers(100, 599), st.binary(max_size=80) | st.builds(body, st.none() | st.integers(0, 10**9), st.text()))
def test_any_other_answer_has_a_verdict_and_a_definite_no_is_alpacas_own(status: int, raw: bytes) -> None:
    verdict, said = verdict_of(status, raw)
    if verdict in (Verdict.REFUSED, Verdict.NOT_FOUND, Verdict.DUPLICATE):
        assert said.code >= 10_000_000
    if status >= 500:
        assert verdict in (Verdict.AMBIGUOUS, Verdict.NOT_AUTHORIZED)


def test_what_each_verdict_is_called_for_orders_and_for_questions() -> None:
    for verdict in Verdict:
        _, said = verdict_of(422, body(42210000))
        kind = AmbiguousOutcomeError if verdict is Verdict.AMBIGUOUS else RejectedByBrokerError
        assert isinstance(refusal(verdict, said), kind)
        assert isinstance(no_answer(verdict, said), UnavailableError), "a question without an answer proves nothing"

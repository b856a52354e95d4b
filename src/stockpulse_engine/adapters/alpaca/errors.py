"""What an answer proves. This is where orders are doubled or lost, so it is a table and has no cleverness.

A refusal counts when Alpaca itself worded it: a status, a JSON body with a `code`. A gateway's words prove nothing
about an order, with three exceptions that are said before anything is looked at: who we are (401, 403) and how often
we ask (429, 418). Whatever is in no row is ambiguous: ask, never send again (F01, F14).
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from stockpulse_engine.adapters.alpaca.parse import AlpacaError, parse_error
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.trading.ports import AmbiguousOutcomeError, RejectedByBrokerError


class Verdict(Enum):
    """What became of a request."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    """A definite no: nothing was done."""
    NOT_FOUND = "NOT_FOUND"
    """An authenticated 'no such thing'."""
    DUPLICATE = "DUPLICATE"
    """An order of this id is there already: no failure, look it up."""
    NOT_AUTHORIZED = "NOT_AUTHORIZED"
    """The key is not accepted: a state, not a retry (F26)."""
    THROTTLED = "THROTTLED"
    """Nothing was done; later."""
    AMBIGUOUS = "AMBIGUOUS"


DUPLICATE_CODE: Final = 40010001
"""Also the code of ordinary validation errors: the words decide."""
_DUPLICATE_WORDS: Final = "client_order_id must be unique"
_BY_STATUS: Final = {
    400: Verdict.REFUSED,
    403: Verdict.REFUSED,
    404: Verdict.NOT_FOUND,
    409: Verdict.REFUSED,
    422: Verdict.REFUSED,
}
"""Only with a code of Alpaca's own."""
_UNAUTHORIZED: Final = 40110000
_OWN_CODES: Final = 10_000_000
"""Alpaca's codes have eight digits; a gateway repeats the status."""
CODES: Final = {
    40010000: "the request is not valid",
    40010001: "a field is not valid, or the order id is not new",
    40110000: "the key is not accepted",
    40310000: "not enough buying power or shares, or not allowed",
    40310100: "it would count as pattern day trading",
    40410000: "there is no such thing",
    42210000: "it can not be taken: a price off the grid, a wash trade, or no longer possible",
    42910000: "too many requests",
}
"""Codes met in recordings, issues and documentation, for people: what they prove hangs on the status."""


def verdict_of(status: int, body: bytes) -> tuple[Verdict, AlpacaError]:
    """What an answer proves, and its words."""
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own numbers
        return Verdict.DONE, AlpacaError(0, "")
    error = parse_error(body)
    said = error or AlpacaError(0, f"status {status}")
    if status in (429, 418):
        return Verdict.THROTTLED, said
    if status == 401 or said.code == _UNAUTHORIZED or (status == 403 and not said.code and error is not None):  # noqa: PLR2004 - HTTP's own numbers
        return Verdict.NOT_AUTHORIZED, said
    if error is None or error.code < _OWN_CODES:
        return Verdict.AMBIGUOUS, said
    if error.code == DUPLICATE_CODE and _DUPLICATE_WORDS in error.message.lower():
        return Verdict.DUPLICATE, said
    return _BY_STATUS.get(status, Verdict.AMBIGUOUS), said


def refusal(verdict: Verdict, error: AlpacaError) -> Exception:
    """The exception for a request that changes something and was not done, or perhaps not done."""
    if verdict is Verdict.AMBIGUOUS:
        return AmbiguousOutcomeError(f"Alpaca answered without a verdict: {error.message}")
    code = str(error.code or verdict.value.lower())
    return RejectedByBrokerError(error.message, code)


def no_answer(verdict: Verdict, error: AlpacaError) -> UnavailableError:
    """The exception for a question without an answer: it proves nothing (F07)."""
    if verdict is Verdict.NOT_AUTHORIZED:
        return not_authorized()
    if verdict is Verdict.THROTTLED:
        return UnavailableError("Alpaca says: too many requests.", fix="It is asked again by itself, more slowly.")
    return UnavailableError(f"Alpaca gave no answer: {error.message}.", fix="It is asked again by itself.")


def not_authorized() -> UnavailableError:
    """The key is dead."""
    return UnavailableError(
        "Alpaca does not accept the key.", fix="Make a new pair in its dashboard and give it with `sp broker add`."
    )

"""What an answer proves. This is where orders are doubled or lost, so it is a table and has no cleverness."""

from __future__ import annotations

from typing import Any

import msgspec

from stockpulse_engine.adapters._template.wire import Reply
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.trading.ports import AmbiguousOutcomeError, RejectedByBrokerError

REFUSALS = frozenset({400, 403, 404, 422})
"""The broker's own, definite no. 401 and 429 are none: the next token or minute may say yes."""


def document_of(reply: Reply) -> Any:
    """The JSON of a whole, well-formed success.

    Raises:
        RejectedByBrokerError: a definite no, with its words and code.
        AmbiguousOutcomeError: anything else, an answer we cannot read included: what was asked may be done.
    """
    try:
        document = msgspec.json.decode(reply.body) if reply.body else {}
    except msgspec.DecodeError as error:
        raise AmbiguousOutcomeError(f"an answer that is no JSON (status {reply.status})") from error
    if 200 <= reply.status < 300:  # noqa: PLR2004 - HTTP's own numbers
        return document
    if reply.status in REFUSALS and isinstance(document, dict) and "message" in document:
        words = clean_line(str(document["message"]), 200)
        raise RejectedByBrokerError(words, str(document.get("code", reply.status)))
    raise AmbiguousOutcomeError(f"status {reply.status}")


def answer_of(reply: Reply) -> Any:
    """The JSON of an answer to a question. A question without an answer proves nothing: UnavailableError."""
    try:
        return document_of(reply)
    except (AmbiguousOutcomeError, RejectedByBrokerError) as error:
        raise UnavailableError(f"The broker gave no answer: {error.args[0]}.") from error

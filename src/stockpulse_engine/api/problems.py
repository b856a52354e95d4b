"""Errors become problem documents in one place; nothing of the inside leaks (R08)."""

from __future__ import annotations

import re
from http import HTTPStatus

import msgspec

from stockpulse_engine.api.roles import ProtocolMismatchError
from stockpulse_engine.base.text import clean_text
from stockpulse_engine.domain.errors import (
    ConflictError,
    DeniedError,
    ForbiddenError,
    InvalidValueError,
    NotFoundError,
    StockPulseError,
    UnavailableError,
)
from stockpulse_engine.wire.rest import Problem

PROBLEM_TYPE = "application/problem+json"

_STATUS: dict[type[StockPulseError], int] = {
    InvalidValueError: 400,
    ProtocolMismatchError: 426,
    ForbiddenError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    DeniedError: 422,
    UnavailableError: 503,
}
_PATH = re.compile(r"(?<![\w.:/])(?:/[\w.@+~-]+){2,}/?")
"""Two components and more: a file of this machine, never needed by a client."""
_INTERNAL = "The engine failed on this request."
_SEE_LOGS = "See `sp engine logs`."


def problem(status: int, code: str, detail: str, *, fix: str = "", denial: str = "") -> Problem:
    """A problem document with everything private taken out."""
    return Problem(
        type=f"about:blank#{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=_public(detail),
        fix=_public(fix),
        code=code,
        denial=denial,
    )


def problem_of(error: Exception) -> Problem:
    """The document for an error; what we did not raise on purpose is only said to have failed."""
    for kind, status in _STATUS.items():
        if isinstance(error, kind):
            return _of_ours(error, status)
    code = error.code if isinstance(error, StockPulseError) else "internal"
    return problem(500, code, _INTERNAL, fix=_SEE_LOGS)


def _of_ours(error: StockPulseError, status: int) -> Problem:
    denial = error.denial if isinstance(error, DeniedError) else ""
    document = problem(status, error.code, error.message, fix=error.fix, denial=denial)
    return msgspec.structs.replace(document, title=error.title)


def _public(text: str) -> str:
    return clean_text(_PATH.sub(_last_part, text))


def _last_part(match: re.Match[str]) -> str:
    found = match[0]
    return found if found.startswith("/v1/") else "…/" + found.rstrip("/").rsplit("/", 1)[1]

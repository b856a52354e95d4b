"""Problem documents become the errors a person may see, with title, message and fix."""

from __future__ import annotations

from stockpulse_engine.domain import errors
from stockpulse_engine.domain.errors import (
    DeniedError,
    ForbiddenError,
    InvalidValueError,
    StockPulseError,
    UnavailableError,
)
from stockpulse_engine.wire.codec import decode_answer
from stockpulse_engine.wire.rest import Problem

_BY_CODE: dict[str, type[StockPulseError]] = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, StockPulseError) and kind is not DeniedError
}
_BY_STATUS: dict[int, type[StockPulseError]] = {
    400: InvalidValueError,
    401: ForbiddenError,
    403: ForbiddenError,
    413: InvalidValueError,
    415: InvalidValueError,
    421: ForbiddenError,
    426: ForbiddenError,
    429: UnavailableError,
    503: UnavailableError,
}


def error_of(status: int, body: bytes) -> StockPulseError:
    """The error an answer that is not 2xx stands for."""
    try:
        document: Problem = decode_answer(body, Problem)
    except InvalidValueError:
        return UnavailableError(f"The engine answered {status} and nothing we know.", fix="Run `sp doctor`.")
    if document.code == DeniedError.code:
        return DeniedError(document.detail, denial=document.denial, fix=document.fix)
    kind = _BY_CODE.get(document.code) or _BY_STATUS.get(status, StockPulseError)
    error = kind(document.detail, fix=document.fix)
    error.title = document.title
    return error


def not_there() -> UnavailableError:
    """Nobody answers on the socket."""
    return UnavailableError("The engine does not answer.", fix="Start it: `sp engine start`.")

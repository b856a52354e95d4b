"""Foreign errors become ours here, and nowhere else in this adapter."""

from __future__ import annotations

from stockpulse_engine.base.text import clean_text
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError, StockPulseError, UnavailableError

TOO_MANY = 429
_NOT_FOUND = 404
_REDIRECTS = range(300, 400)
_CLIENT_ERRORS = range(400, 500)


def error_of(status: int, description: str, symbol: str) -> StockPulseError:
    """The error of an answer that is not 200; `description` is Yahoo's own sentence, "" without one."""
    words = clean_text(description, 160)
    if status == TOO_MANY:
        return UnavailableError(
            "Yahoo answered: too many requests.", fix="Wait a minute; the source is unofficial and slow."
        )
    if status in _REDIRECTS:
        return UnavailableError("Yahoo asks for consent in a browser.", fix="Use another source in this region.")
    if status == _NOT_FOUND:
        return NotFoundError(f"Yahoo does not know {symbol}. {words}".strip(), fix="Look up the symbol on its site.")
    if status in _CLIENT_ERRORS:
        return InvalidValueError(
            f"Yahoo refused the request for {symbol}. {words}".strip(), fix="Try another bar length."
        )
    return UnavailableError(f"Yahoo answered with status {status}.", fix="Try again later.")


def unreachable() -> UnavailableError:
    """No answer at all."""
    return UnavailableError("Yahoo can not be reached.", fix="Check the network; your own world does not need it.")


def unreadable(what: str) -> UnavailableError:
    """An answer that is not what the endpoint used to give."""
    return UnavailableError(
        f"Yahoo's answer can not be read: {clean_text(what, 120)}.", fix="Its format may have changed."
    )

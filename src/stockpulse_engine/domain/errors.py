"""The family of errors a person may see: each has a title, a message and a fix."""

from __future__ import annotations


class StockPulseError(Exception):
    """Base of every error we raise on purpose.

    Args:
        message: what was wrong, naming the file, field or key.
        fix: what the reader can do about it, as an imperative sentence.
    """

    title = "Something went wrong"
    code = "error"
    exit_code = 1

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message} {self.fix}".strip()


class InvalidValueError(StockPulseError):
    """A value that can not be right: not finite, wrong sign, off the tick, unknown name."""

    title = "Invalid value"
    code = "invalid_value"
    exit_code = 2


class NotFoundError(StockPulseError):
    """The named thing does not exist here."""

    title = "Not found"
    code = "not_found"
    exit_code = 4


class ConflictError(StockPulseError):
    """The request contradicts what is already recorded (same id, other body)."""

    title = "Conflict"
    code = "conflict"
    exit_code = 5


class DeniedError(StockPulseError):
    """The pre-trade gate refused the order; `denial` is the named code."""

    title = "Denied"
    code = "denied"
    exit_code = 3

    def __init__(self, message: str, *, denial: str, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.denial = denial


class UnavailableError(StockPulseError):
    """A part we need (engine, venue, provider, store) is not there now."""

    title = "Unavailable"
    code = "unavailable"
    exit_code = 6


class ForbiddenError(StockPulseError):
    """The caller's role or the trading state does not allow this."""

    title = "Forbidden"
    code = "forbidden"
    exit_code = 7


class InvariantError(StockPulseError):
    """Our own code broke a rule that must hold; trading halts."""

    title = "Invariant broken"
    code = "invariant"
    exit_code = 70


class IntegrityError(StockPulseError):
    """Stored data does not match its checksum or chain."""

    title = "Integrity"
    code = "integrity"
    exit_code = 8


class ConfigError(StockPulseError):
    """A setting is unknown or wrong; the message names file, key and expectation."""

    title = "Configuration"
    code = "config"
    exit_code = 9

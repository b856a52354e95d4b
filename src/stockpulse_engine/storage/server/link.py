"""Connections to the server: how they are made, and what is said when they can not be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from stockpulse_engine.base.redaction import redact
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.storage.server.settings import StorageSettings

Connection = psycopg.Connection[Any]
APPLICATION: Final = "stockpulse"
CONNECT_FIX: Final = "Start the server, or correct storage.url; `sp store status` tries it."


def connect(
    settings: StorageSettings,
    *,
    is_autocommit: bool = False,
    kind: type[Connection] = Connection,
    statement_s: int = 0,
) -> Connection:
    """One connection, times in UTC; the server ends a statement after `statement_s` seconds (0: never).

    Raises:
        UnavailableError: there is no server, or it does not let us in; the address is shown without its password.
    """
    limit = f" -c statement_timeout={statement_s * 1000}" if statement_s else ""
    try:
        connection = kind.connect(
            settings.url,
            autocommit=is_autocommit,
            connect_timeout=settings.connect_timeout_s,
            application_name=APPLICATION,
            options=f"-c timezone=UTC -c client_min_messages=warning{limit}",
        )
    except psycopg.Error as error:
        raise unavailable(error) from None  # the cause would carry the address
    connection.prepare_threshold = 2
    return connection


@contextmanager
def said_plainly() -> Iterator[None]:
    """What the driver raises inside is raised as an error people can read."""
    try:
        yield
    except psycopg.Error as error:
        raise unavailable(error) from None


def unavailable(error: psycopg.Error) -> UnavailableError:
    """The driver's words, one line, without secrets."""
    words = clean_line(str(redact(str(error) or type(error).__name__)))[:200].rstrip(".")
    return UnavailableError(f"The database does not do what it should: {words}.", fix=CONNECT_FIX)

"""Structured logs: one JSON line per event, in a private file that rotates by size.

`get_logger` needs neither structlog nor a file, so that a client which never logs pays nothing for structlog;
`configure_logs` brings structlog in and is called once by each process that keeps a log.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from logging.handlers import RotatingFileHandler
from typing import Annotated, Any, Literal, TextIO

import msgspec

from stockpulse_engine.base.paths import Paths, ensure_private
from stockpulse_engine.base.redaction import redact

_ROOT = "stockpulse"
_SILENCED = ("httpx", "httpcore", "hpack", "websockets", "asyncio", "uvicorn.access")
"""They write addresses, headers or one line per message; their warnings still come through."""

# Without it the standard library would print warnings over a terminal screen before logs are configured.
logging.getLogger(_ROOT).addHandler(logging.NullHandler())


class LogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Section `log`: at most `backups` + 1 files of `max_bytes` each are kept."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    max_bytes: Annotated[int, msgspec.Meta(ge=100_000, le=1_000_000_000)] = 5_000_000
    backups: Annotated[int, msgspec.Meta(ge=0, le=100)] = 5


class Logger:
    """Writes events with named fields: `log.info("order_sent", client_order_id=order.id)`."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"{_ROOT}.{name}")

    def debug(self, event: str, **fields: object) -> None:
        """For whoever is looking for a fault."""
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        """One line per unit of work done."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Something is off but handled."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Something failed."""
        self._write(logging.ERROR, event, fields)

    def exception(self, event: str, error: BaseException | None = None, **fields: object) -> None:
        """Something failed with this error (or the one being handled): its traceback goes along."""
        self._write(logging.ERROR, event, fields, error=error or sys.exc_info()[1])

    def _write(
        self, level: int, event: str, fields: Mapping[str, object], *, error: BaseException | None = None
    ) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "%s", event, extra={"fields": dict(fields)}, exc_info=error)


def get_logger(name: str) -> Logger:
    """The logger of a room or process: `get_logger("trading.service")`."""
    return Logger(name)


def configure_logs(
    paths: Paths, to_stderr: bool = False, *, name: str = "engine", settings: LogSettings | None = None
) -> None:
    """Send this process's logs to `logs/NAME.log`, and to stderr as well where asked.

    Calling again replaces the earlier set-up.
    """
    chosen = settings or LogSettings()
    directory = ensure_private(paths.logs)
    formatter = _json_formatter()
    handlers: list[logging.Handler] = [
        _PrivateRotatingHandler(
            directory / f"{name}.log", maxBytes=chosen.max_bytes, backupCount=chosen.backups, encoding="utf-8"
        )
    ]
    if to_stderr:
        handlers.append(logging.StreamHandler())
    root = logging.getLogger()
    for old in tuple(root.handlers):
        if getattr(old, "is_stockpulse", False):
            root.removeHandler(old)
            old.close()
    for handler in handlers:
        handler.setFormatter(formatter)
        handler.is_stockpulse = True  # type: ignore[attr-defined]  # marks ours, so that a second call replaces them alone
        root.addHandler(handler)
    root.setLevel(chosen.level.upper())
    for noisy in _SILENCED:
        logging.getLogger(noisy).setLevel(logging.WARNING)


class _PrivateRotatingHandler(RotatingFileHandler):
    """A rotating file that is 0600 from its first byte and follows no symbolic link."""

    def _open(self) -> io.TextIOWrapper:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.baseFilename, flags, 0o600)
        stream: TextIO = open(descriptor, "a", encoding="utf-8")  # noqa: SIM115, PTH123 - the handler owns and closes it
        if not isinstance(stream, io.TextIOWrapper):
            raise TypeError(stream)
        return stream


def _json_formatter() -> logging.Formatter:
    import structlog

    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="at")
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name, stamp, _take_fields],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _redact_event,
            structlog.processors.JSONRenderer(default=str),
        ],
    )


def _take_fields(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    fields = getattr(event["_record"], "fields", None)
    if fields:
        # Our own keys win: a field called "event" may not hide what happened.
        event = {**fields, **event}
    return event


def _redact_event(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    cleaned: Mapping[str, Any] = redact(dict(event))
    return cleaned

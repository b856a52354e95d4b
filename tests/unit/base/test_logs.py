"""Logs are one JSON object per line, private, bounded and free of secrets."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stockpulse_engine.base.logs import LogSettings, configure_logs, get_logger
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.base.redaction import REDACTED, redact, register_secret


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[Paths]:
    yield resolve_paths(tmp_path)
    root = logging.getLogger()
    for handler in tuple(root.handlers):
        if getattr(handler, "is_stockpulse", False):
            root.removeHandler(handler)
            handler.close()


def lines(paths: Paths) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (paths.logs / "engine.log").read_text().splitlines()]


def test_an_event_is_one_json_line_with_its_fields(paths: Paths) -> None:
    configure_logs(paths)
    get_logger("trading").info("order_sent", client_order_id="C1", quantity="100", event_hint="x")
    (line,) = lines(paths)
    assert line["event"] == "order_sent"
    assert line["client_order_id"] == "C1"
    assert (line["level"], line["logger"]) == ("info", "stockpulse.trading")
    assert line["at"].endswith("Z")


def test_a_percent_sign_in_an_event_is_only_a_percent_sign(paths: Paths) -> None:
    configure_logs(paths)
    get_logger("x").info("100 %s done")
    assert lines(paths)[0]["event"] == "100 %s done"


@pytest.mark.covers("F45", "R21")
def test_tokens_and_authorization_never_reach_the_file(paths: Paths) -> None:
    configure_logs(paths)
    register_secret("0123456789abcdef")
    log = get_logger("api")
    log.info("request", headers={"Authorization": "Bearer abcdefgh12345"}, token="t0p-s3cret-value")
    log.info("said 0123456789abcdef", url="/v1/stream?token=zzzzzzzzzz&x=1")
    log.info("mirror", url="redis://ann:p/w#d@host:6379/0")
    logging.getLogger("uvicorn.error").error("Authorization: Bearer abcdefgh12345")
    written = (paths.logs / "engine.log").read_text()
    for secret in ("abcdefgh12345", "t0p-s3cret-value", "0123456789abcdef", "zzzzzzzzzz", "p/w#d"):
        assert secret not in written
    assert written.count(REDACTED) == 6


def test_an_exception_brings_its_traceback_without_the_secret(paths: Paths) -> None:
    configure_logs(paths)
    try:
        raise OSError("connect failed: token=abcdefgh12345")
    except OSError:
        get_logger("client").exception("lost")
    (line,) = lines(paths)
    assert "OSError: connect failed" in line["exception"]
    assert "abcdefgh12345" not in json.dumps(line)


def test_files_are_private_and_bounded(paths: Paths) -> None:
    configure_logs(paths, settings=LogSettings(max_bytes=2_000, backups=2))
    log = get_logger("busy")
    for number in range(200):
        log.info("tick", number=number)
    files = sorted(paths.logs.iterdir())
    assert [file.name for file in files] == ["engine.log", "engine.log.1", "engine.log.2"]
    assert all(file.stat().st_size <= 2_000 for file in files)
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)


@pytest.mark.covers("F45")
def test_chatty_libraries_are_silenced(paths: Paths) -> None:
    configure_logs(paths, settings=LogSettings(level="debug"))
    logging.getLogger("httpx").info("HTTP Request: GET http://localhost/v1/quotes")
    get_logger("x").debug("mine")
    assert [line["event"] for line in lines(paths)] == ["mine"]


def test_configuring_twice_writes_once(paths: Paths) -> None:
    configure_logs(paths)
    configure_logs(paths)
    get_logger("x").info("once")
    assert len(lines(paths)) == 1


def test_a_client_that_logs_nothing_does_not_load_structlog() -> None:
    code = "import sys; from stockpulse_engine.base.logs import get_logger; get_logger('x').info('y'); print('structlog' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_unconfigured_logs_print_nothing() -> None:
    code = "from stockpulse_engine.base.logs import get_logger; get_logger('x').error('over the screen')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_redaction_reaches_into_nested_values() -> None:
    value = {"a": [{"password": "x", "n": 3}], "b": (b"Bearer abcdefgh",)}
    assert redact(value) == {"a": [{"password": REDACTED, "n": 3}], "b": [f"Bearer {REDACTED}"]}


def test_redaction_is_bounded_in_depth() -> None:
    nested: Any = "token=abcdefgh"
    for _ in range(50):
        nested = [nested]
    assert "abcdefgh" not in str(redact(nested))

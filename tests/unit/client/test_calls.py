"""The two clients offer the same calls, load little, and read problem documents."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from stockpulse_engine.base.paths import resolve_paths
from stockpulse_engine.client import calls
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.client.client import EngineClient
from stockpulse_engine.client.credentials import read_token
from stockpulse_engine.client.errors import error_of
from stockpulse_engine.domain.errors import DeniedError, ForbiddenError, NotFoundError, UnavailableError
from stockpulse_engine.wire.codec import encode
from stockpulse_engine.wire.rest import Problem


def _calls() -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(function)
        for name, function in vars(calls).items()
        if inspect.isfunction(function) and function.__module__ == calls.__name__ and not name.startswith("_")
    }


@pytest.mark.parametrize("client", [BlockingClient, EngineClient])
def test_each_call_is_a_method_with_the_same_parameters(client: type) -> None:
    for name, signature in _calls().items():
        method = inspect.signature(getattr(client, name))
        assert list(method.parameters.values())[1:] == list(signature.parameters.values()), name
        assert f"Call[{method.return_annotation}]" == signature.return_annotation


def test_ids_with_odd_characters_stay_one_part_of_the_path() -> None:
    assert calls.order("../../v1/halt?x=1#").target == "/v1/orders/..%2F..%2Fv1%2Fhalt%3Fx%3D1%23"
    assert calls.quotes(("A&B", "C D")).target == "/v1/quotes?ids=A%26B%2CC%20D"
    assert calls.orders("all", "", 5).target == "/v1/orders?scope=all&limit=5"


def test_each_mutation_gets_a_key_of_its_own_unless_one_is_given() -> None:
    first, second = calls.cancel_order("C"), calls.cancel_order("C")
    assert first.body.request_id != second.body.request_id
    assert calls.cancel_order("C", "mine").body.request_id == "mine"


def test_problems_become_the_errors_they_were() -> None:
    def answer(code: str, title: str = "T", denial: str = "") -> bytes:
        return encode(Problem(type="x", title=title, status=1, detail="d", fix="f", code=code, denial=denial))

    denied = error_of(422, answer(code="denied", denial="COLLAR"))
    assert isinstance(denied, DeniedError)
    assert (denied.denial, denied.message, denied.fix) == ("COLLAR", "d", "f")
    missing = error_of(404, answer(code="not_found", title="Not found"))
    assert isinstance(missing, NotFoundError)
    assert missing.title == "Not found"
    assert isinstance(error_of(401, answer(code="unauthorized")), ForbiddenError)
    assert isinstance(error_of(429, answer(code="too_many_requests")), UnavailableError)
    assert isinstance(error_of(502, b"<html>"), UnavailableError)


def test_without_an_engine_both_files_and_socket_are_missed_in_words(home: Path) -> None:
    with pytest.raises(UnavailableError, match="trader token"):
        read_token(resolve_paths(home), "trader")
    with pytest.raises(ValueError, match="root"):
        read_token(resolve_paths(home), "root")
    (home / "state" / "tokens").mkdir(parents=True)
    (home / "state" / "tokens" / "trader").write_text("x" * 43)
    with pytest.raises(UnavailableError, match="does not answer"):
        BlockingClient(resolve_paths(home)).health()


def test_the_blocking_client_loads_no_heavy_module() -> None:
    code = "import sys, stockpulse_engine.client.blocking, stockpulse_engine.client.launch; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {
        "httpx",
        "websockets",
        "litestar",
        "uvicorn",
        "numpy",
        "polars",
        "structlog",
        "textual",
        "rich",
    }


def test_the_async_client_and_the_link_load_their_libraries_late() -> None:
    code = "import sys, stockpulse_engine.client.client, stockpulse_engine.client.stream; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in done.stdout.split()} & {"httpx", "websockets", "litestar"}

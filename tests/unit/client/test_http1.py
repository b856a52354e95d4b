"""The small HTTP client takes whole answers only, however they are cut on the way."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.base.paths import resolve_paths
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.client.http1 import BrokenAnswerError, UnixHttp
from stockpulse_engine.domain.errors import UnavailableError

GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: 4\r\n\r\nbody"


@contextmanager
def answering(path: Path, *answers: list[bytes]) -> Iterator[list[bytes]]:
    """A server that reads a request and writes the next answer in the given pieces; then it closes."""
    got: list[bytes] = []
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        for pieces in answers:
            peer, _ = listener.accept()
            got.append(peer.recv(65536))
            for piece in pieces:
                peer.sendall(piece)
            peer.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield got
    finally:
        thread.join()
        listener.close()


def test_a_request_says_host_length_and_what_it_was_given(tmp_path: Path) -> None:
    with answering(tmp_path / "s", [GOOD]) as got:
        http = UnixHttp(str(tmp_path / "s"), 5)
        assert http.exchange("/x?a=1", {"X-A": "1"}, b"{}") == (200, b"body")
        http.close()
    assert got == [b"POST /x?a=1 HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\nContent-Length: 2\r\n\r\n{}"]


@given(st.lists(st.integers(1, len(GOOD) - 1), max_size=6))
def test_an_answer_may_arrive_in_any_pieces(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(GOOD)]
    pieces = [GOOD[start:end] for start, end in itertools.pairwise(edges)]
    ours, theirs = socket.socketpair()
    http = UnixHttp("unused", 5)
    http.sock = ours
    for piece in pieces:
        theirs.sendall(piece)
    assert http.exchange("/", {}, None) == (200, b"body")
    http.close()
    theirs.close()


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\n", GOOD[:-1], GOOD + b"more", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nbody",
     b"HTTP/1.1 xx OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"x" * 100_000],
)  # fmt: skip
def test_what_is_not_a_whole_answer_is_refused(tmp_path: Path, answer: bytes) -> None:
    http = UnixHttp(str(tmp_path / "s"), 5)
    with answering(tmp_path / "s", [answer]), pytest.raises(BrokenAnswerError):
        http.exchange("/", {}, None)
    http.close()


def _client(home: Path) -> BlockingClient:
    paths = resolve_paths(home)
    paths.tokens.mkdir(parents=True)
    (paths.tokens / "trader").write_text("x" * 43)
    paths.socket.parent.mkdir(exist_ok=True)
    return BlockingClient(paths)


_CASES: list[tuple[str, Callable[[BlockingClient], object]]] = [
    ("read", lambda client: client.orders()),
    ("change", lambda client: client.cancel_order("C1")),
]


@pytest.mark.parametrize(("name", "act"), _CASES)
def test_after_an_idle_close_a_read_is_asked_again_and_a_change_never(
    home: Path, name: str, act: Callable[[BlockingClient], object]
) -> None:
    client = _client(home)
    empty = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
    answers = [[empty], [empty]] if name == "read" else [[empty]]
    with answering(resolve_paths(home).socket, *answers) as got:
        assert client.orders() == []
        if name == "read":
            assert act(client) == []
        else:
            with pytest.raises(UnavailableError):
                act(client)
    assert len(got) == len(answers)
    client.close()

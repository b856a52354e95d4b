"""Where things lie: XDG by default, everything elsewhere on request, sockets always short enough."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stockpulse_engine.base.paths import MAX_SOCKET_PATH, ensure_private, resolve_paths


def test_one_variable_moves_everything(home: Path) -> None:
    paths = resolve_paths()
    assert {part.parent for part in (paths.config, paths.data, paths.state, paths.runtime)} == {home}


def test_an_argument_beats_the_variable(tmp_path: Path) -> None:
    assert resolve_paths(tmp_path / "mine").config == tmp_path / "mine" / "config"


def test_without_either_the_xdg_directories_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STOCKPULSE_HOME")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/tmp/r")
    assert resolve_paths().config == tmp_path / "c" / "stockpulse"
    assert resolve_paths().socket == Path("/tmp/r/stockpulse/engine.sock")


def test_a_relative_xdg_directory_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STOCKPULSE_HOME")
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    assert resolve_paths().config == Path.home() / ".config" / "stockpulse"


def test_a_deep_home_still_has_sockets_of_a_usable_length(tmp_path: Path) -> None:
    paths = resolve_paths(tmp_path / ("d" * 90))
    for socket in (paths.socket, paths.venue_socket("replay:" + "x" * 40)):
        assert len(os.fsencode(socket)) <= MAX_SOCKET_PATH
    assert paths.state.is_relative_to(tmp_path)


def test_two_homes_never_share_a_short_runtime(tmp_path: Path) -> None:
    one, other = (resolve_paths(tmp_path / (letter * 90)) for letter in "ab")
    assert one.runtime != other.runtime


def test_each_world_has_its_own_directory_and_a_head_elsewhere(tmp_path: Path) -> None:
    paths = resolve_paths(tmp_path)
    assert paths.journal("sim") != paths.journal("replay:day")
    assert not paths.journal_head("sim").is_relative_to(paths.state)


def test_private_means_0700_whatever_was_there(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    assert ensure_private(tmp_path / "open").stat().st_mode & 0o777 == 0o700

"""Token files are private or the engine does not start."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from stockpulse_engine.api.auth import Role, load_tokens, rotate_token
from stockpulse_engine.domain.errors import ConfigError


def _token(directory: Path, role: Role) -> str:
    return (directory / role.file_name).read_text().strip()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.covers("R02")
def test_the_first_start_makes_one_private_token_per_role_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load_tokens(tmp_path / "tokens")
    finally:
        os.umask(before)
    assert _mode(tmp_path / "tokens") == 0o700
    assert {path.name: _mode(path) for path in (tmp_path / "tokens").iterdir()} == {
        "viewer": 0o600,
        "trader": 0o600,
        "admin": 0o600,
    }


def test_tokens_are_long_different_and_kept(tmp_path: Path) -> None:
    load_tokens(tmp_path)
    first = [_token(tmp_path, role) for role in Role]
    load_tokens(tmp_path)
    assert [_token(tmp_path, role) for role in Role] == first
    assert len(set(first)) == len(first)
    assert min(map(len, first)) >= 43


@pytest.mark.covers("R02")
def test_each_token_stands_for_its_role_and_nothing_else_does(tmp_path: Path) -> None:
    tokens = load_tokens(tmp_path)
    assert [tokens.role_of(_token(tmp_path, role)) for role in Role] == list(Role)
    good = _token(tmp_path, Role.ADMIN)
    for wrong in ("", good[:-1], good + "x", good.swapcase(), "é" * 43, "\udcff"):
        assert tokens.role_of(wrong) is None


@pytest.mark.covers("R02")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_token_others_may_read_stops_the_start_and_names_the_fix(tmp_path: Path, mode: int) -> None:
    load_tokens(tmp_path)
    (tmp_path / "trader").chmod(mode)
    with pytest.raises(ConfigError) as caught:
        load_tokens(tmp_path)
    assert "chmod 600" in caught.value.fix


def test_a_link_in_place_of_a_token_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("x" * 43)
    directory = tmp_path / "tokens"
    directory.mkdir(mode=0o700)
    (directory / "admin").symlink_to(elsewhere)
    with pytest.raises(ConfigError):
        load_tokens(directory)


def test_a_cut_token_is_refused_not_used(tmp_path: Path) -> None:
    load_tokens(tmp_path)
    (tmp_path / "viewer").write_text("short")
    with pytest.raises(ConfigError):
        load_tokens(tmp_path)


def test_rotation_ends_the_old_token_while_the_engine_runs(tmp_path: Path) -> None:
    tokens = load_tokens(tmp_path)
    old = _token(tmp_path, Role.TRADER)
    rotate_token(tmp_path, Role.TRADER)
    assert tokens.role_of(old) is None
    assert tokens.role_of(_token(tmp_path, Role.TRADER)) is Role.TRADER
    assert _mode(tmp_path / "trader") == 0o600


def test_tokens_that_become_readable_while_the_engine_runs_open_nothing(tmp_path: Path) -> None:
    tokens = load_tokens(tmp_path)
    good = _token(tmp_path, Role.ADMIN)
    (tmp_path / "admin").chmod(0o644)
    rotate_token(tmp_path, Role.VIEWER)
    assert tokens.role_of(good) is None

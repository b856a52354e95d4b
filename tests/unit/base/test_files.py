"""Files are private, and replaced whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from stockpulse_engine.base.files import atomic_write, fsync_dir, write_private


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_private_file_is_0600_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "token", b"secret")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "token") == 0o600
    assert (tmp_path / "token").read_bytes() == b"secret"


def test_a_private_file_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"theirs")
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "token", b"ours")
    assert (tmp_path / "token").read_bytes() == b"theirs"


def test_a_private_file_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "link", b"ours")
    assert not (tmp_path / "elsewhere").exists()


def test_atomic_write_replaces_and_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "head"
    atomic_write(target, b"one")
    atomic_write(target, b"two")
    assert target.read_bytes() == b"two"
    assert mode_of(target) == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_replacement_keeps_the_old_content(tmp_path: Path) -> None:
    target = tmp_path / "busy"
    target.mkdir()
    with pytest.raises(OSError, match="busy"):
        atomic_write(target, b"x")
    assert list(tmp_path.iterdir()) == [target]


def test_the_bytes_and_the_name_are_synced_before_the_return(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync

    def recording_fsync(descriptor: int) -> None:
        synced.append("directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", recording_fsync)
    atomic_write(tmp_path / "head", b"x")
    fsync_dir(tmp_path)
    assert synced[0] == "file"
    assert len(synced) == 3

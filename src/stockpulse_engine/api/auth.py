"""Who is asking: one token file per role, made at first start, compared in constant time (R02, R10)."""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import stat
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path

from stockpulse_engine.base.files import atomic_write, fsync_dir, write_private
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.domain.errors import ConfigError

TOKEN_BYTES = 32
"""256 bits of the system's randomness."""


class Role(IntEnum):
    """What a token may do; each role includes the ones below it."""

    VIEWER = 1
    TRADER = 2
    ADMIN = 3

    @property
    def file_name(self) -> str:
        """Name of the role's token file."""
        return self.name.lower()


class Tokens:
    """The tokens of this engine; a rotation counts from the next request on."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen = -1
        self._digests: list[tuple[Role, bytes]] = []
        self._load()

    def role_of(self, token: str) -> Role | None:
        """The role a token stands for; every candidate is compared, so that time tells nothing."""
        self._follow_rotation()
        given = _digest(token)
        found: Role | None = None
        for role, digest in self._digests:
            if hmac.compare_digest(digest, given):
                found = role
        return found

    def _follow_rotation(self) -> None:
        try:
            if self._directory.stat().st_mtime_ns != self._seen:
                self._load()
        except (OSError, ConfigError):
            self._digests = []  # what cannot be checked opens nothing
            self._seen = -1

    def _load(self) -> None:
        by_role = _read_or_make(self._directory)
        self._digests = [(role, _digest(token)) for role, token in by_role.items()]
        self._seen = self._directory.stat().st_mtime_ns


def _digest(token: str) -> bytes:
    # Equal lengths whatever is sent; the key is of no use to anybody, the digest never leaves this process.
    return hmac.digest(b"stockpulse-token", token.encode("utf-8", "surrogateescape"), "sha256")


def load_tokens(directory: Path) -> Tokens:
    """Read the token files, making the missing ones.

    Raises:
        ConfigError: the directory or a file could be read by others, belongs to somebody else, or is damaged.
    """
    return Tokens(directory)


def _read_or_make(directory: Path) -> dict[Role, str]:
    _require_own(ensure_private(directory))
    return {role: _read(directory / role.file_name) or _make(directory / role.file_name) for role in Role}


def rotate_token(directory: Path, role: Role) -> None:
    """Replace the role's token; heads that hold the old one are refused from then on."""
    _require_own(ensure_private(directory))
    atomic_write(directory / role.file_name, _fresh())


def _fresh() -> bytes:
    return secrets.token_urlsafe(TOKEN_BYTES).encode() + b"\n"


def _make(path: Path) -> str:
    with contextlib.suppress(FileExistsError):  # another start made it a moment ago: its token counts
        write_private(path, _fresh())
        fsync_dir(path.parent)
    return _read(path) or _damaged(path)


def _read(path: Path) -> str:
    """The token in `path`, or "" when there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError:
        return _damaged(path)
    try:
        _check(path, os.fstat(descriptor), stat.S_ISREG)
        text = os.read(descriptor, 1024).decode("ascii", "replace").strip()
    finally:
        os.close(descriptor)
    return text if len(text) >= TOKEN_BYTES else _damaged(path)


def _damaged(path: Path) -> str:
    raise ConfigError(
        f"The token file {path} is not a token.", fix=f"Remove it: rm -f '{path}'. The engine makes a new one."
    )


def _require_own(directory: Path) -> None:
    _check(directory, directory.lstat(), stat.S_ISDIR)


def _check(path: Path, status: os.stat_result, is_kind: Callable[[int], bool]) -> None:
    if not is_kind(status.st_mode):
        _damaged(path)
    if status.st_uid != os.geteuid():
        raise ConfigError(f"{path} belongs to another user.", fix="Remove it or choose another --home.")
    if status.st_mode & 0o077:
        mode = "700" if stat.S_ISDIR(status.st_mode) else "600"
        raise ConfigError(
            f"{path} can be read by other users.",
            fix=f"Others may have read it: rm '{path}' (the engine makes a new one), or chmod {mode} '{path}' if not.",
        )

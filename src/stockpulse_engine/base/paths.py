"""Where things lie on disk. Standard library only, so that no client pulls heavier modules for it."""

from __future__ import annotations

import os
import sys
import zlib
from pathlib import Path
from typing import NamedTuple

MAX_SOCKET_PATH = 100
"""Longest Unix socket path that every platform accepts."""
_SHORT = 24
"""Letters of a world's name in the path of its venue's socket."""


class Paths(NamedTuple):  # a dataclass would cost the first paint as much as everything else it loads
    """Directories of one home. `socket` is the engine's, `venue_socket(world)` the paper venue's."""

    config: Path
    data: Path
    state: Path
    runtime: Path

    @property
    def socket(self) -> Path:
        """The engine's Unix socket."""
        return self.runtime / "engine.sock"

    @property
    def tokens(self) -> Path:
        """Directory of the role token files (0700, files 0600)."""
        return self.state / "tokens"

    @property
    def config_file(self) -> Path:
        """The user's settings."""
        return self.config / "stockpulse.toml"

    @property
    def brokers_file(self) -> Path:
        """The connections to brokers, without any secret."""
        return self.config / "brokers.toml"

    @property
    def vault(self) -> Path:
        """The encrypted file of the brokers' credentials, where the system has no keyring."""
        return self.config / "secrets.vault"

    @property
    def logs(self) -> Path:
        """Directory of log files."""
        return self.state / "logs"

    @property
    def latch(self) -> Path:
        """The halt latch file."""
        return self.state / "halt" / "HALTED"

    @property
    def lock(self) -> Path:
        """Held by the one engine of this home."""
        return self.state / "engine.lock"

    @property
    def watchdog_lock(self) -> Path:
        """Held by the one watchdog of this home."""
        return self.state / "watchdog.lock"

    @property
    def heartbeat(self) -> Path:
        """The engine's sign of life."""
        return self.runtime / "heartbeat"

    @property
    def alarms(self) -> Path:
        """What the watchdog had to say."""
        return self.state / "alarms.jsonl"

    @property
    def drills(self) -> Path:
        """Directory of the reports that drills left."""
        return self.state / "drills"

    @property
    def last_start(self) -> Path:
        """The world the engine was last told to be in."""
        return self.state / "last-start.json"

    @property
    def last_frame(self) -> Path:
        """The last painted screen, shown greyed at the next start."""
        return self.state / "last-frame.ansi"

    @property
    def history(self) -> Path:
        """Directory of stored market history, shared by all worlds."""
        return self.data / "history"

    @property
    def recordings(self) -> Path:
        """Directory of recorded sessions, shared by all worlds."""
        return self.history / "recordings"

    @property
    def kernels(self) -> Path:
        """Compiled code of the indicator kernels; it can be removed at any time."""
        return self.state / "kernels"

    def world(self, world: str) -> Path:
        """Directory of one world: `sim`, `live`, or `replay-NAME`."""
        return self.state / "worlds" / world.replace(":", "-")

    def journal(self, world: str) -> Path:
        """The order journal of a world."""
        return self.world(world) / "journal.db"

    def journal_head(self, world: str) -> Path:
        """The journal's external head, in a second directory (a cut tail is found by it)."""
        return self.data / "heads" / f"{world.replace(':', '-')}.head"

    def curves(self, world: str) -> Path:
        """The equity curves of a world, kept between two runs."""
        return self.world(world) / "equity.msgpack"

    def venue(self, world: str) -> Path:
        """Directory of the paper venue's own store."""
        return self.world(world) / "venue"

    def venue_socket(self, world: str) -> Path:
        """The paper venue's Unix socket."""
        return self.runtime / f"venue-{_short(world.replace(':', '-'))}.sock"


def _short(name: str) -> str:
    """A name of at most 24 letters: a socket's path has few. Names that begin alike stay apart."""
    return name if len(name) <= _SHORT else f"{name[: _SHORT - 9]}-{zlib.crc32(name.encode()):08x}"


def resolve_paths(home: str | os.PathLike[str] | None = None) -> Paths:
    """Resolve the directories.

    `home` (from `--home`) or `STOCKPULSE_HOME` moves everything under one directory; otherwise the XDG
    variables, then their defaults, decide. The runtime directory is shortened when a socket path would be
    over 100 bytes.
    """
    chosen = home or os.environ.get("STOCKPULSE_HOME")
    if chosen:
        root = Path(chosen).expanduser().absolute()
        paths = Paths(root / "config", root / "data", root / "state", root / "run")
    else:
        paths = Paths(
            _xdg("XDG_CONFIG_HOME", ".config"),
            _xdg("XDG_DATA_HOME", ".local/share"),
            _xdg("XDG_STATE_HOME", ".local/state"),
            _runtime(),
        )
    if len(os.fsencode(paths.venue_socket("x" * 24))) > MAX_SOCKET_PATH:
        return Paths(paths.config, paths.data, paths.state, _short_runtime(paths.state))
    return paths


def account_locks() -> Path:
    """Directory of the locks of broker accounts: one for the user, whatever home an engine runs in."""
    return _xdg("XDG_STATE_HOME", ".local/state") / "broker-accounts"


def ensure_private(directory: Path) -> Path:
    """Create `directory` with mode 0700 whatever the umask, and return it."""
    directory.mkdir(parents=True, exist_ok=True)
    if directory.stat().st_mode & 0o077:
        directory.chmod(0o700)
    return directory


def _xdg(variable: str, default: str) -> Path:
    base = os.environ.get(variable)
    return (Path(base) if base and Path(base).is_absolute() else Path.home() / default) / "stockpulse"


def _runtime() -> Path:
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and Path(base).is_absolute():
        return Path(base) / "stockpulse"
    return _short_runtime(_xdg("XDG_STATE_HOME", ".local/state"))


def _short_runtime(state: Path) -> Path:
    import hashlib  # 10 ms, and tempfile as much: a head's first paint needs neither
    import tempfile

    digest = hashlib.sha256(os.fsencode(state)).hexdigest()[:12]
    base = "/tmp" if sys.platform != "win32" else tempfile.gettempdir()  # noqa: S108 - 0700 directory, owner checked
    return Path(base) / f"sp-{os.getuid()}-{digest}"

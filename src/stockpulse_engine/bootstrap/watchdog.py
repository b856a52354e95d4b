"""The engine's side of its watchdog: the beat of the loop, the process beside it, and what that one must know."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from stockpulse_engine.adapters.paper.launch import exit_code
from stockpulse_engine.base.alarmlog import read_alarms
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.base.heartbeat import Heartbeat
from stockpulse_engine.base.paths import Paths, ensure_private
from stockpulse_engine.bootstrap.charge import Charge, Ward
from stockpulse_engine.domain.accounts import Account, AccountKind
from stockpulse_engine.domain.brokers import BrokerConfig
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.trading.settings import WatchdogSettings

PART: Final = "watchdog"
BEAT_S: Final = 0.25
_LOOK_BEATS: Final = 4
MODULE: Final = "stockpulse_engine.watchdog"
LEVELS: Final = {"hang": "danger", "death": "danger", "failed": "danger", "acted": "warn"}
"""Kind of an alarm → how loud it is told; others are information."""
Outside = Callable[[], tuple[dict[str, BrokerConfig], dict[str, dict[str, str]]]]
"""Connections outside that are open, and what opens them, by name."""


class Watchdog:
    """Beats, keeps the process beside us alive, and tells it whenever its charge changes."""

    def __init__(
        self,
        paths: Paths,
        world: str,
        settings: WatchdogSettings,
        clock: Clock,
        *,
        accounts: Callable[[], Sequence[Account]],
        alert: Callable[[str, str], None],
        outside: Outside = lambda: ({}, {}),
    ) -> None:
        """`alert` takes a level and words that every head shows."""
        self._paths = paths
        self._world = world
        self._settings = settings
        self._clock = clock
        self._accounts = accounts
        self._alert = alert
        self._outside = outside
        self._seen_at = 0
        """When the file of alarms was changed last, as far as we have read it."""
        self._pid = 0
        self._line = -1
        self._told = b""

    @property
    def is_wanted(self) -> bool:
        """Whether the owner wants one."""
        return self._settings.enabled

    async def run(self) -> None:
        """Beat for ever. Raises UnavailableError when the process beside us ended: the supervisor starts it again."""
        ensure_private(self._paths.runtime)
        heartbeat = Heartbeat(self._paths.heartbeat)
        try:
            self._start()
            count = 0
            while True:
                heartbeat.beat(self._clock.monotonic_ns())
                if count % _LOOK_BEATS == 0:
                    self._look()
                    self._hear()
                count += 1
                await asyncio.sleep(BEAT_S)
        finally:
            self.dismiss()
            heartbeat.close()

    def dismiss(self) -> None:
        """The ordered stop: it need not watch any more."""
        if self._line >= 0:
            self._say(b"bye")
            os.close(self._line)
            self._line = -1

    def charge(self) -> Charge:
        """What it is to know now."""
        brokers, secrets = self._outside()
        return Charge(
            pid=os.getpid(),
            world=self._world,
            silent_s=self._settings.silent_s,
            command=self._settings.command,
            wards=tuple(self._ward(account) for account in self._accounts()),
            brokers=brokers,
            secrets=secrets,
        )

    def _ward(self, account: Account) -> Ward:
        policy = self._settings.policy(is_live=account.kind is AccountKind.LIVE)
        return Ward(account_id=account.account_id, broker=account.broker, policy=policy)

    def _start(self) -> None:
        reader, self._line = os.pipe()
        os.set_blocking(self._line, False)
        log = ensure_private(self._paths.logs) / "watchdog.out"
        try:
            self._pid = _spawn([sys.executable, "-P", "-m", MODULE], reader, str(log))
        finally:
            os.close(reader)
        self._told = b""

    def _look(self) -> None:
        if self._line < 0:  # dismissed: its end is as it should be
            return
        code = exit_code(self._pid)
        if code is not None:
            raise UnavailableError(f"The watchdog ended with code {code}.", fix="It is being started again.")
        told = msgspec.json.encode(self.charge())
        if told != self._told and self._say(told):
            self._told = told

    def _hear(self) -> None:
        """Pass on what it said while we hung or were dead: once, also over restarts."""
        file, mark = self._paths.alarms, self._paths.alarms.with_suffix(".heard")
        try:
            changed_at = file.stat().st_mtime_ns
        except OSError:
            return
        if changed_at == self._seen_at:
            return
        self._seen_at = changed_at
        for alarm in read_alarms(file, since=_number_in(mark)):
            self._alert(LEVELS.get(alarm.kind, "info"), f"Watchdog: {alarm.text}")
            atomic_write(mark, str(alarm.at).encode())

    def _say(self, words: bytes) -> bool:
        """Write a line; False when it did not go through as a whole, so that it is said again."""
        try:
            return os.write(self._line, words + b"\n") == len(words) + 1
        except OSError:  # it is full, or nobody listens: the next look finds out
            return False


def _number_in(file: Path) -> int:
    try:
        return int(file.read_bytes()[:32])
    except (OSError, ValueError):
        return 0


def _spawn(command: Sequence[str], stdin: int, log: str) -> int:
    """Start a process in a session of its own, with our pipe as its standard input."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    files = (
        (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_OPEN, 1, log, flags, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    )
    return os.posix_spawn(command[0], list(command), os.environ, file_actions=files, setsid=True)

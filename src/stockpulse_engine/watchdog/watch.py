"""Watching one engine from its first word to its end, and what follows when there was no last one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from stockpulse_engine.base.alarmlog import Alarm, write_alarm
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.command import run_command
from stockpulse_engine.base.heartbeat import read_beat
from stockpulse_engine.base.lock import lock_holder
from stockpulse_engine.base.logs import configure_logs, get_logger
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.bootstrap.cancelling import set_latch
from stockpulse_engine.bootstrap.charge import Charge
from stockpulse_engine.trading.settings import LossPolicy
from stockpulse_engine.watchdog.act import Opener, protect
from stockpulse_engine.watchdog.judge import Judge, Sight, Verdict
from stockpulse_engine.watchdog.line import Line

LOOK_S: Final = 0.5
_AGAIN_NS: Final = 5_000_000_000
"""Between two attempts to cancel what could not be canceled."""
_ATTEMPTS: Final = 500
_log = get_logger("watchdog")


class Watch:
    """Looks twice a second until its engine stops in order, another takes its place, or nothing is left to do."""

    def __init__(self, paths: Paths, line: Line, clock: Clock, opener: Callable[[Charge], Opener]) -> None:
        self._paths = paths
        self._line = line
        self._clock = clock
        self._opener = opener
        self._judge: Judge | None = None
        self._attempts = 0
        """How often cancels are still to be tried, 0 when nothing is to be done."""
        self._due = 0
        self._has_log = False

    def run(self) -> None:
        """Watch; returns when there is nothing to watch any more."""
        while self._go_on():
            self._line.listen(LOOK_S)

    def _go_on(self) -> bool:
        if self._line.has_said_bye or not self._paths.state.is_dir():  # a home that was removed needs no watch
            return False
        charge = self._line.charge
        if charge is None:
            return self._line.is_open
        now = self._clock.monotonic_ns()
        if self._judge is None:
            self._judge = Judge(charge.pid, charge.silent_s, now)
        verdict = self._judge.look(self._sight(now))
        if verdict is Verdict.REPLACED:
            return False
        if verdict is Verdict.BACK:
            self._attempts = 0
            self._tell(charge, "back", "The engine answers again.")
        elif verdict is not Verdict.WELL:
            self._raise_alarm(charge, verdict)
        if self._attempts and now >= self._due:
            self._act(charge)
        return self._attempts > 0 or verdict is not Verdict.DEAD

    def _sight(self, now: int) -> Sight:
        holder = lock_holder(self._paths.lock)
        return Sight(
            now=now,
            beat=read_beat(self._paths.heartbeat),
            is_line_open=self._line.is_open,
            holder=holder.pid if holder is not None else 0,
        )

    def _raise_alarm(self, charge: Charge, verdict: Verdict) -> None:
        """Halt first where orders are to go: an engine that wakes up must not send between our looks."""
        acts = any(ward.policy is not LossPolicy.ALARM for ward in charge.wards)
        what = "does not answer" if verdict is Verdict.HANGS else "is gone without a word"
        halted = self._halt(f"the engine {what}") if acts else False
        done = " Trading is HALTED and its orders are being canceled." if halted else " Its orders stay as they are."
        kind = "hang" if verdict is Verdict.HANGS else "death"
        self._tell(charge, kind, f"The engine (process {charge.pid}) {what} since {charge.silent_s:g} s.{done}")
        if acts:
            self._attempts, self._due = _ATTEMPTS, 0

    def _halt(self, reason: str) -> bool:
        try:
            set_latch(self._paths, reason)
        except OSError as error:
            _log.exception("latch_failed", error)
            return False
        return True

    def _act(self, charge: Charge) -> None:
        outcome = asyncio.run(protect(charge.wards, self._opener(charge)))
        self._attempts -= 1
        if not outcome.failed:
            self._attempts = 0
            each = (f"{name}: {one.canceled} canceled, {one.kept} kept" for name, one in outcome.done.items())
            self._tell(charge, "acted", f"Orders at the broker: {'; '.join(each)}.")
        else:
            if self._attempts in (_ATTEMPTS - 1, 0):
                words = "; ".join(f"{name}: {why}" for name, why in outcome.failed.items())
                self._tell(charge, "failed", f"Orders could not be canceled: {words}.")
            self._due = self._clock.monotonic_ns() + _AGAIN_NS

    def _tell(self, charge: Charge, kind: str, text: str) -> None:
        if not self._has_log:  # a quiet life needs none, and its start is quicker without
            configure_logs(self._paths, name="watchdog")
            self._has_log = True
        alarm = Alarm(at=self._clock.now_ns(), kind=kind, text=text, engine=charge.pid)
        _log.warning("alarm", kind=kind, text=text)
        with suppress(OSError):  # a full disk must not keep the next step from being done
            write_alarm(self._paths.alarms, alarm)
        if problem := run_command(charge.command, text):
            _log.warning("command_failed", problem=problem)

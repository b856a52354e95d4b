"""Batch jobs as a head shows them: what each did, what it does now, and when it is due again."""

from __future__ import annotations

import msgspec


class JobRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run; `state` is RUNNING, DONE, FAILED, CANCELED or DIED. Times are wall time; `ended_ns` 0 while it works."""

    key: str
    state: str
    started_ns: int
    ended_ns: int = 0
    wrote: int = 0
    detail: str = ""
    fix: str = ""
    tries: int = 1

    @property
    def took_ns(self) -> int:
        """How long it worked; 0 while it does."""
        return max(0, self.ended_ns - self.started_ns) if self.ended_ns else 0


class JobSpan(msgspec.Struct, frozen=True, array_like=True):
    """A stretch of today: a run, or runs of the same result one behind the other."""

    start_ns: int
    end_ns: int
    state: str


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """One job. `state` is running, retry, late, canceled or waits."""

    name: str
    about: str
    unit: str
    """What `wrote` of its runs counts."""
    when: str
    state: str
    next_key: str
    next_ns: int
    missed: int = 0
    retry_ns: int = 0
    """When it is tried again by itself; 0 when it is not."""
    done: int = 0
    total: int = 0
    doing: str = ""
    last: JobRun | None = None
    """The newest run that ended."""
    usual_ns: int = 0
    """Middle of how long its last good runs took; 0 before there is one."""
    results: tuple[str, ...] = ()
    """States of its last runs, oldest first."""
    today: tuple[JobSpan, ...] = ()
    due_today: tuple[int, ...] = ()
    """When it is still due today; empty for what is due every few minutes."""
    missed_today: tuple[int, ...] = ()
    """When it was due today and nobody tried."""


class JobsView(msgspec.Struct, frozen=True, kw_only=True):
    """All jobs at one moment of wall time, and the day they are shown on."""

    now_ns: int
    zone: str
    day_start_ns: int
    day_end_ns: int
    open_ns: int = 0
    """Of today's session; 0 where there is none."""
    close_ns: int = 0
    is_timed: bool = False
    """Whether something started runs in the last minutes: a crontab, a timer."""
    jobs: tuple[JobView, ...] = ()


class JobLog(msgspec.Struct, frozen=True, kw_only=True):
    """The last lines a job wrote, oldest first: `time run-key words`."""

    job: str
    lines: tuple[str, ...]


class JobStarted(msgspec.Struct, frozen=True, kw_only=True):
    """A job was started, or asked to stop, in a process of its own."""

    job: str
    pid: int

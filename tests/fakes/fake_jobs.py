"""Jobs of a Friday morning: one runs, one failed and waits, one was missed. Started and stopped ones are remembered."""

from __future__ import annotations

from stockpulse_engine.domain.errors import ConflictError, NotFoundError
from stockpulse_engine.domain.jobs import JobLog, JobRun, JobSpan, JobStarted, JobsView, JobView

NOW = 1_795_188_727_412_000_000
"""Friday 20 November 2026, 10:32:07 in New York."""
MIDNIGHT = 1_795_150_800_000_000_000
SECOND, MINUTE, HOUR = 1_000_000_000, 60_000_000_000, 3_600_000_000_000
OPEN, CLOSE = MIDNIGHT + 9 * HOUR + 30 * MINUTE, MIDNIGHT + 16 * HOUR
GOOD = ("DONE",) * 14


def at(hour: int, minute: int = 0, second: int = 0) -> int:
    """A moment of that day in New York."""
    return MIDNIGHT + hour * HOUR + minute * MINUTE + second * SECOND


def ran(state: str, began: int, took_s: float, **rest: object) -> JobRun:
    """A run that ended."""
    ended = began + int(took_s * SECOND)
    return JobRun(key="2026-11-20T15:00Z", state=state, started_ns=began, ended_ns=ended, **rest)  # type: ignore[arg-type] # fields of a run


def views() -> tuple[JobView, ...]:
    """All of them."""
    yesterday = at(16, 30) - 24 * HOUR
    hours = tuple(JobSpan(at(hour), at(hour, 1), "DONE") for hour in range(10) if hour != 4)
    return (
        JobView(
            name="eod", about="after the close: take in, roll up, verify, back up, report", unit="rows",
            when="30 min after the close", state="waits", next_key="2026-11-20", next_ns=at(16, 30),
            last=ran("DONE", yesterday, 72, wrote=1_204_118, detail="1,204,118 rows taken in and rolled up"),
            usual_ns=65 * SECOND, results=GOOD, due_today=(at(16, 30),),
        ),
        JobView(
            name="backfill", about="what the calendar misses in stored bars", unit="rows",
            when="90 min after the close", state="retry", next_key="2026-11-20", next_ns=at(17, 30), missed=1,
            retry_ns=at(10, 40), usual_ns=130 * SECOND, results=(*GOOD[:10], "FAILED", "FAILED", "DONE", "FAILED"),
            last=ran(
                "FAILED", at(6), 31, tries=2, detail="Yahoo asks us to be quiet for a while.",
                fix="It is tried again; `sp jobs log backfill` lists the gaps.",
            ),
            today=(JobSpan(at(6), at(6, 1), "FAILED"),), due_today=(at(17, 30),),
        ),
        JobView(
            name="backup", about="a full copy of this home, read again and checked", unit="bytes", when="hourly",
            state="running", next_key="2026-11-20T16:00Z", next_ns=at(11), done=64, total=100, doing="history",
            last=ran("DONE", at(9), 122, wrote=8_123_456_789, detail="stockpulse-1795183200.tar.gz, verified"),
            usual_ns=120 * SECOND, results=GOOD, today=(*hours, JobSpan(at(10, 30), NOW, "RUNNING")),
            due_today=tuple(at(hour) for hour in range(11, 24)), missed_today=(at(4),),
        ),
        JobView(
            name="tail", about="what changed since the last full copy, beside it", unit="bytes", when="every minute",
            state="waits", next_key="2026-11-20T15:33Z", next_ns=at(10, 33), usual_ns=SECOND // 3, results=GOOD,
            last=ran("DONE", at(10, 32), 0.4, wrote=48_112, detail="stockpulse-1795183200.tar.gz: 48,112 bytes"),
            today=(JobSpan(at(0), at(3, 20), "DONE"), JobSpan(at(3, 50), NOW, "DONE")),
        ),
        JobView(
            name="prune", about="old ticks and files nobody needs go", unit="segments",
            when="120 min after the close", state="late", next_key="2026-11-20", next_ns=at(18), missed=1,
            last=ran("DONE", yesterday - 24 * HOUR, 4.2, wrote=0, detail="0 segments of old ticks dropped"),
            usual_ns=4 * SECOND, results=(*GOOD[:13], "DIED"), due_today=(at(18),),
        ),
        JobView(
            name="report", about="the session on a page of Markdown", unit="bytes", when="45 min after the close",
            state="waits", next_key="2026-11-20", next_ns=at(16, 45), due_today=(at(16, 45),),
        ),
    )  # fmt: skip


LOG = (
    "2026-11-20T11:00:00.012000Z 2026-11-19 begins",
    "2026-11-20T11:00:04.880000Z 2026-11-19 inbox vendor.csv: 118 rows added, 0 refused",
    "2026-11-20T11:00:31.207000Z 2026-11-19 stays: AAPL.XNAS 1d from yahoo: 2 bars in 1 gaps from 2026-11-18T14:30: yahoo: could not be asked",
    "2026-11-20T11:00:31.209000Z 2026-11-19 failed: Yahoo asks us to be quiet for a while.",
)


class FakeJobs:
    """Satisfies `api.jobs.JobsPort`."""

    def __init__(self, effects: list[str] | None = None) -> None:
        self.effects = effects if effects is not None else []
        self.jobs = views()
        self.is_timed = True
        self.lines: dict[str, tuple[str, ...]] = {"backfill": LOG}

    async def view(self) -> JobsView:
        """A view of the morning."""
        return JobsView(
            now_ns=NOW, zone="America/New_York", day_start_ns=MIDNIGHT, day_end_ns=MIDNIGHT + 24 * HOUR, open_ns=OPEN,
            close_ns=CLOSE, is_timed=self.is_timed, jobs=self.jobs,
        )  # fmt: skip

    async def log(self, job: str, limit: int) -> JobLog:
        """What was written."""
        self._known(job)
        return JobLog(job=job, lines=self.lines.get(job, ())[-limit:])

    async def run(self, job: str, *, is_again: bool) -> JobStarted:
        """Remembers it."""
        known = self._known(job)
        if not known.missed and not is_again and known.last is not None and self.is_timed and job == "eod":
            raise ConflictError(f"Nothing is due of {job}.", fix="Ask for it again to do its newest run once more.")
        self.effects.append(f"job run {job}{' again' if is_again else ''}")
        return JobStarted(job=job, pid=4411)

    async def stop(self, job: str) -> JobStarted:
        """Remembers it."""
        self._known(job)
        self.effects.append(f"job stop {job}")
        return JobStarted(job=job, pid=4411)

    def _known(self, job: str) -> JobView:
        found = next((one for one in self.jobs if one.name == job), None)
        if found is None:
            raise NotFoundError(f"There is no job {job!r}.", fix="The jobs are eod, backfill …")
        return found

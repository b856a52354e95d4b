"""What the API needs to show batch jobs and to start them."""

from __future__ import annotations

from typing import Protocol

from stockpulse_engine.domain.jobs import JobLog, JobStarted, JobsView


class JobsPort(Protocol):
    """Batch jobs. They work in processes of their own; unknown names raise NotFoundError."""

    async def view(self) -> JobsView:
        """All jobs, and the day they are on."""
        ...

    async def log(self, job: str, limit: int) -> JobLog:
        """The last lines a job wrote."""
        ...

    async def run(self, job: str, *, is_again: bool) -> JobStarted:
        """Start what is due of a job, or its newest run again; ConflictError when it runs, or nothing is due."""
        ...

    async def stop(self, job: str) -> JobStarted:
        """Ask a running job to stop at its next safe place; ConflictError when it does not run."""
        ...

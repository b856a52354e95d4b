"""Actions of the jobs screen."""

from __future__ import annotations

from stockpulse_engine.actions.registry_types import Action, Context, Role, Scope

_J = Context.JOBS

JOBS = (
    Action(
        id="job.run",
        title="run now",
        help="Run a job now: what is due of it, or after a question its newest run once more.",
        group="Jobs",
        codes=("RUNJOB",),
        syntax="RUNJOB job",
        keys={_J: ("r",)},
        cli="jobs run eod",
        role=Role.ADMIN,
        scope=Scope.ENGINE,
    ),
    Action(
        id="job.catch_up",
        title="catch up",
        help="Make up for the missed runs of a job, oldest first.",
        group="Jobs",
        codes=("CATCHUP",),
        syntax="CATCHUP job",
        keys={_J: ("c",)},
        cli="jobs run --due",
        role=Role.ADMIN,
        scope=Scope.ENGINE,
    ),
    Action(
        id="job.stop",
        title="stop",
        help="Ask a running job to stop at its next safe place; asks first.",
        group="Jobs",
        codes=("STOPJOB",),
        syntax="STOPJOB job",
        keys={_J: ("K",)},
        role=Role.ADMIN,
        scope=Scope.ENGINE,
    ),
    Action(
        id="job.log",
        title="log",
        help="Read the log of a job on the whole screen, or go back to the jobs.",
        group="Jobs",
        codes=("JOBLOG",),
        syntax="JOBLOG job",
        keys={_J: ("L",)},
        cli="jobs log eod",
    ),
    Action(
        id="job.timer",
        title="timer",
        help="Say how cron or systemd starts what is due.",
        group="Jobs",
        codes=("TIMER",),
        syntax="TIMER",
        keys={_J: ("i",)},
        cli="jobs install",
    ),
)

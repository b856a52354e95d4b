"""Commands on batch jobs: list, run, status, log, install. They work with the engine up or down."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from stockpulse_engine.cli.link import paths
from stockpulse_engine.cli.options import JsonFlag, YesFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_prose, emit_table, is_terminal, say
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.domain.errors import ConflictError, InvalidValueError, StockPulseError

if TYPE_CHECKING:
    from stockpulse_engine.jobs.runner import JobContext, JobRunner
    from stockpulse_engine.jobs.runs import Run

jobs_app = typer.Typer(help="Batch jobs: end of day, backups, reports; by hand, or by cron.", no_args_is_help=True)
SECOND = 1_000_000_000
_SHORT = 16


def list_jobs(as_json: JsonFlag = False) -> None:
    """Every job: when it is due, what is missed, how it went last.

    Example: sp jobs list
    """
    from stockpulse_engine.base.clock import WallClock

    runner = _runner()
    now = WallClock().now_ns()
    rows = []
    for job in runner.jobs:
        last = runner.runs(job.name, limit=1)
        due = job.schedule.next(now)
        missed = len(runner.missed(job))
        rows.append((job, due, missed, last[0] if last else None))
    if as_json:
        emit_json(
            [
                {
                    "job": job.name,
                    "about": job.about,
                    "when": job.schedule.words(),
                    "next_key": due.key,
                    "next_ns": due.at_ns,
                    "missed": missed,
                    "last": last,
                }
                for job, due, missed, last in rows
            ]
        )
        return
    emit_table(
        ("job", "when", "next (utc)", "missed", "last", "took", "what it does"),
        [
            [
                job.name,
                job.schedule.words(),
                _time(due.at_ns),
                str(missed) if missed else "·",
                f"{last.state} {last.key}" if last else "never",
                _took(last),
                job.about,
            ]
            for job, due, missed, last in rows
        ],
        left=(0, 1, 2, 4, 6),
    )


def run(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="eod, backfill, backup, tail, prune, report.")] = "",
    due: Annotated[bool, typer.Option("--due", help="Everything that is due; for cron.")] = False,
    key: Annotated[str, typer.Option("--key", help="One run by its key: a session's date, or a time.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Do a run once more that is done.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Do what is due of a job; missed runs first, each run once however many try. Exit code 1 when one failed.

    Example: sp jobs run eod
    Example: sp jobs run report --key 2026-11-19 --again
    Example: sp jobs run --due
    """
    if bool(name) == due:
        raise InvalidValueError("Name one job, or say --due.", fix="sp jobs run eod, or sp jobs run --due.")
    runner = _runner(on_progress=_progress(), on_start=_cancel_on_signals)
    done: list[Run] = []
    if due:
        for job in runner.jobs:
            done += _unless_running(job.name, lambda job=job: runner.run_missed(job.name, is_patient=True))  # type: ignore[misc]  # bound now
    elif key:
        done += _one(runner, name, key, again=again)
    else:
        done += runner.run_missed(name)
    if as_json:
        emit_json(done)
    elif not done:
        say("Nothing is due.")
    else:
        emit_table(("job", "key", "state", "took", "what"), [_row(one) for one in done], left=(0, 1, 2, 4))
    failed = [one for one in done if one.exit_code]
    if failed:
        raise StockPulseError(f"{failed[0].job} {failed[0].key}: {failed[0].detail}", fix=failed[0].fix)


def status(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One job; all when left out.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=2000, help="How many.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """The last runs, newest first: state, how long, what it wrote, and the cure of what failed.

    Example: sp jobs status eod
    """
    runner = _runner()
    if name:
        runner.job(name)
    found = runner.runs(name, limit=limit)
    if as_json:
        emit_json(found)
    elif not found:
        emit("No job has run yet; `sp jobs install` lets cron start them.")
    else:
        rows = [[_time(one.started_ns), *_row(one), one.fix or "·"] for one in found]
        emit_table(("started (utc)", "job", "key", "state", "took", "what", "fix"), rows, left=(0, 1, 2, 3, 5, 6))


def log(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The job.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many lines.")] = 40,
) -> None:
    """The last lines a job wrote.

    Example: sp jobs log eod
    """
    runner = _runner()
    runner.job(name)
    file = runner.log_file(name)
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()[-limit:] if file.exists() else []
    emit_prose("\n".join(lines) or f"{name} has written nothing yet.")


def install(
    systemd: Annotated[bool, typer.Option("--systemd", help="A user's timer instead of a crontab.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take our lines out again.")] = False,
    yes: YesFlag = False,
) -> None:
    """Let cron (or systemd) run what is due, looking every minute. Shows what it will write, then asks.

    Example: sp jobs install
    Example: sp jobs install --systemd
    """
    from stockpulse_engine.jobs.install import cron_block, systemd_units, with_block

    command, home = _command(), os.environ.get("STOCKPULSE_HOME", "")
    if systemd:
        units = systemd_units(command, home)
        for file, text in units.items():
            emit_prose(f"# {file}\n{text}")
        _ask(yes)
        _write_units(units, is_removed=remove)
        return
    before = _crontab()
    after = with_block(before, "" if remove else cron_block(command, home))
    emit_prose(after if after.strip() else "# the crontab will be empty")
    if after == before:
        say("The crontab holds that already.")
        return
    _ask(yes)
    _write_crontab(after)
    say("Written." if not remove else "Taken out.")


def _runner(
    on_progress: Callable[[int, int, str], None] = lambda *_: None,
    on_start: Callable[[JobContext], None] = lambda _: None,
) -> JobRunner:
    from stockpulse_engine.bootstrap.jobs import job_runner

    return job_runner(paths(), on_progress=on_progress, on_start=on_start)


def _one(runner: JobRunner, name: str, key: str, *, again: bool) -> list[Run]:
    from stockpulse_engine.jobs.runs import AlreadyDoneError

    try:
        return [runner.run_key(name, key, again=again)]
    except AlreadyDoneError as error:
        raise ConflictError(str(error), fix="Pass --again to do it once more.") from None


def _unless_running(name: str, work: Callable[[], tuple[Run, ...]]) -> tuple[Run, ...]:
    """Cron comes every few minutes: a job that another process works on is no failure."""
    try:
        return work()
    except ConflictError as error:
        say(f"{name}: {error.message}")
        return ()


def _progress() -> Callable[[int, int, str], None]:
    if not sys.stderr.isatty():
        return lambda *_: None
    return lambda done, total, what: say(f"  {done}/{total} {what}") if what else None


def _cancel_on_signals(context: JobContext) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        say("stopping at the next safe place …")
        context.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def _row(one: Run) -> list[str]:
    return [one.job, one.key, one.state, _took(one), one.detail]


def _took(one: Run | None) -> str:
    return f"{one.took_ns / SECOND:.1f} s" if one is not None and one.ended_ns else "·"


def _time(ns: int) -> str:
    from stockpulse_engine.render.format import iso_utc

    return iso_utc(ns)[:_SHORT].replace("T", " ")


def _ask(yes: bool) -> None:
    if yes:
        return
    if not (is_terminal() and sys.stdin.isatty()):
        raise InvalidValueError("There is no terminal to ask.", fix="Pass --yes to write it.")
    typer.confirm("Write this?", abort=True, err=True)


def _command() -> str:
    """The `sp` that runs now, so that cron finds it without a PATH."""
    return str(Path(sys.executable).with_name("sp"))


def _crontab() -> str:
    try:
        done = subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise InvalidValueError(
            "There is no crontab here.", fix="sp jobs install --systemd, or install cron."
        ) from None
    return done.stdout if done.returncode == 0 else ""


def _write_crontab(text: str) -> None:
    done = subprocess.run(["crontab", "-"], input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InvalidValueError(f"crontab refused it: {done.stderr.strip()[:200]}", fix="`crontab -e` shows why.")


def _write_units(units: dict[str, str], *, is_removed: bool) -> None:
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    directory = base / "systemd" / "user"
    for name, text in units.items():
        if is_removed:
            (directory / name).unlink(missing_ok=True)
        else:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(text, encoding="utf-8")
    step = "disable" if is_removed else "enable"
    say(f"{'Removed from' if is_removed else 'Written to'} {directory}. Now: systemctl --user daemon-reload")
    say(f"and: systemctl --user {step} --now stockpulse-jobs.timer")


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    add_command(jobs_app, list_jobs, name="list")
    for command in (run, status, log, install):
        add_command(jobs_app, command)
    app.add_typer(jobs_app, name="jobs")

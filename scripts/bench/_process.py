"""One bench as a process of its own: bounded in time, with nothing of it left running, its JSON lines read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
GRACE_S = 20.0
"""How long a bench that was interrupted may take to end what it started."""


@dataclass(frozen=True)
class Outcome:
    """What a script printed, and why it failed, "" when it did not."""

    rows: tuple[Row, ...]
    problem: str = ""


def run_bench(python: str, script: Path, arguments: Sequence[str], *, root: Path, limit_s: float) -> Outcome:
    """Run a script with an interpreter for at most `limit_s`."""
    if not script.is_file():
        return Outcome((), f"{script.name} is not there")
    command = [python, str(script), *arguments]
    try:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=script.parent,
            env=environment(root),
            start_new_session=True,
        )
    except OSError as error:
        return Outcome((), f"{python} can not be started: {error.strerror}")
    try:
        output, errors = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        return Outcome(_rows(_end(process)), f"took over {limit_s:g} s and was ended")
    finally:
        _signal(process, signal.SIGKILL)  # children that outlived it
    rows = _rows(output)
    return Outcome(rows, "" if process.returncode == 0 and rows else _last_words(errors, process.returncode))


def environment(root: Path) -> dict[str, str]:
    """Ours, with the tree to import from, and compiled files as any user has them: they are part of every start."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(root)}


def _end(process: subprocess.Popen[str]) -> str:
    """Interrupt, so that it ends its own engines and venues, then kill; gives what it had printed."""
    _signal(process, signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        return process.communicate(timeout=GRACE_S)[0]
    _signal(process, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        return process.communicate(timeout=1.0)[0]
    return ""


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """To the whole session that the script leads."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _rows(output: str) -> tuple[Row, ...]:
    found: list[Row] = []
    for line in output.splitlines():
        if line.startswith("{"):
            with suppress(json.JSONDecodeError):
                found.append(json.loads(line))
    return tuple(found)


def _last_words(errors: str, code: int) -> str:
    lines = errors.strip().splitlines()
    return lines[-1] if lines else f"ended with {code} and no figure"

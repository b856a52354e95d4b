"""Running the owner's own command: without a shell, with a bound on its time."""

from __future__ import annotations

import shlex
import subprocess
from typing import Final

LIMIT_S: Final = 10.0


def run_command(command: str, text: str, limit_s: float = LIMIT_S) -> str:
    """Run `command` with `text` as its last argument; returns what went wrong in words, "" when nothing did."""
    if not command:
        return ""
    try:
        words = shlex.split(command)
        done = subprocess.run(
            [*words, text],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {limit_s:g} s"
    except (OSError, ValueError) as error:
        return str(error)
    return "" if done.returncode == 0 else f"it ended with code {done.returncode}"

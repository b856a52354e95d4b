"""`sp quote` and `sp halt` as whole processes, from fork to exit, against a running engine. JSON lines.

Usage: PYTHONPATH=. python scripts/bench/bench_commands.py [--runs 60]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from pathlib import Path

from scripts.bench._home import percentile, running_engine
from scripts.bench._pty import sp_command
from stockpulse_engine.client.blocking import BlockingClient

Taken = tuple[float, float]
"""Wall and CPU milliseconds of one process."""


def timed(command: list[str]) -> Taken:
    """One whole process, from before its start until it has been reaped."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "NO_COLOR": "1"})
    _, status, usage = os.wait4(child.pid, 0)
    taken = (time.perf_counter() - start) * 1000
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{command} ended with {child.returncode}")
    return taken, (usage.ru_utime + usage.ru_stime) * 1000


def row(name: str, taken: list[Taken]) -> str:
    """One line."""
    walls, cpus = [wall for wall, _ in taken], [cpu for _, cpu in taken]
    figures = {f"p{share}_ms": round(percentile(walls, share / 100), 1) for share in (50, 90, 99)}
    cpu = {"cpu_p50_ms": round(percentile(cpus, 0.5), 1)}
    return json.dumps({"bench": name, "runs": len(taken), **figures, **cpu})


def main() -> int:
    """Print one line per command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=60)
    runs = parser.parse_args().runs
    with running_engine() as (home, paths):
        bare = [str(Path(sp_command(home)[0]).parent / "python"), "-c", "pass"]
        print(row("python_alone", [timed(bare) for _ in range(10)]), flush=True)
        quote = sp_command(home, "quote", "AAPL")
        timed(quote)
        print(row("sp_quote", [timed(quote) for _ in range(runs)]), flush=True)
        halts = []
        for _ in range(runs):
            halts.append(timed(sp_command(home, "halt")))
            with BlockingClient(paths, role="trader") as client:
                client.set_halt("resume", word="RESUME")
        print(row("sp_halt", halts), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

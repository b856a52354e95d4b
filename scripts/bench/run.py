"""Every bench, and one table at the end: figure, measured, goal, ratio to the peer measured in the same run.

Usage: PYTHONPATH=. python scripts/bench/run.py [--only NAME …] [--json FILE] [--peers DIR]

Peers are scripts outside the repository: `--peers`, STOCKPULSE_PEERS or ../shared/bench/peers; a peer that cannot run
here is named with the reason. A goal is met by wall time on a quiet machine; where the machine was not quiet the load
is in the last line, and figures of CPU time say more than those of wall time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.bench._figures import FIGURES, Figure

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LIMIT_S = 300
SHARED_PEERS = ROOT.parent / "shared" / "bench" / "peers"
Row = Mapping[str, Any]


def main() -> int:
    """Run, then print the table; the exit code is 1 when a bench could not run (a missed goal is no error)."""
    options = _parse()
    wanted = [figure for figure in FIGURES if not options.only or any(word in figure.script for word in options.only)]
    rows: dict[str, Row] = {}
    broken: dict[str, str] = {}
    for script in dict.fromkeys(figure.script for figure in wanted):
        sys.stderr.write(f"… {script}\n")
        found, problem = run_script(HERE / script, ())
        rows.update({str(row.get("bench")): row for row in found if row.get("what", "ours") == "ours"})
        if problem:
            broken[script] = problem
    peers = find_peers(options.peers)
    lines = [line_of(figure, rows, broken, peers) for figure in wanted]
    print(table(lines))
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; peers: {peers or 'not here, so no ratios'}")
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1))
    return 1 if broken else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="scripts whose name has this in it")
    parser.add_argument("--json", default="", metavar="FILE", help="keep the raw lines here")
    parser.add_argument("--peers", default="", metavar="DIR", help="where the peers' scripts are")
    return parser.parse_args()


def find_peers(chosen: str) -> Path | None:
    """The directory of the peers' scripts, None when there is none."""
    for place in (chosen, os.environ.get("STOCKPULSE_PEERS", ""), str(SHARED_PEERS)):
        if place and Path(place).is_dir():
            return Path(place)
    return None


def run_script(script: Path, arguments: Sequence[str]) -> tuple[list[Row], str]:
    """Its JSON lines, and why it failed, "" when it did not."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT_S, check=False, env=environment, cwd=script.parent
        )
    except subprocess.TimeoutExpired:
        return [], f"took over {LIMIT_S} s"
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    last = (done.stderr.strip().splitlines() or ["no word"])[-1]
    return found, "" if done.returncode == 0 and found else last[:80]


def line_of(
    figure: Figure, rows: Mapping[str, Row], broken: Mapping[str, str], peers: Path | None
) -> tuple[str, str, str, str, str]:
    """Figure, measured, goal, verdict, ratio to the peer."""
    value = look_up(rows.get(figure.bench, {}), figure.key)
    goal = "" if figure.goal is None else f"{'≥' if figure.is_floor else '≤'} {figure.goal:,g}"
    if value is None:
        return figure.name, "-", goal, f"not measured: {broken.get(figure.script, 'no such figure')[:60]}", ""
    verdict = "" if figure.goal is None else ("ok" if figure.is_met(value) else "MISSED")
    return figure.name, f"{readable(value)} {figure.unit}", goal, verdict, ratio(figure, value, peers)


def ratio(figure: Figure, value: float, peers: Path | None) -> str:
    """How the peer did in the same run."""
    peer = figure.peer
    if peer is None or peers is None or not value:
        return ""
    with tempfile.TemporaryDirectory(prefix="spb-") as scratch:
        arguments = [word.replace("{scratch}", scratch) for word in peer.arguments]
        found, problem = run_script(peers / peer.script, arguments)
    theirs = next((each for row in found if (each := look_up(_with_frames(row), peer.key)) is not None), None)
    if theirs is None:
        return f"{peer.name}: {problem or 'gave no figure'}"
    times = theirs * peer.scale / value if not figure.is_floor else value / (theirs * peer.scale)
    return f"{times:,.2g}× as good as {peer.name} ({readable(theirs * peer.scale)})"


def _with_frames(row: Row) -> Row:
    """CPU per frame, for the peer that tells CPU and frames apart."""
    if row.get("cpu_pct") and row.get("frames_per_s"):
        return {**row, "cpu_per_frame": 10 * row["cpu_pct"] / row["frames_per_s"]}
    return row


def look_up(row: Row, key: str) -> float | None:
    """A number by its dotted path."""
    found: Any = row
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return float(found) if isinstance(found, int | float) else None


def readable(value: float) -> str:
    """Three digits or whole thousands."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def table(lines: Sequence[tuple[str, ...]]) -> str:
    """Columns as wide as their widest cell."""
    head = ("figure", "measured", "goal", "", "peer in the same run")
    all_lines = [head, *lines]
    widths = [max(len(line[column]) for line in all_lines) for column in range(len(head))]
    cells = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in all_lines]
    return "\n".join("  ".join(line).rstrip() for line in cells)


if __name__ == "__main__":
    raise SystemExit(main())

"""Every bench, and one table at the end: figure, goal, measured, verdict, ratio to the peer measured in the same run.

Usage: PYTHONPATH=. python scripts/bench/run.py [--only NAME …] [--rounds N] [--json FILE] [--peers DIR]

    make bench BENCH="--only engine gate --rounds 5 --json figures.json"

A round runs each bench and right after it the peers it is compared with, so that both see the same machine; with
several rounds the table shows the median and the best, and the verdict is the median's. Peers are scripts outside the
repository: `--peers`, STOCKPULSE_PEERS or ../shared/bench/peers. What they need (picows, nautilus_trader …) is no
dependency of ours: `--peers-python` or STOCKPULSE_PEERS_PYTHON names the interpreter that has it. A peer that can not
run is named with the reason. A bench that takes too long is ended with all that it started, and the table goes on
without it. Goals are met by wall time on a quiet machine; how loaded it was is in the last line and in `--json`, and
figures of CPU time say more than those of wall time.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import msgspec

from scripts.bench._figures import FIGURES, Figure, Peer
from scripts.bench._process import Outcome, run_bench
from scripts.bench._table import Line, line_of, table

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LIMIT_S = 300.0
SHARED_PEERS = ROOT.parent / "shared" / "bench" / "peers"


class Bench:
    """What was run so far, round by round."""

    def __init__(self, wanted: Sequence[Figure], options: argparse.Namespace) -> None:
        self._wanted = wanted
        self._limit_s: float = options.limit
        self._peers = find_peers(options.peers)
        self._peers_python: str = (
            options.peers_python or os.environ.get("STOCKPULSE_PEERS_PYTHON", "") or sys.executable
        )
        self.ours: defaultdict[str, list[Outcome]] = defaultdict(list)
        self.theirs: defaultdict[Peer, list[Outcome]] = defaultdict(list)
        self.loads: defaultdict[str, list[float]] = defaultdict(list)
        """Load of the machine just before each bench."""

    @property
    def where(self) -> str:
        """Where the peers are, in words."""
        return str(self._peers) if self._peers is not None else "not here, so no ratios"

    def run_round(self, word: str) -> None:
        """Each script once, its peers right behind it."""
        for script in dict.fromkeys(figure.script for figure in self._wanted):
            self.loads[script].append(round(os.getloadavg()[0], 2))
            began = time.monotonic()
            outcome = run_bench(sys.executable, HERE / script, (), root=ROOT, limit_s=self._limit_s)
            self.ours[script].append(outcome)
            _say(f"{word} {script}", began, outcome)
            for peer in self._peers_of(script):
                began = time.monotonic()
                self.theirs[peer].append(outcome := self._run_peer(peer))
                _say(f"{word}   {peer.name}", began, outcome)

    def lines(self) -> list[Line]:
        """The table's lines."""
        return [line_of(figure, self.ours[figure.script], self.theirs) for figure in self._wanted]

    @property
    def is_whole(self) -> bool:
        """Whether every bench of ours could run; a missed goal or an absent peer is no error."""
        return not any(outcome.problem for outcomes in self.ours.values() for outcome in outcomes)

    def _peers_of(self, script: str) -> list[Peer]:
        if self._peers is None:
            return []
        return list(dict.fromkeys(one.peer for one in self._wanted if one.script == script and one.peer is not None))

    def _run_peer(self, peer: Peer) -> Outcome:
        if self._peers is None:
            return Outcome(())
        with tempfile.TemporaryDirectory(prefix="spb-") as scratch:
            arguments = [word.replace("{scratch}", scratch) for word in peer.arguments]
            script = self._peers / peer.script
            return run_bench(self._peers_python, script, arguments, root=self._peers, limit_s=self._limit_s)


def main() -> int:
    """Run, then print the table; the exit code is 1 when a bench could not run."""
    options = _parse()
    wanted = [figure for figure in FIGURES if not options.only or any(word in figure.script for word in options.only)]
    if not wanted:
        sys.stderr.write(f"No bench is called {' or '.join(options.only)}; they are {', '.join(_names())}.\n")
        return 2
    bench = Bench(wanted, options)
    began = time.monotonic()
    for number in range(1, options.rounds + 1):
        bench.run_round(f"{number}/{options.rounds}")
    lines, loads = bench.lines(), [load for each in bench.loads.values() for load in each]
    taken = time.monotonic() - began
    print(table(lines))
    print(
        f"\n{os.cpu_count()} cores, load before each bench {min(loads):.1f} to {max(loads):.1f}, {taken:.0f} s; "
        f"peers: {bench.where}"
    )
    if options.json:
        _keep(Path(options.json), lines, bench)
    return 0 if bench.is_whole else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="scripts whose name has this in it")
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="run everything so many times")
    parser.add_argument("--limit", type=float, default=LIMIT_S, metavar="S", help="longest time of one script")
    parser.add_argument("--json", default="", metavar="FILE", help="keep the table and the raw lines here")
    parser.add_argument("--peers", default="", metavar="DIR", help="where the peers' scripts are")
    parser.add_argument("--peers-python", default="", metavar="FILE", help="interpreter with what the peers need")
    return parser.parse_args()


def _names() -> list[str]:
    return list(dict.fromkeys(figure.script.removeprefix("bench_").removesuffix(".py") for figure in FIGURES))


def find_peers(chosen: str) -> Path | None:
    """The directory of the peers' scripts, None when there is none."""
    for place in (chosen, os.environ.get("STOCKPULSE_PEERS", ""), str(SHARED_PEERS)):
        if place and Path(place).is_dir():
            return Path(place)
    return None


def _say(what: str, began: float, outcome: Outcome) -> None:
    sys.stderr.write(f"{what}: {outcome.problem or 'done'}, {time.monotonic() - began:.0f} s\n")


def _keep(path: Path, lines: Sequence[Line], bench: Bench) -> None:
    document = {
        "cores": os.cpu_count(),
        "loads": bench.loads,
        "table": msgspec.to_builtins(lines),
        "rows": {script: [outcome.rows for outcome in outcomes] for script, outcomes in bench.ours.items()},
        "peers": {peer.name: [outcome.rows for outcome in outcomes] for peer, outcomes in bench.theirs.items()},
    }
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())

"""Campaigns over simulated days, one at a time: `python scripts/campaign.py S1`, or one failing day of it again.

With a seed, one day is played, made as small as still fails, and told step by step. Without one the whole campaign
runs at the volume that is asked for. Exit code: 0 when all holds, 1 when something is broken.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from stockpulse_engine.bootstrap.simulated import workshop
from stockpulse_engine.drill.campaigns import days, points
from stockpulse_engine.drill.campaigns.report import VOLUMES, Report
from stockpulse_engine.drill.campaigns.shrink import described, shrink
from stockpulse_engine.drill.sim.day import Case, play
from stockpulse_engine.drill.sim.ports import Workshop

ROOT = Path(__file__).resolve().parent.parent
CAMPAIGNS: dict[str, tuple[str, Callable[[str, Workshop], Report]]] = {
    "S1": ("trading days, all faults on", days.s1_days),
    "S3": ("crash, failure and hang at each point of a submit, a fill, a cancel and a start", points.s3_points),
    "S10": ("each fault alone at each personality", days.s10_matrix),
    "S11": ("the latch in a busy minute", days.s11_latch),
    "S12": ("a power cut at every entry of recorded days", days.s12_restarts),
}


def main() -> int:
    """Run a campaign, or play one case again."""
    options = _parse()
    if options.seed is not None:
        return _replay(options)
    start = time.process_time()
    report = CAMPAIGNS[options.key][1](options.volume, workshop())
    spent = time.process_time() - start
    for failure in report.failures[:20]:
        print(failure)
    print(f"{report.line()}, {report.done / spent:,.3g} {report.unit} a second of one core")
    return 0 if report.is_good else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = "; ".join(f"{key}: {name}" for key, (name, _) in CAMPAIGNS.items())
    parser.add_argument("key", choices=CAMPAIGNS, help=words)
    parser.add_argument("--volume", choices=VOLUMES, default="commit")
    parser.add_argument("--seed", type=int, help="play this one day")
    parser.add_argument("--personality", default="", help="of the simulated broker; without it the seed says")
    parser.add_argument("--fault", action="append", default=[], help="strike with this alone (S10)")
    parser.add_argument("--crash-at", type=int, default=0, help="cut the power at this entry of the journal (S12)")
    parser.add_argument("--point", default="", help="PLACE:EFFECT (S3)")
    return parser.parse_args()


def _replay(options: argparse.Namespace) -> int:
    case = Case(
        seed=options.seed, personality=options.personality, forced=tuple(options.fault), crash_at=options.crash_at
    )
    if options.key == "S11":
        case = days.latch_case(options.seed)
    elif options.key in ("S10", "S12"):
        case = Case(
            seed=options.seed, personality=options.personality, forced=tuple(options.fault),
            crash_at=options.crash_at, most=0.0,
        )  # fmt: skip
    made = workshop()
    if options.key == "S3":
        result = points.play_point(*points.named(options.point), made, seed=options.seed)
        print(result.broken or "all holds")
        return int(bool(result.broken))
    best, result = shrink(case, lambda one: play(one, made))
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    print(f"seed {options.seed} at commit {commit.stdout.strip()}: {result.digest[:16]}")
    if not result.broken:
        print(f"all holds: {result.sent} submissions, {result.facts} facts, {sum(result.struck.values())} faults")
        return 0
    print(described(best, result))
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""The long campaigns, one after the other, each with one row of the table at the end.

Usage: python scripts/night.py [--again] [--only NAME …] [--limit-min 90]

Resumable: a campaign that passed at this commit with the same working tree is not run again unless asked (`--again`).
Every campaign has a bound of its own and all of them one together; what did not fit is said, not passed over.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / "build" / "night.json"
LOGS = ROOT / "build" / "night"
LIMIT_MIN = 90
TAIL = 25


@dataclass(frozen=True)
class Campaign:
    """Some tests with their sizes of the night. `volume` says how much of what."""

    name: str
    volume: str
    paths: tuple[str, ...]
    limit_min: float
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """One row: how it went. `mark` is the state of the code it was run on."""

    campaign: str
    volume: str
    tests: int
    failures: int
    seconds: float
    mark: str
    note: str = ""


_OWN = (
    "tests/system/test_kill_and_recover.py",
    "tests/system/test_kill_both.py",
    "tests/integration/test_venue_process.py",
    "tests/unit/storage/test_journal_durability.py",
    "tests/integration/test_trading_recovery.py",
    "tests/property",
    "tests/integration/test_heads_memory.py",
)
CAMPAIGNS = (
    Campaign("engine killed", "100 SIGKILLs under order flow", _OWN[0:1], 15),
    Campaign("engine and venue killed", "30 times both at once", _OWN[1:2], 10),
    Campaign("venue killed", "60 SIGKILLs under order flow", _OWN[2:3], 10),
    Campaign("power cuts", "1,000 cuts and 200 kills of the journal", _OWN[3:4], 15),
    Campaign("every point of a submission", "each await cut, 1,500 random days", _OWN[4:5], 15),
    Campaign("ledger and gate", "400 runs of 60 steps, 1,500 examples a rule", _OWN[5:6], 20),
    Campaign("memory", "12 minutes of a market 20 times as fast", _OWN[6:7], 20),
    Campaign(
        "everything else",
        "1,500 examples a rule, and what is marked for the night",
        ("tests",),
        40,
        (*(f"--ignore={path}" for path in _OWN), "-n", "2", "--dist", "loadfile"),
    ),
)


def main() -> int:
    """Run what has not passed yet; 1 when anything failed or was left out."""
    options = _parse()
    mark = state_of_code()
    known = {} if options.again else load(mark)
    deadline = time.monotonic() + 60 * options.limit_min
    wanted = [one for one in CAMPAIGNS if not options.only or any(word in one.name for word in options.only)]
    rows = []
    for campaign in wanted:
        outcome = known.get(campaign.name)
        if outcome is None:
            outcome = run(campaign, mark, deadline - time.monotonic())
            known[campaign.name] = outcome
            save(known)
        rows.append(outcome)
        print(line(outcome), flush=True)
    print()
    print(line(None))
    for outcome in rows:
        print(line(outcome))
    return 1 if any(row.failures or not row.tests for row in rows) else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--again", action="store_true", help="also what passed at this state of the code")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="campaigns with this in their name")
    parser.add_argument("--limit-min", type=float, default=LIMIT_MIN, help="all together, in minutes")
    return parser.parse_args()


def run(campaign: Campaign, mark: str, left_s: float) -> Outcome:
    """One campaign, in a process group of its own so that its end is the end of all it started."""
    limit = min(60 * campaign.limit_min, left_s)
    if limit <= 0:
        return Outcome(campaign.name, campaign.volume, 0, 0, 0.0, mark, "left out: no time was left")
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{campaign.name.replace(' ', '-')}.log"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *campaign.options, *campaign.paths]
    command.append(f"--timeout={round(limit)}")
    begin = time.monotonic()
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, "STOCKPULSE_NIGHT": "1"},
            start_new_session=True,
        )
        try:
            child.wait(timeout=limit)
            note = ""
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            note = f"stopped after {limit / 60:.0f} min"
    return judge(campaign, mark, log, time.monotonic() - begin, note or exit_note(child.returncode))


def judge(campaign: Campaign, mark: str, log: Path, seconds: float, note: str) -> Outcome:
    """The row, from pytest's last line; a campaign that was stopped or broke has a failure."""
    text = log.read_text(errors="replace")
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|errors?)\b", text[-4000:])}
    failures = sum(number for word, number in counts.items() if word != "passed")
    tests = counts.get("passed", 0) + failures
    if note and not failures:
        failures = 1
    if failures:
        sys.stderr.write("\n".join(text.splitlines()[-TAIL:]) + "\n")
    return Outcome(campaign.name, campaign.volume, tests, failures, round(seconds, 1), mark, note)


def exit_note(code: int) -> str:
    """What pytest's exit code says when it is neither passed (0) nor failed tests (1)."""
    return "" if code in (0, 1) else f"pytest ended with {code}"


def line(outcome: Outcome | None) -> str:
    """A row, or the head of the table."""
    if outcome is None:
        return f"{'campaign':<28} {'volume':<56} {'tests':>6} {'failed':>6} {'seconds':>8}"
    head = f"{outcome.campaign:<28} {outcome.volume:<56} {outcome.tests:>6} {outcome.failures:>6}"
    return f"{head} {outcome.seconds:>8.0f}  {outcome.note}".rstrip()


def state_of_code() -> str:
    """One mark for the commit and what is changed on top of it."""
    parts = [_git("rev-parse", "HEAD"), _git("diff", "HEAD", "--", "src", "tests", "pyproject.toml")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout


def load(mark: str) -> dict[str, Outcome]:
    """Campaigns that passed at this mark."""
    try:
        rows = [Outcome(**row) for row in json.loads(STATE.read_text())]
    except (OSError, ValueError, TypeError):
        return {}
    return {row.campaign: row for row in rows if row.mark == mark and row.tests and not row.failures}


def save(rows: dict[str, Outcome]) -> None:
    """Keep what is known; a night that is cut goes on from here."""
    STATE.parent.mkdir(parents=True, exist_ok=True)
    STATE.write_text(json.dumps([asdict(row) for row in rows.values()], indent=1))


if __name__ == "__main__":
    sys.exit(main())

"""The long campaigns, one after the other, each with one row of the table at the end.

    python scripts/night.py [KEY …] [--again] [--limit-min 300] [--list]        make night NIGHT="kills memory"

Resumable: a campaign that passed at this commit with the same working tree is not run again unless asked (`--again`).
Every campaign has a bound of its own and all of them one together; what did not fit is said, not passed over. What a
campaign started ends with it, and processes it left behind are a failure. Exit code: 0 when all that was wanted holds,
1 when anything failed or was left out, 130 when it was interrupted.
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
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / "build" / "night.json"
LOGS = ROOT / "build" / "night"
LIMIT_MIN = 300
TAIL = 25
MARK = "NIGHT_CAMPAIGN"
"""In the environment of everything a campaign starts, however it detaches itself."""
ORDERLY_S = 30.0
"""For pytest to end what its fixtures started when the time is over."""
GRACE_S = 5.0
"""For processes that are just ending."""
TOLD = "night: "
"""A line of a test that begins with this belongs to its campaign's row."""


@dataclass(frozen=True)
class Campaign:
    """Some tests with their sizes of the night. `volume` says how much of what."""

    key: str
    name: str
    volume: str
    paths: tuple[str, ...]
    limit_min: float
    options: tuple[str, ...] = ()
    is_extra: bool = False
    """Runs only when it is named, or with --all: it takes longer than all others together."""
    is_shared: bool = False
    """Its tests are other campaigns' as well."""


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

    @property
    def is_good(self) -> bool:
        """Whether it ran and all of it holds."""
        return self.tests > 0 and not self.failures


_DAYS = "tests/campaigns/test_days.py"
_IMAGES = "tests/campaigns/test_journal_images.py"
_SIMULATED = (
    Campaign("S1", "S1 days", "10,000 simulated days, all faults on", (_DAYS,), 30, ("-s", "-k", "test_s1_")),
    Campaign("S3", "S3 failpoints", "32 points × kill, raise, hang × 20 seeds", (_DAYS,), 10, ("-s", "-k", "test_s3_")),
    Campaign("S5", "S5 damaged journals", "10,000 images cut or flipped", (_IMAGES,), 10, ("-s", "-k", "test_s5_")),
    Campaign("S6", "S6 failing disks", "each call of the disk × 3 errors", (_IMAGES,), 10, ("-s", "-k", "test_s6_")),
    Campaign(
        "S10", "S10 fault matrix", "40 faults × 5 personalities × 25 seeds", (_DAYS,), 20, ("-s", "-k", "test_s10_")
    ),
    Campaign("S11", "S11 latch", "10,000 trials at random moments", (_DAYS,), 20, ("-s", "-k", "test_s11_")),
    Campaign("S12", "S12 restarts", "a power cut at each entry of 50 days", (_DAYS,), 20, ("-s", "-k", "test_s12_")),
    Campaign(
        "S13", "S13 second ledger", "1,000,000 executions", ("tests/campaigns/test_differential.py",), 20, ("-s",)
    ),
    Campaign("mutants", "seeded faults", "20 planted, each found", ("tests/campaigns/test_mutants.py",), 10),
    Campaign("S8", "S8 hostile requests", "100,000 requests", ("tests/integration/test_api_fuzz.py",), 30),
    Campaign(
        "S14",
        "S14 calendars and clocks",
        "every session of the golden files",
        ("tests/unit/marketdata/test_calendar.py", "tests/unit/base/test_clock_and_ids.py"),
        10,
        is_shared=True,
    ),
    Campaign(
        "S16",
        "S16 services down",
        "Redis and PostgreSQL away, slow and back",
        (
            *("tests/system/test_redis_mirror.py", "tests/integration/test_redis_mirror.py"),
            *("tests/integration/test_server_mirror.py", "tests/integration/test_server_tier.py"),
        ),
        15,
        is_shared=True,
    ),
    Campaign(
        "S17",
        "S17 security",
        "every test of a requirement R01 to R71",
        ("tests/unit", "tests/integration", "tests/contract"),
        15,
        ("-p", "tests.campaigns.security"),
        is_shared=True,
    ),
)
_OWN = (
    *_SIMULATED,
    Campaign(
        "kills", "S2 engine killed", "100 SIGKILLs under order flow", ("tests/system/test_kill_and_recover.py",), 15
    ),
    Campaign("both", "S2 engine and venue", "30 times both at once", ("tests/system/test_kill_both.py",), 10),
    Campaign(
        "venue", "S2 venue killed", "60 SIGKILLs under order flow", ("tests/integration/test_venue_process.py",), 10
    ),
    Campaign("drill", "the drill", "24 faults in real time", ("tests/system/test_drill.py",), 10),
    Campaign(
        "power",
        "S4 power cuts",
        "1,000 cuts and 200 kills of the journal",
        ("tests/unit/storage/test_journal_durability.py",),
        15,
    ),
    Campaign(
        "points",
        "S7 orders",
        "each await cut, 1,500 random days",
        ("tests/integration/test_trading_recovery.py",),
        15,
    ),
    Campaign("ledger", "S7 ledger and gate", "400 runs of 60 steps, 1,500 examples a rule", ("tests/property",), 30),
    Campaign(
        "memory",
        "memory",
        "55 minutes of 60 times the market, 6 heads",
        ("tests/system/test_memory.py",),
        75,
        is_extra=True,
    ),
)
CAMPAIGNS = (
    *_OWN,
    Campaign(
        "rest",
        "everything else",
        "1,500 examples a rule, and what is marked for the night",
        ("tests",),
        90,
        (
            *(f"--ignore={path}" for one in _OWN if not one.is_shared for path in one.paths),
            *("-n", "2", "--dist", "loadfile"),
        ),
        is_extra=True,
    ),
)


def main() -> int:
    """Run what has not passed yet; the table at the end also of what was interrupted."""
    options = _parse()
    wanted = [
        one for one in CAMPAIGNS if (one.key in options.keys if options.keys else options.all or not one.is_extra)
    ]
    if options.list:
        for one in wanted:
            print(f"{one.key:<8} {one.name}: {one.volume} (at most {one.limit_min:g} min)")
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    rows: list[Outcome] = []
    try:
        run_all(wanted, rows, limit_s=60 * options.limit_min, is_again=options.again)
    except KeyboardInterrupt:
        print("\ninterrupted: `make night` goes on from here")
        return 130
    finally:
        summary(rows)
    return 0 if len(rows) == len(wanted) and all(row.is_good for row in rows) else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("keys", nargs="*", metavar="KEY", help="these campaigns only; --list names them")
    parser.add_argument("--all", action="store_true", help="also the soak and the whole suite at the night's volume")
    parser.add_argument("--again", action="store_true", help="also what passed at this state of the code")
    parser.add_argument("--list", action="store_true", help="name the campaigns and run none")
    parser.add_argument("--limit-min", type=float, default=LIMIT_MIN, help="all together, in minutes")
    options = parser.parse_args()
    known = [one.key for one in CAMPAIGNS]
    if strange := [key for key in options.keys if key not in known]:
        parser.error(f"no campaign {strange[0]!r}; there are {', '.join(known)}")
    return options


def run_all(wanted: Sequence[Campaign], rows: list[Outcome], *, limit_s: float, is_again: bool) -> None:
    """Fill `rows` one by one, each kept at once: a night that is cut goes on from here."""
    mark = state_of_code()
    known = load(mark)
    deadline = time.monotonic() + limit_s
    for campaign in wanted:
        outcome = None if is_again else known.get(campaign.name)
        if outcome is None:
            outcome = run(campaign, mark, deadline - time.monotonic())
            known[campaign.name] = outcome
            save(known)
        rows.append(outcome)
        print(line(outcome), flush=True)


def summary(rows: Sequence[Outcome]) -> None:
    """The table, and one sentence."""
    print()
    print(line(None))
    for outcome in rows:
        print(line(outcome))
    bad = [row.campaign for row in rows if not row.is_good]
    print(f"{len(rows) - len(bad)} of {len(rows)} hold" + (f"; not: {', '.join(bad)}" if bad else ""))


def run(campaign: Campaign, mark: str, left_s: float) -> Outcome:
    """One campaign, and the end of all it started."""
    limit = min(60 * campaign.limit_min, left_s)
    if limit <= 0:
        return Outcome(campaign.name, campaign.volume, 0, 0, 0.0, mark, "left out: no time was left")
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{campaign.name.replace(' ', '-')}.log"
    token = f"{campaign.key}-{os.getpid()}"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-o",
        f"cache_dir={LOGS / 'cache'}",
        *campaign.options,
        *campaign.paths,
    ]
    command.append(f"--timeout={round(limit)}")
    begin, note = time.monotonic(), ""
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, "STOCKPULSE_NIGHT": "1", MARK: token},
            start_new_session=True,
        )
        try:
            child.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            note = f"stopped after {limit / 60:.3g} min"
        finally:
            end(child)
            left = sweep(token)
    note = note or exit_note(child.returncode) or (f"left behind: {', '.join(left)}" if left else "")
    return judge(campaign, mark, log, time.monotonic() - begin, note)


def end(child: subprocess.Popen[bytes]) -> None:
    """Let pytest end in order, so that its fixtures stop their engines; then without asking."""
    if child.poll() is not None:
        return
    child.send_signal(signal.SIGINT)
    try:
        child.wait(timeout=ORDERLY_S)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def sweep(token: str) -> list[str]:
    """Kill what still carries the campaign's mark, daemons included; returns what it was. Linux only."""
    wait_gone(token, GRACE_S)
    left = marked(token)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_gone(token, ORDERLY_S)
    return sorted(left.values())


def wait_gone(token: str, limit_s: float) -> None:
    """Wait until nothing carries the mark any more, but not for ever."""
    give_up = time.monotonic() + limit_s
    while time.monotonic() < give_up and marked(token):
        time.sleep(0.1)


def marked(token: str) -> dict[int, str]:
    """Process id → its command, of every process with the campaign's mark in its environment."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={token}".encode() not in (entry / "environ").read_bytes().split(b"\0"):
                continue
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if any(words):
            found[int(entry.name)] = " ".join(words[1:4]) or words[0]
    return found


def judge(campaign: Campaign, mark: str, log: Path, seconds: float, note: str) -> Outcome:
    """The row, from pytest's last line; a campaign that was stopped or broke has a failure."""
    text = log.read_text(errors="replace")
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|errors?)\b", text[-4000:])}
    failures = sum(number for word, number in counts.items() if word != "passed")
    tests = counts.get("passed", 0) + failures
    if note and not failures:
        failures = 1
    told = [one.removeprefix(TOLD) for one in text.splitlines() if one.startswith(TOLD)]
    note = "; ".join(part for part in (note, *told) if part)
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
    where = ("src", "tests", "pyproject.toml")
    parts = [_git("rev-parse", "HEAD"), _git("diff", "HEAD", "--", *where)]
    for name in _git("ls-files", "--others", "--exclude-standard", *where).splitlines():
        parts += [name, (ROOT / name).read_text(errors="replace")]
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
    return {row.campaign: row for row in rows if row.mark == mark and row.is_good}


def save(rows: dict[str, Outcome]) -> None:
    """Keep what is known; a night that is cut goes on from here."""
    STATE.parent.mkdir(parents=True, exist_ok=True)
    STATE.write_text(json.dumps([asdict(row) for row in rows.values()], indent=1))


if __name__ == "__main__":
    sys.exit(main())

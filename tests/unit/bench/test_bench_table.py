"""The bench table: what is run is bounded and leaves nothing behind, and what is said about it is right."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts.bench._figures import FIGURES, Figure, Peer
from scripts.bench._process import Outcome, environment, run_bench
from scripts.bench._table import line_of, table
from scripts.bench.run import HERE
from stockpulse_engine.base.wait import wait_until

FAST = Peer("peer.py", (), "per_s", "a fast one")
RATE = Figure("orders", "bench.py", "orders", "inner.per_s", "/s", 1500, is_floor=True, peer=FAST)
TIME = Figure("delay", "bench.py", "orders", "ms", "ms", 1.0)


def ours(**numbers: object) -> Outcome:
    return Outcome(({"bench": "orders", **numbers},))


def test_every_figure_is_made_by_a_script_that_is_there() -> None:
    assert {figure.script for figure in FIGURES} == {path.name for path in HERE.glob("bench_*.py")}
    assert len({figure.name for figure in FIGURES}) == len(FIGURES)


def test_a_figure_is_judged_by_its_median() -> None:
    line = line_of(TIME, [ours(ms=3), ours(ms=0.8), ours(ms=0.9)], {})
    assert (line.median, line.best, line.verdict) == (0.9, 0.8, "ok")
    assert line_of(TIME, [ours(ms=3), ours(ms=0.8), ours(ms=1.2)], {}).verdict == "MISSED"


def test_a_peer_is_compared_in_the_direction_of_the_figure() -> None:
    rounds = [ours(inner={"per_s": 2000})]
    line = line_of(RATE, rounds, {FAST: [Outcome(({"per_s": 500},))]})
    assert (line.times_as_good, line.verdict) == (4.0, "ok")
    timed = Peer("peer.py", (), "per_s", "a rate", 1000.0, is_inverse=True)
    delay = Figure("delay", "bench.py", "orders", "ms", "ms", None, False, timed)
    assert line_of(delay, [ours(ms=2)], {timed: [Outcome(({"per_s": 100},))]}).times_as_good == 5.0


def test_what_could_not_be_measured_says_why_and_the_rest_is_there() -> None:
    broken, absent = Outcome((), "took over 3 s and was ended"), Outcome((), "No module named 'picows'")
    text = table([line_of(TIME, [ours(ms=0.5)], {}), line_of(RATE, [broken], {FAST: [absent]}), line_of(RATE, [], {})])
    assert "delay" in text.splitlines()[1]
    assert "ok" in text.splitlines()[1]
    assert "not measured: took over 3 s" in text
    assert "a fast one: No module named 'picows'" in text
    assert "a fast one: not run: no peers' scripts here" in text
    assert "best" not in text, "one round has no best"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return tmp_path / "bench.sh"


def test_the_lines_of_a_bench_are_read_and_talk_is_not(script: Path) -> None:
    script.write_text('echo hello\necho \'{"bench": "x", "ms": 1}\'\necho "{broken"\n', encoding="utf-8")
    assert run_bench("/bin/sh", script, (), root=script.parent, limit_s=30) == Outcome(({"bench": "x", "ms": 1},))


def test_a_bench_that_fails_is_told_by_its_last_words(script: Path) -> None:
    script.write_text("echo first >&2\necho 'No module named nothing' >&2\nexit 3\n", encoding="utf-8")
    assert run_bench("/bin/sh", script, (), root=script.parent, limit_s=30).problem == "No module named nothing"
    script.write_text("exit 3\n", encoding="utf-8")
    assert run_bench("/bin/sh", script, (), root=script.parent, limit_s=30).problem == "ended with 3 and no figure"
    nowhere = run_bench("/bin/sh", script.parent / "none.py", (), root=script.parent, limit_s=30)
    assert nowhere.problem == "none.py is not there"
    assert "can not be started" in run_bench("/no/python", script, (), root=script.parent, limit_s=30).problem


@pytest.mark.skipif(sys.platform != "linux", reason="whether a process is gone is read from /proc")
def test_a_bench_that_hangs_is_ended_with_its_children_and_keeps_what_it_said(script: Path) -> None:
    script.write_text(
        'sleep 600 &\necho $! > child\necho \'{"bench": "x"}\'\ntrap "" INT\nwait\nsleep 600\n', encoding="utf-8"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scripts.bench._process.GRACE_S", 0.1)
        outcome = run_bench("/bin/sh", script, (), root=script.parent, limit_s=1.0)
    assert outcome.problem == "took over 1 s and was ended"
    assert outcome.rows == ({"bench": "x"},)
    child = int((script.parent / "child").read_text(encoding="utf-8"))
    assert wait_until(lambda: is_gone(child), 10)


def is_gone(pid: int) -> bool:
    """Whether a process has ended, whoever may still have to hear of it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_compiled_files_are_used_as_by_anybody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in environment(tmp_path)
    assert environment(tmp_path)["PYTHONPATH"] == str(tmp_path)

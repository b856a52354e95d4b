"""`sp demo`: the whole story with nobody watching, and nothing left of it afterwards."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(180)

STORY = (sys.executable, "-m", "stockpulse_engine.cli", "demo", "--fast")


def homes() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("sp-demo-*")} | {
        path.name for path in Path("/tmp").glob("sp-demo-*")
    }


@pytest.fixture(scope="module")
def told() -> str:
    """The story as text."""
    before = homes()
    done = subprocess.run([*STORY, "--text"], capture_output=True, text=True, timeout=180, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout[-2000:] + done.stderr
    assert homes() <= before, "its home is gone"
    return done.stdout


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_it_has_twelve_chapters_and_no_colour(told: str) -> None:
    assert re.findall(r"^(\d+) of 12  ", told, re.MULTILINE) == [str(number) for number in range(1, 13)]
    assert "\x1b" not in told


def test_the_headline_moves_the_stock_and_the_bracket_is_filled(told: str) -> None:
    story = one_line(told)
    found = re.search(r"HD went from ([\d.]+) to ([\d.]+): \+", story)
    assert found is not None
    assert float(found[2]) > float(found[1]) * 1.01
    filled = re.search(r"Filled: (\d+) HD at ([\d.]+)", story)
    assert filled is not None
    exits = re.search(r"Its exits work at the exchange already: ([\d.]+) and ([\d.]+)\.", story)
    assert exits is not None
    assert float(exits[1]) < float(filled[2]) < float(exits[2])
    moved = re.search(r"From ([\d.]+) to ([\d.]+), proven by the exchange", story)
    assert moved is not None
    assert float(exits[1]) == float(moved[1]) < float(moved[2]) < float(filled[2])


def test_the_halt_and_the_brake_hold(told: str) -> None:
    story = one_line(told)
    assert "…INSTRUMENT_HALTED: refused before anything left" in story
    assert "HALTED, 2 orders canceled, each proven by the exchange." in story


def test_the_engine_is_killed_and_everything_is_still_there(told: str) -> None:
    story = one_line(told)
    before = re.search(r"before (\d+ orders \(2 working\), \d+ HD, [\d,.]+ cash)", story)
    after = re.search(r"after (\d+ orders \(2 working\), \d+ HD, [\d,.]+ cash)", story)
    assert before is not None
    assert after is not None
    assert before[1] == after[1]
    assert f"Equal to the last digit: {after[1]}." in story
    assert "kills survived 1. Journal verified:" in story
    assert "1 refused, 1 kill survived" in story


@pytest.mark.night
def test_the_same_story_is_told_by_keys_on_a_screen() -> None:
    before = homes()
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (40, 120))
    with subprocess.Popen(STORY, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as child:
        os.close(theirs)
        seen = b""
        try:
            while chunk := os.read(ours, 65536):
                seen = (seen + chunk)[-4_000:]
        except OSError:  # Linux says so when the other side is gone
            pass
    os.close(ours)
    assert child.returncode == 0, seen.decode(errors="replace")
    assert homes() <= before

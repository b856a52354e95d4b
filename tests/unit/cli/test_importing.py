"""`sp import`: the plan is shown, a yes is needed, what became of each file is said."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockpulse_engine.cli.app import run
from stockpulse_engine.cli.importing import _interrupts
from tests.unit.storage.importing.desk import HEAD, minute

ROWS = [minute(number) for number in range(5)]


@pytest.fixture
def file(home: Path, tmp_path: Path) -> Path:
    path = tmp_path / "vendor_bars.csv"
    path.write_text("\n".join([HEAD, *ROWS, minute(9, -1)]) + "\n")
    return path


def test_without_a_yes_and_a_terminal_nothing_happens(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", str(file)]) == 2
    shown = capsys.readouterr()
    assert "bars 1m" in shown.err
    assert "Pass --yes" in shown.err
    assert run(["coverage"]) == 0
    assert "Nothing is stored yet" in capsys.readouterr().out


def test_a_file_goes_in_and_again_says_that_nothing_is_new(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", str(file), "--yes"]) == 0
    out = capsys.readouterr().out
    assert "vendor_bars.csv: 5 added" in out
    assert "1 × open is not positive" in out
    assert run(["import", str(file), "--yes"]) == 0
    assert "Nothing new: all of it was held already." in capsys.readouterr().out
    assert run(["bars", "AAPL", "--spec", "1m"]) == 0
    assert "2014-06-05T13:04:00" in capsys.readouterr().out


def test_json_tells_every_count(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", str(file), "--yes", "--json", "--source", "mine"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["imports"]
    assert (told["added"], told["refused"], told["source"]) == (5, 1, "mine")
    assert Path(told["refused_file"]).read_text().splitlines()[1].startswith("6,open is not positive: -1,AAPL,")


def test_what_is_refused_as_a_whole_does_not_keep_the_others_out(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    returns = file.with_name("returns.csv")
    returns.write_text("date,daily_return\n2014-06-05,0.01\n")
    assert run(["import", str(returns), "--yes"]) == 2
    assert "tell returns, not prices" in capsys.readouterr().err
    assert run(["import", str(file.parent), "--yes"]) == 2
    shown = capsys.readouterr()
    assert "5 added" in shown.out
    assert "Refused as a whole: returns.csv" in shown.err


def test_a_file_that_is_not_there_is_not_found(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", str(home / "nothing.csv"), "--yes"]) == 4
    assert "There is no file" in capsys.readouterr().err


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Interrupts as in a person's terminal; a runner in the background ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_the_first_interrupt_asks_and_the_second_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), _interrupts() as is_stopped:
        assert not is_stopped()
        os.kill(os.getpid(), signal.SIGINT)
        assert is_stopped()
        os.kill(os.getpid(), signal.SIGINT)
    assert "nothing is half in" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_bars_are_made_of_prints_when_asked(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ticks.csv"
    prints = ["30:01.5,10,5,20", "30:02,11,5,1", "31:00,9,1,1"]
    rows = [f"IBM,2014-06-05T13:{when}Z,{rest}" for when, rest in (row.split(",", 1) for row in prints)]
    file.write_text("\n".join(["symbol,ts,price,size,conditions", *rows]) + "\n")
    assert run(["import", str(file), "--yes", "--source", "tape"]) == 0
    capsys.readouterr()
    assert run(["bars", "IBM", "--spec", "1m", "--from-ticks", "--prints", "regular", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["source"] == "tape (built from ticks)"
    assert [(bar["open"], bar["close"], bar["volume"]) for bar in told["bars"]] == [("11", "11", "10"), ("9", "9", "1")]
    assert run(["bars", "IBM", "--spec", "1m", "--from-ticks", "--to", "2014-06-05 09:31"]) == 0
    shown = capsys.readouterr()
    assert "2014-06-05T13:30:00" in shown.out
    assert "2014-06-05T13:31:00" not in shown.out
    assert run(["bars", "IBM", "--from-ticks", "--adjust", "total"]) == 2
    assert "as printed" in capsys.readouterr().err
    assert run(["bars", "IBM", "--from-ticks", "--spec", "1w"]) == 2
    assert "not made of ticks" in capsys.readouterr().err

"""Statements run in a real child process over real Parquet files: right answers, and no byte changed by a wrong one."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import cast

import msgspec
import polars as pl
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.marketdata.history import AsOf, HistoryReader, Segment
from stockpulse_engine.storage.history.store import open_history
from stockpulse_engine.storage.sql.protocol import Request, SqlLimits
from stockpulse_engine.storage.sql.session import SqlSession
from tests.unit.storage.history.build import T0, trade_frame
from tests.unit.storage.sql.files import DAY, FIRST, ListedFiles, bar, write_bars
from tests.unit.storage.sql.test_guard import WRITES

ENDLESS = "select sum(sqrt(range)) from range(100000000000000)"
"""Runs on and on, and holds nothing: a join of as many rows may come to its memory limit first."""


def session_over(directory: Path, *segments: Segment) -> SqlSession:
    return SqlSession(cast("HistoryReader", ListedFiles(segments)), directory)


@pytest.fixture
def three_days(tmp_path: Path) -> SqlSession:
    return session_over(tmp_path, write_bars(tmp_path, 1, [bar(day, 100 + day) for day in range(3)]))


def test_prices_are_exact_decimals_and_order_is_kept(three_days: SqlSession) -> None:
    answer = three_days.run("select ts, close, spec, source from bars order by ts_event desc")
    assert [column.name for column in answer.columns] == ["ts", "close", "spec", "source"]
    assert [Decimal(str(row[1])) for row in answer.rows] == [Decimal(102), Decimal(101), Decimal(100)]
    assert answer.rows[0][2:] == ("1d", "own")
    assert not answer.is_cut


def test_columns_of_one_name_and_of_every_type_arrive(three_days: SqlSession) -> None:
    statement = "select 1 as a, 2 as a, now() t, [1, 2] l, {'x': 1} s, null n, 'nan'::double f, true b, 12::hugeint h"
    row = three_days.run(statement).rows[0]
    assert row[:2] == (1, 2)
    assert row[3:6] == ("[1, 2]", "{'x': 1}", None)
    assert row[7:] == (True, "12")


def test_the_newest_version_is_the_row_and_a_withdrawn_one_is_none(tmp_path: Path) -> None:
    first = write_bars(tmp_path, 1, [bar(0, 100), bar(1, 101), bar(2, 102)])
    later = [bar(1, 111, known=FIRST + 9 * DAY, recorded=2), bar(2, 0, known=FIRST + 9 * DAY, recorded=2, gone=True)]
    session = session_over(tmp_path, first, write_bars(tmp_path, 2, later, versions=True))
    closes = "select close::int from bars order by ts_event"
    assert session.run(closes).rows == ((100,), (111,))
    assert session.run("select count(*) from bars_versions").rows == ((5,),)
    then = session.run(closes, as_of=AsOf(known_at=FIRST + 5 * DAY))
    assert then.rows == ((100,), (101,), (102,))
    assert session.run(closes, as_of=AsOf(recorded_at=1)).rows == then.rows
    assert session.run(closes, as_of=AsOf(known_at=FIRST + DAY)).rows == ((100,),)


def test_a_tick_is_known_at_its_own_moment_where_its_file_says_no_other(tmp_path: Path, clock: ManualClock) -> None:
    at_once, later = trade_frame([(T0, 10.0)]), trade_frame([(T0 + 1, 10.1)])
    with open_history(tmp_path, clock) as store:
        for frame in (at_once, later.with_columns(known_at=pl.lit(T0 + 9))):
            store.writer.write_trades(frame, source="ticks")
        session = SqlSession(store.reader, tmp_path)
        told = "select known_at, exchange from trades order by ts_event"
        assert session.run(told).rows == ((T0, ""), (T0 + 9, ""))
        assert session.run(told, as_of=AsOf(known_at=T0 + 8)).rows == ((T0, ""),)


def test_an_empty_store_has_the_same_names_and_no_rows(tmp_path: Path) -> None:
    session = session_over(tmp_path)
    for name in ("bars", "quotes", "trades", "actions", "series", "bars_versions"):
        assert session.run(f"from {name}").rows == ()
    assert "close" in [column.name for column in session.run("select * from bars").columns]


def test_an_answer_stops_at_its_limit_and_says_so(three_days: SqlSession) -> None:
    answer = three_days.run("select * from range(10)", limits=SqlLimits(rows=4))
    assert (len(answer.rows), answer.is_cut) == (4, True)
    assert not three_days.run("select * from range(4)", limits=SqlLimits(rows=4)).is_cut


def test_an_explanation_is_lines_of_text(three_days: SqlSession) -> None:
    lines = [str(row[0]) for row in three_days.run("explain select close from bars").rows]
    assert any("PARQUET" in line.upper() for line in lines)


HOSTILE = (
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/etc/hostname')",
    "select * from glob('/etc/*')",
    "select * from 'https://example.com/x.parquet'",
    "select * from query('copy (select 1) to ''x.csv''')",
)


NAMED = ("copy (select 1) to 'x.csv'", "attach 'x.db'", "export database 'x'", "pragma database_list", "install httpfs")


@pytest.mark.parametrize("text", [*NAMED, *HOSTILE])
def test_no_statement_changes_a_byte_or_reads_beside_the_store(tmp_path: Path, text: str) -> None:
    session = session_over(tmp_path, write_bars(tmp_path, 1, [bar(0, 100)]))
    before = _everything_in(tmp_path)
    with pytest.raises(InvalidValueError):
        session.run(text)
    assert _everything_in(tmp_path) == before


def test_behind_the_guard_the_walls_hold_alone(tmp_path: Path) -> None:
    """The same statements handed to the child's own connection, as if the guard had let them pass."""
    write_bars(tmp_path, 1, [bar(0, 100)])
    before = _everything_in(tmp_path)
    copies = (f"copy (select 1) to '{tmp_path}/new.parquet'", f"copy (select 1) to '{tmp_path}/1.parquet'")
    script = (
        "import json, sys, duckdb\n"
        "from stockpulse_engine.storage.sql import child\n"
        "from stockpulse_engine.storage.sql.protocol import Request, SqlLimits\n"
        "asked = json.load(sys.stdin)\n"
        "request = Request(statement='', views=(), directories=(asked['directory'],), limits=SqlLimits())\n"
        "child._give_up_rights(request.limits)\n"
        "connection = child._open(request)\n"
        "passed = []\n"
        "for text in asked['statements']:\n"
        "    try:\n"
        "        connection.execute(text).fetchall()\n"
        "        passed.append(text)\n"
        "    except duckdb.Error:\n"
        "        continue\n"
        "sys.stdout.write(json.dumps(passed))\n"
    )
    asked = json.dumps({"directory": str(tmp_path), "statements": [*WRITES, *HOSTILE, *copies]})
    done = subprocess.run([sys.executable, "-c", script], input=asked, capture_output=True, text=True, check=True)
    touched = ("copy", "attach", "export", "import", "install", "load", "set ", "call enable")
    assert [text for text in json.loads(done.stdout) if text.startswith(touched)] == []
    left = _everything_in(tmp_path)
    assert {name: left[name] for name in before} == before


def test_a_statement_that_takes_too_long_is_ended(three_days: SqlSession) -> None:
    with pytest.raises(InvalidValueError, match=r"longer than 0\.5 s"):
        three_days.run(ENDLESS, limits=SqlLimits(seconds=0.5))


def test_a_child_whose_engine_is_gone_ends_by_itself(tmp_path: Path) -> None:
    limits = SqlLimits(seconds=0.1)
    asked = Request(statement=ENDLESS, views=(), directories=(str(tmp_path),), limits=limits)
    command = [sys.executable, "-m", "stockpulse_engine.storage.sql.child"]
    done = subprocess.run(command, input=msgspec.msgpack.encode(asked), capture_output=True, check=False)
    assert done.returncode == -signal.SIGALRM


def test_a_statement_can_be_canceled_from_outside(three_days: SqlSession) -> None:
    started = threading.Event()
    cancel: list[Callable[[], None]] = []

    def remember(function: Callable[[], None]) -> None:
        cancel.append(function)
        started.set()

    def stop() -> None:
        started.wait()
        cancel[0]()

    other = threading.Thread(target=stop)
    other.start()
    with pytest.raises(InvalidValueError, match="canceled"):
        three_days.run(ENDLESS, on_start=remember)
    other.join()


def test_a_statement_that_is_too_big_is_refused_with_the_cure(three_days: SqlSession) -> None:
    with pytest.raises(InvalidValueError, match="64 MiB") as caught:
        three_days.run("select list(range) from range(100000000)", limits=SqlLimits(memory_mib=64))
    assert "--memory" in caught.value.fix


def test_a_wrong_name_is_said_with_the_nearest(three_days: SqlSession) -> None:
    with pytest.raises(InvalidValueError, match="bras") as caught:
        three_days.run("select * from bras")
    assert "bars" in caught.value.fix


def test_text_out_of_the_store_drives_no_terminal(three_days: SqlSession) -> None:
    assert three_days.run("select 'a' || chr(27) || '[31mb'").rows == (("ab",),)


def _everything_in(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }

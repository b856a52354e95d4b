"""Rules of the security requirements that a reader of the source can hold: statements, archives, exports, ports."""

from __future__ import annotations

import ast
import csv
import io
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from stockpulse_engine.base.text import cell_text
from stockpulse_engine.client.tablefile import write_csv
from stockpulse_engine.storage.importing.checks import REASON
from stockpulse_engine.storage.importing.refusals import Refusals
from stockpulse_engine.storage.importing.table import ROW

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
HOSTILE = ("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1")
HARMLESS = ("AAPL", "-5", "+5", "-1.5e-3", "1=1", "", "a@b")


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


@pytest.mark.covers("R40", "S17")
def test_a_linter_watches_that_values_reach_sql_as_parameters_alone() -> None:
    """S608 is on for the whole tree; where a room is let off, it makes statements from its own names alone."""
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    assert rules["select"] == ["ALL"]
    assert "S608" not in rules["ignore"]
    let_off = {place for place, ignored in rules["per-file-ignores"].items() if "S608" in ignored and "src/" in place}
    assert let_off == {"src/stockpulse_engine/storage/sql/**", "src/stockpulse_engine/storage/server/**"}


@pytest.mark.covers("R41", "R42", "R50", "S17")
def test_nothing_unpacks_archives_or_runs_what_it_reads() -> None:
    banned = re.compile(r"(^|\.)(extractall|unpack_archive|eval|exec|system|popen)$|^(pickle|marshal|shelve|yaml)\.")
    found = [
        f"{path}:{call.lineno} {name}"
        for path, tree in trees()
        for name, call in calls(tree)
        if banned.search(name) and name != "re.compile"
    ]
    # Its members are confined by tarfile's own filter, and counted before: the disk must have room for all of them.
    assert [place.partition(":")[0] for place in found] == ["src/stockpulse_engine/storage/backup/archive.py"]


@pytest.mark.covers("R01", "R43", "S17")
def test_no_port_is_opened_to_the_world_by_code_or_by_container() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    assert not re.search(r"""["']0\.0\.0\.0["']|INADDR_ANY""", text)
    composed = [path for pattern in ("*compose*.y*ml", "Dockerfile*") for path in ROOT.glob(pattern)]
    assert not any("ports:" in path.read_text(encoding="utf-8") for path in composed)


@pytest.mark.covers("R44", "S17")
@pytest.mark.parametrize("text", HOSTILE)
def test_a_formula_stays_text_in_every_table_that_is_exported(text: str, tmp_path: Path) -> None:
    out = io.StringIO()
    write_csv([(text, "VARCHAR")], [[text]], out)
    assert [row for row in csv.reader(io.StringIO(out.getvalue())) if row] == [[f"'{text}"], [f"'{text}"]]
    refusals = Refusals(tmp_path, "one")
    refusals.begin(0)
    chunk = pl.DataFrame({ROW: [1], "symbol": [text]})
    refusals.write(chunk, pl.DataFrame({ROW: [1], REASON: [text]}))
    with refusals.path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[1][1:] == [f"'{text}", f"'{text}"]


@pytest.mark.parametrize("text", HARMLESS)
def test_numbers_and_words_are_exported_as_they_are(text: str) -> None:
    assert cell_text(text) == text


@pytest.mark.covers("R44")
def test_every_writer_of_csv_is_one_that_these_tests_know() -> None:
    writers = {
        str(path)
        for path, tree in trees()
        for name, _ in calls(tree)
        if name.endswith(("csv.writer", "write_csv", "DictWriter"))
    }
    assert writers == {
        "src/stockpulse_engine/cli/sql.py",
        "src/stockpulse_engine/client/tablefile.py",
        "src/stockpulse_engine/storage/importing/refusals.py",
    }


@pytest.mark.covers("R24", "S17")
def test_no_adapter_knows_a_way_to_move_money_out() -> None:
    """Trading alone: no route of transfers, withdrawals, wallets or bank links is even spelt."""
    banned = re.compile(
        r"/v\d\S*/(transfers|ach|wires?|wallets|withdraw\w*|bank\w*)|ach_relationships|withdraw\(|/funding",
        re.IGNORECASE,
    )
    for path in (SOURCE / "stockpulse_engine" / "adapters").rglob("*.py"):
        assert not banned.search(path.read_text(encoding="utf-8")), path

"""A drill on a pipe: one line a fault, the problems under it, and the whole of it in the last line."""

from __future__ import annotations

import pytest
from msgspec import structs

from stockpulse_engine.cli.drill_lines import Printed, fault_line, teller
from stockpulse_engine.wire.drill import FAULTS, DrillBegan, FaultBegan, FaultEnded, decode_line
from tests.unit.drill.test_report import a_report


def test_lines_for_people_name_what_was_copied_what_failed_and_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    report = a_report()
    failed = structs.replace(report.results[0], state="failed", problems=("cash: 9 here, 8 there",))
    printed = Printed()
    printed.tell(DrillBegan(seed=7, broker="paper", account=report.account, faults=FAULTS[3:4]))
    printed.tell(FaultBegan(number=4))
    printed.tell(FaultEnded(result=failed))
    printed.tell(report)
    printed.tell(structs.replace(report, path="/home/me/drill.json", complaints=("K was sent again",)))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Drill, seed 7: 1 fault at a simulated paper broker, real engine."
    assert "Not copied: 3 X.XNAS: no price" in lines
    assert lines[3].startswith("!!   4  reset mid-response")
    assert lines[4].strip() == "cash: 9 here, 8 there"
    assert "the venue complains: K was sent again" in lines
    assert lines[-1] == "recovered 1/1 · duplicate orders 0 · complaints 1 · worst gap 0.2 s (reset mid-response)"
    assert sum("recovered" in line for line in lines) == 1


def test_a_bar_is_as_long_as_the_gap_and_a_skipped_fault_has_none() -> None:
    good, skipped = a_report().results
    assert fault_line(structs.replace(good, gap_ms=4_000), is_colored=False).count("━") == 10
    assert fault_line(structs.replace(good, gap_ms=60_000), is_colored=False).count("━") == 20
    assert "━" not in fault_line(skipped, is_colored=False)


def test_json_is_a_document_a_line_and_the_report_comes_once(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    tell = teller(as_json=True)
    tell(FaultBegan(number=3))
    tell(a_report())
    tell(structs.replace(a_report(), path="/somewhere"))
    lines = capfdbinary.readouterr().out.splitlines()
    assert [type(decode_line(line)).__name__ for line in lines] == ["FaultBegan", "DrillReport"]

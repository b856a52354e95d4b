"""What a drill leaves: a report in two forms, the newest twenty, and the list that names may be chosen from."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.drill.report import KEPT, last_report, markdown, write_report
from stockpulse_engine.drill.scenarios import SCENARIOS, chosen
from stockpulse_engine.wire.drill import (
    FAULTS,
    AccountCopy,
    DrillEvent,
    DrillReport,
    DrillRow,
    FaultResult,
    KillProof,
    end_line,
)


def a_report() -> DrillReport:
    events = (DrillEvent(at_ms=12, who="fault", words="the line is reset"),)
    rows = (DrillRow(label="cash", ours="9", venue="9", verdict="equal"),)
    good = FaultResult(
        number=4, name="reset", title="reset mid-response", state="ok", gap_ms=160, done="x", events=events, rows=rows
    )
    skipped = FaultResult(number=24, name="disk-full", title="disk full", state="skipped")
    account = AccountCopy(
        account_id="main", account_type="CASH", currency="USD", cash=Decimal(9), left_out=("3 X.XNAS: no price",)
    )
    return DrillReport(
        version="0.1.0", seed=7, broker="paper", started_at=1_795_194_000_000_000_000, took_ms=4200, account=account,
        results=(good, skipped), kill=KillProof(state="ok", tried=20, words="held"), recovered=1, total=1, duplicates=0,
        lost_fills=0, worst_gap_ms=160, worst_gap="reset mid-response", orders=9, fills=4, journal="ok",
    )  # fmt: skip


def test_what_could_not_be_tried_is_no_failure_and_everything_else_is() -> None:
    good = a_report()
    assert good.is_good
    failed = structs.replace(good.results[0], state="failed")
    for bad in (
        structs.replace(good, results=(failed,)),
        structs.replace(good, duplicates=1),
        structs.replace(good, lost_fills=1),
        structs.replace(good, complaints=("X was sent again",)),
        structs.replace(good, journal="its chain does not hold"),
        structs.replace(good, kill=KillProof(state="failed")),
        structs.replace(good, results=()),
    ):
        assert not bad.is_good
    assert end_line(good) == "recovered 1/1 · duplicate orders 0 · worst gap 0.2 s (reset mid-response)"


def test_a_report_is_read_back_and_only_the_newest_are_kept(tmp_path: Path) -> None:
    assert last_report(tmp_path) is None
    last = a_report()
    for number in range(KEPT + 3):
        moment = a_report().started_at + number * 1_000_000_000
        last = write_report(structs.replace(a_report(), started_at=moment), tmp_path)
    assert last_report(tmp_path) == last
    assert len(list(tmp_path.glob("*.json"))) == len(list(tmp_path.glob("*.md"))) == KEPT
    Path(last.path).write_text("{")
    found = last_report(tmp_path)
    assert found is not None
    assert found.started_at < last.started_at


def test_the_page_says_what_was_done_scaled_seen_and_left_out() -> None:
    report = a_report()
    scaled = structs.replace(report.results[0], scaled="a tenth", problems=("cash: 9 here",))
    page = markdown(structs.replace(report, results=(scaled,), complaints=("K was sent again",)))
    for words in (
        "Scaled: a tenth",
        "12 ms  fault  the line is reset",
        "| cash | 9 | 9 | equal |",
        "no price",
        "seed 7",
    ):
        assert words in page
    assert "- problem: cash: 9 here" in page
    assert "K was sent again" in page


def test_faults_are_chosen_by_name_title_or_number() -> None:
    assert [fault for fault, _ in chosen(())] == list(FAULTS)
    assert len(FAULTS) == 24
    assert [fault.name for fault, _ in chosen(("SIGKILL", "4", "half-body"))] == ["reset", "half-body", "sigkill"]
    assert all(fault.name == scenario.name for fault, scenario in SCENARIOS)
    with pytest.raises(InvalidValueError, match="flood"):
        chosen(("flood",))

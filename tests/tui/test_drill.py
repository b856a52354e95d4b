"""The drill screen: the last report, a drill as it runs, the badge, and that nothing starts or goes on unmeant."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from stockpulse_engine.base.paths import resolve_paths
from stockpulse_engine.wire.drill import (
    AccountCopy,
    DrillBegan,
    DrillEvent,
    DrillFault,
    DrillReport,
    DrillRow,
    EventTold,
    FaultBegan,
    FaultEnded,
    FaultResult,
    KillProof,
    RowsTold,
    encode_line,
)
from stockpulse_tui import drill_feed
from stockpulse_tui.screens.drill import DrillScreen
from tests.fakes.fake_link import T0
from tests.tui.book_head import book_head, inside, rest
from tests.tui.harness import SIZES, Head, same_as_snapshot

TITLES = {1: "connect refused", 2: "time-out before send", 3: "SIGKILL"}
ACCOUNT = AccountCopy(
    account_id="main", account_type="MARGIN", currency="USD", cash=Decimal("9000.5"), source="the journal"
)
EVENTS = (
    DrillEvent(at_ms=0, who="fault", words="nobody listens at the venue's address"),
    DrillEvent(at_ms=12, who="us", words="DRILL-00002 BUY 1 F.XNYS: refused by us"),
    DrillEvent(at_ms=1560, who="check", words="everything is proven equal after 1.56 s"),
)
ROWS = (
    DrillRow(label="DRILL-00002", ours="FILLED 1", venue="FILLED 1", verdict="equal"),
    DrillRow(label="cash", ours="9,000.50", venue="8,988.49", verdict="differs"),
)


def result(number: int, state: str = "ok", gap_ms: int = 1560, **more: object) -> FaultResult:
    made = FaultResult(
        number=number,
        name=f"fault-{number}",
        title=TITLES[number],
        state=state,
        gap_ms=gap_ms,
        events=EVENTS,
        rows=ROWS,
    )
    return msgspec.structs.replace(made, **more)


def report() -> DrillReport:
    results = (
        result(1),
        result(2, gap_ms=5800),
        result(3, "failed", 31_000, problems=("cash: 9 here, 8 there",), duplicates=1),
    )
    return DrillReport(
        version="0.1.0", seed=7, broker="paper", started_at=T0 - 90_000_000_000, took_ms=77_000, account=ACCOUNT,
        results=results, kill=KillProof(state="ok", tried=10, words="10 orders tried while it was set, 0 reached the venue"),
        recovered=2, total=3, duplicates=1, lost_fills=0, worst_gap_ms=31_000, worst_gap="SIGKILL", orders=226, fills=84,
        journal="ok", path="/somewhere/drill.json",
    )  # fmt: skip


FAULTS = tuple(
    DrillFault(number=n, name=f"fault-{n}", title=title, words="what is done") for n, title in TITLES.items()
)


def leave_report() -> None:
    """The newest report of this home."""
    directory = resolve_paths().drills
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "drill-20261120T120000Z-seed7.json").write_bytes(msgspec.json.encode(report()))


def a_child(tmp_path: Path, *lines: object, waits: bool = False) -> tuple[str, ...]:
    """A command that says these lines, then ends or waits to be told to."""
    said = b"".join(encode_line(line) + b"\n" for line in lines).decode()
    script = tmp_path / "child.py"
    tail = "import signal\ntry:\n    signal.pause()\nexcept KeyboardInterrupt:\n    sys.exit(130)\n" if waits else ""
    script.write_text(f"import sys\nsys.stdout.write({json.dumps(said)})\nsys.stdout.flush()\n{tail}")
    return (sys.executable, str(script))


@asynccontextmanager
async def drill_head(size: tuple[int, int] = (120, 40), **settings: str) -> AsyncIterator[tuple[Head, DrillScreen]]:
    async with book_head(size, **settings) as (head, _):
        await keys(head, "f7")
        view = head.app.view
        assert isinstance(view, DrillScreen)
        yield head, view


async def keys(head: Head, *names: str) -> None:
    await head.press(*names)
    await rest(head)


async def until(head: Head, holds: Callable[[], bool]) -> None:
    """Wait for the child, however slow."""
    for _ in range(2_000):
        if holds():
            break
        await head.pilot.pause(0.01)
    await rest(head)
    assert holds()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_last_report_looks_as_it_did(size: tuple[int, int]) -> None:
    leave_report()
    async with drill_head(size) as (head, _):
        await keys(head, "G")
        assert same_as_snapshot(f"drill-{size[0]}x{size[1]}", inside(head))
        assert "DRILL" not in head.rows()[0]
        assert "1:30 ago" in head.text()


async def test_without_a_report_it_says_so_and_nothing_starts_unmeant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill_feed, "COMMAND", ("/nowhere/at/all",))
    async with drill_head((200, 60)) as (head, view):
        assert "No drill was run in this home" in head.text()
        assert "24 disk full" in head.text()
        await keys(head, "j", "o")
        assert "Only timeout-before-send" in head.text()
        await keys(head, "escape")
        await keys(head, "r")
        assert "copy of this account" in head.text()
        await keys(head, "escape")
        assert not view.feed.is_on
        await keys(head, "K")
        assert "no drill runs" in head.text()
        await keys(head, "r", "enter")
        await until(head, lambda: bool(view.feed.problem))
        assert "could not be started" in head.text()
        assert not view.feed.is_on


async def test_a_running_drill_is_followed_line_by_line_and_can_be_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (
        DrillBegan(seed=7, broker="paper", account=ACCOUNT, faults=FAULTS),
        FaultBegan(number=1),
        FaultEnded(result=result(1)),
        FaultBegan(number=2),
        *(EventTold(number=2, event=event) for event in EVENTS[:2]),
        RowsTold(number=2, rows=ROWS),
    )
    monkeypatch.setattr(drill_feed, "COMMAND", a_child(tmp_path, *lines, waits=True))
    async with drill_head() as (head, view):
        await keys(head, "r", "enter")
        await until(head, lambda: bool(view.feed.rows))
        text = head.text()
        assert head.rows()[0].startswith(" DRILL ")
        assert "► " in text
        assert "ok" in text
        assert "differs" in text
        assert "refused by us" in text
        await keys(head, "r")
        assert "a drill runs already" in head.text()
        await keys(head, "K")
        await until(head, lambda: not view.feed.is_on)
        assert "ended before its report" in head.text()
        assert not head.rows()[0].startswith(" DRILL ")


async def test_a_drill_that_ends_shows_its_report_and_each_fault_its_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (DrillBegan(seed=7, broker="paper", account=ACCOUNT, faults=FAULTS), report())
    monkeypatch.setattr(drill_feed, "COMMAND", a_child(tmp_path, *lines))
    async with drill_head() as (head, view):
        await keys(head, "r", "enter")
        await until(head, lambda: view.feed.report is not None and not view.feed.is_on)
        assert "kill switch ok" in head.text()
        assert "cash: 9 here, 8 there" not in head.text()
        await keys(head, "G")
        assert "cash: 9 here, 8 there" in head.text()
        await keys(head, "enter")
        assert view.front == "drillproof"
        await keys(head, "escape")
        assert view.front == "drillfaults"


async def test_a_head_that_leaves_ends_its_drill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began = DrillBegan(seed=7, broker="paper", account=ACCOUNT, faults=FAULTS)
    monkeypatch.setattr(drill_feed, "COMMAND", a_child(tmp_path, began, waits=True))
    async with drill_head() as (head, view):
        await keys(head, "r", "enter")
        await until(head, lambda: view.feed.began is not None)
        child = view.feed._child
        assert child is not None
    assert child.returncode is not None

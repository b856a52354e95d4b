"""The drill drawn: its score, its faults as rows, the events and the proof of one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.render.bar import thin_bar
from stockpulse_engine.render.bigdigits import big_digits
from stockpulse_engine.render.glyphs import Glyphs
from stockpulse_engine.render.span import Line, Span
from stockpulse_engine.render.table import Cell, Column, Row
from stockpulse_engine.wire.drill import (
    ASKING,
    DIFFERS,
    FAILED,
    OK,
    SKIPPED,
    DrillEvent,
    DrillFault,
    DrillRow,
    FaultResult,
)

if TYPE_CHECKING:
    from stockpulse_tui.drill_feed import DrillFeed

BAR = 16
BAR_MS = 8_000
"""A bar is full at so long a gap."""
SLOW_MS = 10_000
GOOD = "up"
COLUMNS = (
    Column(title="", width=2, is_right=False),
    Column(title="#", width=2),
    Column(title="fault", width=24, is_right=False, grow=True),
    Column(title="till true", width=BAR, is_right=False, drop=1),
    Column(title="gap", width=8),
)
_WHO = {"fault": "warn", "check": "accent", "us": "text", "venue": "muted"}
_VERDICTS = {ASKING: "accent", DIFFERS: "danger"}
_BIG_WIDTH = 24
_MIN_BIG, _MIN_WORDS = 72, 100


def score_lines(feed: DrillFeed, size: tuple[int, int], glyphs: Glyphs) -> list[Line]:
    """The hero: the score in big digits, a bar, five counts; and the kill switch's last proof."""
    width, height = size
    results, total = list(feed.results.values()), len(feed.shown)
    good = sum(one.state == OK for one in results)
    tried = total - sum(one.state == SKIPPED for one in results)
    room = max(10, width - (_BIG_WIDTH if width >= _MIN_BIG else 0) - 4)
    beside = [
        _counts(results, good, is_short=width < _MIN_WORDS),
        _bar(good, tried, room, glyphs),
        _more(feed),
        _kill(feed),
    ]
    if width < _MIN_BIG:
        return [(Span(" "), Span(f"{good}/{tried}", "strong", bold=True), Span("  "), *beside[0]), *beside[1:]][:height]
    digits = [*big_digits(f"{good}/{tried}", glyphs), ""]
    return [
        (Span("  "), Span(f"{big:<{_BIG_WIDTH}}", "strong", bold=True), *line)
        for big, line in zip(digits, beside, strict=True)
    ][:height]


def _counts(results: Sequence[FaultResult], good: int, *, is_short: bool) -> Line:
    duplicates = sum(one.duplicates for one in results)
    lost = max((one.lost_fills for one in results), default=0)
    worst = max((one.gap_ms for one in results), default=0)
    failed = sum(one.state == FAILED for one in results)
    parts: list[Span] = []
    for word, value, token in (
        ("ok" if is_short else "recovered", str(good), "up" if good and not failed else "text"),
        ("failed", str(failed), "danger" if failed else "text"),
        ("doubled" if is_short else "duplicate orders", str(duplicates), "danger" if duplicates else "text"),
        ("lost" if is_short else "lost fills", str(lost), "danger" if lost else "text"),
        ("worst" if is_short else "worst gap", f"{worst / 1000:.1f} s" if worst else "·", "text"),
    ):
        parts += [Span(f"{word} ", "muted"), Span(value, token, bold=True), Span("  " if is_short else "   ")]
    return tuple(parts)


def _bar(good: int, tried: int, room: int, glyphs: Glyphs) -> Line:
    return thin_bar(good / tried if tried else 0.0, room, token=GOOD, glyphs=glyphs)


def _more(feed: DrillFeed) -> Line:
    if feed.report is not None:
        report = feed.report
        took = f"{report.took_ms / 1000:.0f} s"
        words = f"{report.orders} orders, {report.fills} executions, seed {report.seed}, {took}, journal "
        return (Span(words, "muted"), Span(report.journal[:40], "up" if report.journal == OK else "danger"))
    if feed.began is not None:
        account = feed.began.account
        name, money = clean_line(account.account_id, 24), f"{account.cash:,f} {account.currency[:4]}"
        return (Span(f"seed {feed.began.seed}, a copy of {name}: {money}", "muted"),)
    return ()


def _kill(feed: DrillFeed) -> Line:
    if feed.report is None:
        return (Span("the kill switch is tried at the end", "faint"),) if feed.is_on else ()
    kill = feed.report.kill
    token = "up" if kill.state == OK else "danger"
    return (
        Span("kill switch ", "muted"),
        Span(kill.state, token, bold=True),
        Span(f"  {clean_line(kill.words, 120)}", "muted"),
    )


def fault_row(fault: DrillFault, result: FaultResult | None, elapsed_ms: int, glyphs: Glyphs) -> Row:
    """One fault; `elapsed_ms` is how long the running one lasts, -1 for any other."""
    if elapsed_ms >= 0:
        mark, token, gap = ("►" if glyphs.has_blocks else ">"), "accent", elapsed_ms
    elif result is None:
        mark, token, gap = glyphs.nothing, "faint", 0
    else:
        mark = {OK: "ok", FAILED: "!!"}.get(result.state, glyphs.nothing)
        token = {OK: "up", FAILED: "danger"}.get(result.state, "faint")
        gap = result.gap_ms
    is_calm = result is None and elapsed_ms < 0
    bar = thin_bar(gap / BAR_MS, BAR, token="warn" if gap > SLOW_MS and token == GOOD else token, glyphs=glyphs)
    return Row(
        cells=(
            Cell(mark, token, bold=True),
            Cell(str(fault.number), "muted"),
            Cell(clean_line(fault.title, 40), "faint" if is_calm else "text", bold=elapsed_ms >= 0),
            Cell("", parts=bar if gap else (Span(glyphs.thin * BAR, "line"),)),
            Cell(
                f"{gap / 1000:.2f} s" if gap else glyphs.nothing,
                token if elapsed_ms >= 0 else "text" if gap else "faint",
            ),
        )
    )


def proof_lines(
    events: Sequence[DrillEvent],
    rows: Sequence[DrillRow],
    result: FaultResult | None,
    size: tuple[int, int],
    glyphs: Glyphs,
) -> list[Line]:
    """What happened, newest at the bottom, then ours against the venue row by row."""
    width, height = size
    table = _table(rows, width)
    problems: list[Line] = [
        (Span(" !! ", "danger", bold=True), Span(clean_line(words, max(8, width - 6)), "danger"))
        for words in (result.problems[:4] if result is not None else ())
    ]
    below = [*problems, *table[: max(0, height // 2)]]
    room = max(1, height - len(below) - 1)
    lines = [_event(one, width) for one in events[-room:]]
    lines += [()] * (room - len(lines))
    rule: Line = (Span(" " + glyphs.thin * max(0, width - 2), "line"),)
    return [*lines, rule, *below][:height]


def _event(event: DrillEvent, width: int) -> Line:
    token = _WHO.get(event.who, "text")
    return (
        Span(f" {f'+{event.at_ms} ms':>9}  ", "faint"),
        Span(f"{clean_line(event.who, 6):<6}", token, bold=event.who == "fault"),
        Span(clean_line(event.words, max(8, width - 19)), token),
    )


def _table(rows: Sequence[DrillRow], width: int) -> list[Line]:
    if not rows:
        return []
    label = max(12, min(18, width - 40))
    own = max(12, min(20, (width - label - 12) // 2))
    head: Line = (Span(f" {'':<{label}}{'ours':>{own}}{'venue':>{own}}", "muted"),)
    made = [head]
    for row in rows:
        token = _VERDICTS.get(row.verdict, "up")
        ours, venue = clean_line(row.ours, own - 1), clean_line(row.venue, own - 1)
        made.append(
            (
                Span(f" {clean_line(row.label, label - 1):<{label}}", "text"),
                Span(f"{ours:>{own}}{venue:>{own}}", "strong"),
                Span(f"  {row.verdict}", token),
            )
        )
    return made

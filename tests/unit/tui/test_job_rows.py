"""Jobs as rows and lanes: numbers people read, and every run where it belongs on the day."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from stockpulse_engine.domain.jobs import JobSpan, JobsView
from stockpulse_engine.render.glyphs import ASCII, FULL
from stockpulse_engine.render.span import Line, to_plain
from stockpulse_tui.job_lanes import NAME, lane_lines
from stockpulse_tui.job_log_lines import log_row, read_line
from stockpulse_tui.job_rows import SHOWN, amount, duration, marks, moment, until
from tests.fakes.fake_jobs import CLOSE, HOUR, MIDNIGHT, MINUTE, NOW, OPEN, SECOND, at, views

ZONE = "America/New_York"
STATES = ("DONE", "FAILED", "DIED", "CANCELED")


def day(**changes: object) -> JobsView:
    view = JobsView(
        now_ns=NOW, zone=ZONE, day_start_ns=MIDNIGHT, day_end_ns=MIDNIGHT + 24 * HOUR, open_ns=OPEN, close_ns=CLOSE,
        is_timed=True, jobs=views(),
    )  # fmt: skip
    return structs.replace(view, **changes)


def lane(lines: Sequence[Line], job: str) -> str:
    found = next(to_plain([line]) for line in lines if to_plain([line]).startswith(f" {job} "))
    return found.rstrip("\n")[NAME + 1 :]


@pytest.mark.parametrize(
    ("ns", "words"),
    [
        (0, "0.0 s"),
        (9_940_000_000, "9.9 s"),
        (42 * SECOND, "0:42"),
        (2300 * SECOND, "38:20"),
        (7510 * SECOND, "2:05:10"),
    ],
)
def test_durations_are_as_short_as_they_can_be(ns: int, words: str) -> None:
    assert duration(ns) == words


@pytest.mark.parametrize(
    ("wrote", "words"),
    [(0, "0 B"), (999, "999 B"), (999_999, "1.0 MB"), (8_123_456_789, "8.1 GB"), (48_112, "48 kB")],
)
def test_bytes_are_told_in_their_unit(wrote: int, words: str) -> None:
    assert amount(wrote, "bytes") == words
    assert amount(wrote, "rows") == f"{wrote:,}"


def test_moments_of_today_are_times_and_others_name_their_day() -> None:
    assert moment(at(16, 30), NOW, ZONE) == "16:30"
    assert moment(at(33, 15), NOW, ZONE) == "Sat 09:15"
    assert moment(NOW + 20 * 24 * HOUR, NOW, ZONE) == "12-10"
    assert [until(left) for left in (0, MINUTE, 90 * MINUTE, 50 * HOUR)] == ["now", "2 m", "1 h 31", "2 d 02"]


@given(results=st.lists(st.sampled_from(STATES), max_size=20).map(tuple))
def test_the_last_runs_fill_their_column_and_differ_without_colour(results: tuple[str, ...]) -> None:
    plain = to_plain([marks(results, FULL)]).rstrip("\n")
    assert len(plain) == SHOWN
    assert plain.strip().count("×") == sum(state in {"FAILED", "DIED"} for state in results[-SHOWN:])
    assert to_plain([marks(results, ASCII)]).isascii()


def test_each_run_lies_at_its_time() -> None:
    lines = lane_lines(day(), NOW, (NAME + 3 + 96, 12), FULL)  # a cell is a quarter of an hour
    assert lane(lines, "backfill")[24] == "×"
    assert lane(lines, "eod").index("▪") == 66
    assert lane(lines, "prune")[42] == "│"
    assert (lane(lines, "backup")[16], lane(lines, "backup")[20]) == ("·", "▪")
    assert lane(lines, "tail").startswith("━" * 13)
    assert lane(lines, "tail").rstrip().endswith("─")
    assert "open to 16:00" in to_plain(lines)
    assert "no session today" in to_plain(lane_lines(day(open_ns=0, close_ns=0), NOW, (99, 12), FULL))


@given(
    spans=st.lists(
        st.tuples(st.integers(-HOUR, 26 * HOUR), st.integers(0, 30 * HOUR), st.sampled_from(STATES)), max_size=8
    ),
    width=st.integers(20, 220),
    height=st.integers(3, 14),
)
def test_whatever_ran_the_lanes_keep_to_their_room(spans: list[tuple[int, int, str]], width: int, height: int) -> None:
    today = tuple(JobSpan(MIDNIGHT + start, MIDNIGHT + start + took, state) for start, took, state in spans)
    jobs = tuple(structs.replace(job, today=today) for job in views())
    lines = lane_lines(day(jobs=jobs), NOW, (width, height), FULL)
    assert len(lines) <= height
    assert all(len(to_plain([line]).rstrip("\n")) <= max(width, NAME + 16) for line in lines)


def test_a_line_of_the_log_is_read_or_shown_as_it_is() -> None:
    line = read_line("2026-11-20T11:00:04.880000Z 2026-11-19 done: 7 rows")
    assert (line.at_ns, line.key, line.text) == (1_795_172_404_880_000_000, "2026-11-19", "done: 7 rows")
    assert read_line("no time here at all").text == "no time here at all"
    (row,) = log_row(line, ZONE, 60, day="2026-11-20")
    assert to_plain([row]).startswith("  06:00:04.880   done: 7 rows")
    assert "11-20 06:00:04" in to_plain(log_row(line, ZONE, 60, day="2026-11-21"))
    assert len(log_row(line._replace(text="word " * 40), ZONE, 60, day="")) > 1

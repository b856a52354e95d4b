"""The watchlists' file: what another head wrote is taken in once, and what can not be read is never written over."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockpulse_tui.watch_file import BROKEN, WatchFile
from stockpulse_tui.watchlists import Group, Watchlists, load_watchlists

MINE = (Group("Core", ("AAPL", "NVDA")),)
THEIRS = (Group("Core", ("AAPL",)), Group("Banks", ("JPM", "BAC")))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with this head's groups."""
    path = tmp_path / "watchlists.json"
    Watchlists(MINE).save(path)
    return path


def test_what_is_as_it_was_changes_nothing(file: Path) -> None:
    lists = Watchlists(MINE)
    kept = WatchFile(file, lists)
    assert not kept.look()
    assert not kept.look()
    assert lists.groups == MINE


def test_what_another_head_wrote_is_taken_in_once(file: Path) -> None:
    lists = Watchlists(MINE)
    kept = WatchFile(file, lists)
    kept.look()
    Watchlists(THEIRS).save(file)
    assert kept.look()
    assert lists.groups == THEIRS
    assert not kept.look()


def test_what_was_written_between_loading_and_the_first_look_is_not_missed(file: Path) -> None:
    lists = load_watchlists(file)[0]
    Watchlists(THEIRS).save(file)
    assert WatchFile(file, lists).look()
    assert lists.groups == THEIRS


def test_own_writing_is_not_taken_for_anothers(file: Path) -> None:
    lists = Watchlists(MINE)
    kept = WatchFile(file, lists)
    lists.remove("AAPL")
    kept.save()
    assert not kept.look()
    assert lists.undo(), "what was changed here can still be taken back"


def test_over_anothers_change_nothing_is_taken_back(file: Path) -> None:
    lists = Watchlists(MINE)
    kept = WatchFile(file, lists)
    lists.remove("AAPL")
    kept.save()
    Watchlists(THEIRS).save(file)
    kept.look()
    assert not lists.undo()
    assert lists.groups == THEIRS


def test_the_group_in_sight_stays_in_sight(file: Path) -> None:
    Watchlists(THEIRS).save(file)
    lists = Watchlists(THEIRS)
    lists.show(1)
    kept = WatchFile(file, lists)
    Watchlists((Group("New", ("TSLA",)), *THEIRS)).save(file)
    kept.look()
    assert lists.group.name == "Banks"


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "[]"])
def test_a_file_that_says_nothing_changes_nothing(file: Path, text: str) -> None:
    lists = Watchlists(MINE)
    kept = WatchFile(file, lists)
    file.write_text(text)
    assert not kept.look()
    assert lists.groups == MINE


def test_a_file_that_can_not_be_read_is_kept_beside_the_new_one(file: Path) -> None:
    lists = Watchlists(MINE)
    kept = WatchFile(file, lists)
    file.write_text("somebody's work, {")
    lists.remove("AAPL")
    kept.save()
    assert load_watchlists(file)[0].groups == (Group("Core", ("NVDA",)),)
    assert file.with_name(file.name + BROKEN).read_text() == "somebody's work, {"


def test_a_file_that_went_away_is_written_again(file: Path) -> None:
    lists = Watchlists(MINE)
    kept = WatchFile(file, lists)
    file.unlink()
    assert not kept.look()
    lists.remove("AAPL")
    kept.save()
    assert load_watchlists(file)[0].groups == (Group("Core", ("NVDA",)),)


def test_without_a_path_nothing_is_kept() -> None:
    kept = WatchFile(None, Watchlists(MINE))
    kept.save()
    assert not kept.look()

"""Two heads of one home: a watchlist changed in one is seen in the other."""

from __future__ import annotations

from pathlib import Path

from stockpulse_tui.watchlists import Group, Watchlists, load_watchlists
from stockpulse_tui.widgets.board import Board
from tests.tui.harness import Head, running_head


def symbols(head: Head) -> list[str]:
    """What the board shows, from the top."""
    board = head.app.view.panes["watchlist"]
    assert isinstance(board, Board)
    return [row.symbol for row in board.rows]


async def test_what_another_head_watches_is_shown_here_a_second_later(tmp_path: Path) -> None:
    file = tmp_path / "watchlists.json"
    async with running_head(watch_file=file) as head:
        Watchlists((Group("Tech", ("NVDA", "AMD")), Group("Banks", ("JPM",)))).save(file)
        await head.tick()
        assert symbols(head) == ["NVDA", "AMD"]
        await head.press("x")
        await head.tick()
        assert symbols(head) == ["AMD"]
        assert "JPM" in file.read_text(), "the other head's group is kept"


async def test_a_change_made_within_the_same_second_keeps_the_other_heads_change(tmp_path: Path) -> None:
    file = tmp_path / "watchlists.json"
    Watchlists((Group("Core", ("AAPL", "NVDA")), Group("Banks", ("JPM",)))).save(file)
    async with running_head(watch_file=file) as head:
        await head.tick()
        Watchlists((Group("Core", ("AAPL", "NVDA")), Group("Banks", ("JPM", "BAC")))).save(file)
        await head.press("x")  # before this head has looked at the file again
        assert symbols(head) == ["NVDA"]
        assert load_watchlists(file)[0].groups == (Group("Core", ("NVDA",)), Group("Banks", ("JPM", "BAC")))

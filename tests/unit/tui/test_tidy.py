"""A head lets go of what it does not use: often and cheaply, and now and then wholly."""

from __future__ import annotations

import gc

import pytest

from stockpulse_tui import tidy
from stockpulse_tui.tidy import COLLECT_S, TRIM_S, Tidy


def test_memory_is_given_back_every_minute_and_collected_every_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(tidy, "give_back", lambda: done.append("trim"))
    monkeypatch.setattr(gc, "collect", lambda: done.append("collect"))
    own = Tidy()
    for _ in range(TRIM_S - 1):
        own.on_second()
    assert done == []
    own.on_second()
    assert done == ["trim"]
    for _ in range(COLLECT_S - TRIM_S):
        own.on_second()
    assert (done.count("trim"), done.count("collect")) == (COLLECT_S // TRIM_S, 1)
    assert done[-2:] == ["collect", "trim"], "what was collected is given back at once"

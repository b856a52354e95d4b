"""The pilot waits for what is to come, not for a quiet machine."""

from __future__ import annotations

import pytest

from tests.tui.harness import all_turns


@pytest.fixture(autouse=True)
def _no_guessing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The framework takes a process that gets no CPU for one that has nothing to do; on a busy machine that is wrong."""
    for place in ("textual.pilot.wait_for_idle", "textual.app.wait_for_idle"):
        monkeypatch.setattr(place, all_turns)

"""The shell on fake frames, for looking at it in a real terminal: `python -m tests.tui.dev_app`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TEXTUAL_FPS", "30")


def main() -> None:
    """Run until `q`."""
    from stockpulse_engine.base.clock import WallClock
    from stockpulse_tui.app import StockPulseApp
    from stockpulse_tui.settings import Settings
    from tests.fakes.fake_desk import DeskCommands
    from tests.fakes.fake_link import T0, FakeLink

    class ShiftedClock(WallClock):
        """The wall clock, moved to the day of the pictures."""

        def __init__(self) -> None:
            self._shift = T0 - WallClock().now_ns()

        def now_ns(self) -> int:
            """A moment of that day."""
            return super().now_ns() + self._shift

    clock = ShiftedClock()
    settings = Settings(file=Path(os.devnull) if len(sys.argv) < 2 else Path(sys.argv[1]))
    for name in ("theme", "glyphs"):
        if os.environ.get(f"DEV_{name.upper()}"):
            settings.change(name, os.environ[f"DEV_{name.upper()}"])
    link = FakeLink(clock, period_s=0.4, moves=3)
    link.fake_commands = DeskCommands(link)
    StockPulseApp(link, clock=clock, settings=settings).run()


if __name__ == "__main__":
    main()

"""Puts one head together: settings, keymap, watchlists, link, application, and the frame saved for next time."""

from __future__ import annotations

import gc
from collections.abc import Callable

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.base.paths import Paths, ensure_private
from stockpulse_tui.app import StockPulseApp
from stockpulse_tui.link import EngineLink
from stockpulse_tui.settings import load_settings
from stockpulse_tui.watchlists import load_watchlists

WATCHLISTS, HEAD_STATE, KEYMAPS = "watchlists.json", "head.json", "keymaps"


def make_app(paths: Paths, arguments: tuple[str, ...] = ()) -> StockPulseApp:
    """The application of one home, not yet running."""
    ensure_private(paths.config)
    ensure_private(paths.state)
    settings = load_settings(paths.config_file, paths.state / HEAD_STATE)
    lists, problem = load_watchlists(paths.config / WATCHLISTS)
    if problem:
        settings.problems.append(problem)
    app = StockPulseApp(
        EngineLink(paths, arguments=arguments),
        clock=WallClock(),
        settings=settings,
        watchlists=lists,
        watch_file=paths.config / WATCHLISTS,
    )
    app.instrument_id = settings.state.instrument_id
    app.keymap.load_actions(settings.ui.keymap)
    app.keymap.load(paths.config / KEYMAPS)
    return app


def calm_collector() -> None:
    """What is loaded stays: take it out of the collector's sight, and let it look less often at what streams by."""
    gc.freeze()  # without a collection before it: 20 ms of the first frame for the little garbage of imports
    gc.set_threshold(20_000, 20, 20)


def run(paths: Paths, arguments: tuple[str, ...], to_bytes: Callable[[list[str]], bytes]) -> int:
    """Run the head and return its exit code; its last frame is saved every minute and when it leaves."""
    app = make_app(paths, arguments)

    def save_frame() -> None:
        rows = app.frame_rows()
        if rows:
            atomic_write(paths.last_frame, to_bytes(rows))

    app.leaving.save_frame = save_frame
    app.leaving.heeds_signals = True
    calm_collector()
    app.run()
    return app.return_code or 0

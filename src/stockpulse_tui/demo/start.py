"""Puts the story on the screen: a head of the throw-away home, its teller, and what came of it."""

from __future__ import annotations

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.paths import Paths, ensure_private
from stockpulse_tui.demo.app import DemoApp
from stockpulse_tui.demo.plan import Plan
from stockpulse_tui.link import EngineLink
from stockpulse_tui.settings import load_settings
from stockpulse_tui.start import HEAD_STATE, calm_collector


def run_on_screen(paths: Paths, plan: Plan, *, is_fast: bool) -> list[str]:
    """Run the head until the reader leaves; returns what did not come out as told."""
    ensure_private(paths.config)
    ensure_private(paths.state)
    load_settings(paths.config_file, paths.state / HEAD_STATE).save()  # what greets a new home is not part of the story
    problems: list[str] = []
    app = DemoApp(
        EngineLink(paths, arguments=plan.daemon_arguments),
        clock=WallClock(),
        settings=load_settings(paths.config_file, paths.state / HEAD_STATE),
    )

    async def tell(app: DemoApp) -> None:
        from stockpulse_engine.client.client import EngineClient
        from stockpulse_tui.demo.director import Director
        from stockpulse_tui.demo.machine import Machine
        from stockpulse_tui.demo.screen import ScreenStage

        client = EngineClient(paths)
        director = Director(client, Machine(paths, plan.daemon_arguments), ScreenStage(app, is_fast=is_fast), plan)
        try:
            await director.run()
        finally:
            problems.extend(director.problems)
            await client.close()
        app.leave()

    app.story = tell
    calm_collector()
    app.run()
    return problems

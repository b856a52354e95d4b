"""`python -m stockpulse_tui.demo`: tells the story in the home and on the day that `sp demo` chose."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_tui.demo.plan import Plan, read_plan
from stockpulse_tui.splash import paint_last_frame


def main() -> int:
    """Tell it; returns 0 when everything came out as told."""
    parser = argparse.ArgumentParser(prog="sp demo")
    parser.add_argument("--home", required=True)
    parser.add_argument("--plan", required=True)
    parser.add_argument("--text", action="store_true")
    parser.add_argument("--fast", action="store_true")
    found = parser.parse_args()
    paths, plan = resolve_paths(found.home), read_plan(found.plan)
    if found.text:
        problems = asyncio.run(_tell_text(paths, plan, is_fast=found.fast))
    else:
        os.environ.setdefault("TEXTUAL_FPS", "30")
        paint_last_frame(paths.last_frame, "a throw-away home, a market from seed, an engine of its own")
        from stockpulse_tui.demo.start import run_on_screen  # after the first paint

        problems = run_on_screen(paths, plan, is_fast=found.fast)
    for problem in problems:
        sys.stderr.write(f"! {problem}\n")
    return 1 if problems else 0


async def _tell_text(paths: Paths, plan: Plan, *, is_fast: bool) -> list[str]:
    from stockpulse_engine.client.client import EngineClient
    from stockpulse_tui.demo.director import Director
    from stockpulse_tui.demo.machine import Machine
    from stockpulse_tui.demo.text import TextStage

    client, machine = EngineClient(paths), Machine(paths, plan.daemon_arguments)
    director = Director(client, machine, TextStage(client, machine, is_fast=is_fast), plan)
    try:
        await director.run()
    finally:
        await client.close()
    return director.problems


if __name__ == "__main__":
    sys.exit(main())

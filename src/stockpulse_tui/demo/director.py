"""The story in its order: twelve chapters, each an act and what the engine says came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from stockpulse_tui.demo.machine import Machine
from stockpulse_tui.demo.market_acts import MarketActs
from stockpulse_tui.demo.plan import Plan
from stockpulse_tui.demo.safety_acts import SafetyActs
from stockpulse_tui.demo.stage import Stage
from stockpulse_tui.demo.teller import Teller

if TYPE_CHECKING:
    from stockpulse_engine.client.client import EngineClient

Chapter = tuple[str, Callable[[], Awaitable[None]]]


class Director:
    """Tells one story, through the engine's client alone. `problems` is empty when all came out as told."""

    def __init__(self, client: EngineClient, machine: Machine, stage: Stage, plan: Plan) -> None:
        self._stage = stage
        self._teller = Teller(client, stage, plan)
        market, safety = MarketActs(self._teller), SafetyActs(self._teller, machine)
        self.chapters: tuple[Chapter, ...] = (
            ("A house of its own", market.house),
            ("The opening", market.opening),
            ("A headline", market.headline),
            ("A bracket in one line", market.bracket),
            ("The stop follows", market.follow),
            ("A stock is halted", market.pause),
            ("The brake", safety.brake),
            ("The word", safety.word),
            ("kill -9", safety.kill),
            ("Everything still there", safety.back),
            ("Why", safety.why),
            ("The day", safety.day),
        )

    @property
    def problems(self) -> list[str]:
        """What did not come out as told."""
        return self._teller.problems

    async def run(self) -> None:
        """Tell it all."""
        for number, (title, tell) in enumerate(self.chapters, 1):
            await self._stage.open_chapter(number, len(self.chapters), title)
            await tell()

"""Market time under the teller's hand: hurried while nothing happens, held while the reader reads, and always shown."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from stockpulse_engine.base.tasks import spawn
from stockpulse_tui.demo.plan import SECOND_NS
from stockpulse_tui.demo.stage import Stage

if TYPE_CHECKING:
    from stockpulse_engine.client.client import EngineClient

SPEEDS = (1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 100.0, 200.0, 400.0)
WAIT_S = 14.0
"""How long a stretch of nothing may take."""
LOOK_S = 0.15
BRAKE_S = 0.8
"""How much wall time the market keeps before it is due, at any speed: it arrives at its own pace."""
HOLD_NS = 20 * SECOND_NS
"""Before an event that the story needs, the market waits for its reader."""
MAX_LOOKS = 2_000


class MarketPace:
    """Says how fast market time runs. The header shows it: ×60, paused."""

    def __init__(self, client: EngineClient, stage: Stage) -> None:
        self._client = client
        self._stage = stage
        self._speed = 1.0

    async def now(self) -> int:
        """Market time."""
        return (await self._client.clock()).market_ns

    async def run_to(self, due_ns: int, *, limit: float = SPEEDS[-1]) -> None:
        """Let the market run to a moment, as fast as the reader's patience asks, and then at its own pace again."""
        begun_at = await self.now()
        for _ in range(MAX_LOOKS):
            left_s = (due_ns - await self.now()) / SECOND_NS
            if left_s <= 0:
                break
            if self._stage.is_hurried:
                await self._jump_to(due_ns)
                break
            wanted = min((due_ns - begun_at) / SECOND_NS / WAIT_S, left_s / BRAKE_S, limit)
            await self._set(max((s for s in SPEEDS if s <= wanted), default=1.0))
            await asyncio.sleep(min(LOOK_S, max(0.01, left_s / self._speed)))
        await self._set(1.0)

    async def _jump_to(self, due_ns: int) -> None:
        """Hold the market and step it to the moment: everything in between happens, nobody watches it."""
        await self._set(1.0)
        await self._client.control_market("pause")
        left_ns = due_ns - await self.now()
        if left_ns > 0:
            await self._client.control_market("step", step_ns=left_ns)
        for _ in range(MAX_LOOKS):
            if await self.now() >= due_ns:
                break
            await asyncio.sleep(LOOK_S)
        await self._client.control_market("resume")

    async def _set(self, speed: float) -> None:
        if speed != self._speed:
            self._speed = speed
            await self._client.control_market("speed", speed=speed)

    async def read_until(self, event_ns: int) -> None:
        """Wait for the reader; when `event_ns` comes near meanwhile, hold the market and let it go afterwards."""
        reading = spawn(self._stage.turn(), name="the reader")
        is_held = False
        try:
            while not reading.done():
                await asyncio.wait({reading}, timeout=0.5)
                if event_ns and not is_held and not reading.done() and await self.now() > event_ns - HOLD_NS:
                    await self._client.control_market("pause")
                    is_held = True
        finally:
            reading.cancel()
        if is_held:
            await self._client.control_market("resume")
        await reading

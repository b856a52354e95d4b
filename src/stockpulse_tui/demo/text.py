"""The story as plain text: the same teller, the client's hands instead of keys, the shell's words for each act."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from decimal import Decimal
from textwrap import fill
from typing import TYPE_CHECKING

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.base.text import clean_line, clean_text
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.views import DayReview, OrderLife
from stockpulse_engine.render.format import format_latency
from stockpulse_engine.wire.rest import ModifyBody
from stockpulse_tui.demo.lines import as_command, read_line
from stockpulse_tui.demo.machine import Machine

if TYPE_CHECKING:
    from stockpulse_engine.client.client import EngineClient

WIDTH = 88
_MARKS = {"read": "!", "denied": "✗"}
READ_S, LETTERS_PER_S = 1.5, 28.0
"""How long a page is left alone before the story goes on."""


class TextStage:
    """Writes to stdout. With `is_fast` nobody reads and nothing is waited for."""

    def __init__(self, client: EngineClient, machine: Machine, *, is_fast: bool) -> None:
        self._client = client
        self._machine = machine
        self._is_fast = is_fast
        self._page = ""

    @property
    def is_hurried(self) -> bool:
        """Nobody waits for a machine."""
        return self._is_fast

    async def enter(self) -> None:
        """Start the engine and say its steps."""
        await self._machine.start(lambda step: self._row(f"… {step}"))

    async def open_chapter(self, number: int, total: int, title: str) -> None:
        """A heading."""
        heading = f"{number} of {total}  {title}"
        self._write(f"\n{heading}\n{'─' * len(heading)}\n")

    async def tell(self, text: str) -> None:
        """A paragraph."""
        self._page = text
        self._write(fill(clean_line(text, 400), WIDTH) + "\n")

    async def turn(self) -> None:
        """Time to read it."""
        if not self._is_fast:
            await asyncio.sleep(READ_S + len(self._page) / LETTERS_PER_S)

    async def look(self, screen: str, instrument_id: str = "") -> None:
        """The quote of what would be looked at."""
        if instrument_id:
            self._command(f"quote {instrument_id}")
            for one in await self._client.quotes((instrument_id,)):
                self._row(f"{one.instrument_id}  {one.bid} × {one.ask}  last {one.last}")

    async def arm(self) -> None:
        """`sp buy --yes` is its own confirmation."""

    async def draft(self, line: str) -> None:
        """What `sp buy` would say before it asks."""
        self._command(line)
        parsed = await read_line(self._client, line)
        preview = await self._client.preview_order(as_command(parsed))
        self._row(parsed.sentence)
        for row in preview.rows:
            self._row(f"{_MARKS.get(row.verdict, ' ')} {row.name:<7} {row.text}")
        if not preview.is_allowed:
            self._row(f"! Denied: {preview.denial}: {preview.denial_text}")

    async def order(self, line: str) -> None:
        """Read the line, look at its preview, submit it."""
        await self.draft(line)
        parsed = await read_line(self._client, line)
        self._row("yes")
        try:
            await self._client.submit_order(as_command(parsed))
        except StockPulseError as error:
            self._row(f"! {error.title}: {error}")

    async def drop(self) -> None:
        """Nothing is open."""

    async def move_stop(self, order: Order, price: Decimal) -> None:
        """Modify it."""
        self._command(f"modify {order.client_order_id} --stop {price}")
        await self._client.modify_order(order.client_order_id, ModifyBody(request_id=new_id("R"), stop_price=price))

    async def halt(self) -> None:
        """The brake."""
        self._command("halt")
        await self._client.set_halt("halt", reason="the story's brake")

    async def resume(self) -> None:
        """The word."""
        self._command("resume")
        await self._client.set_halt("resume", word="RESUME")

    async def show_life(self, life: OrderLife) -> None:
        """Step by step."""
        self._command(f"why {life.order.client_order_id}")
        for step in life.steps:
            self._row(f"+{format_latency(step.gap_ns):>8}  {step.mark:<11} {step.sentence}")

    async def show_day(self, review: DayReview) -> None:
        """One row per order, one per refusal."""
        self._command("day")
        for one in review.orders:
            terms, status = one.order.terms, one.order.status.value
            self._row(f"{terms.side.value:<5}{terms.quantity:>5} {terms.instrument_id:<10} {status:<9} fees {one.fees}")
        for refusal in review.refusals:
            self._row(f"refused {refusal.instrument_id}  {refusal.code}: {refusal.sentence}")

    async def show_rows(self, rows: Sequence[str]) -> None:
        """Proof."""
        for row in rows:
            self._row(row)

    def _command(self, words: str) -> None:
        self._row(f"$ sp {words}")

    def _row(self, text: str) -> None:
        self._write(f"    {clean_text(text, 400)}\n")

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

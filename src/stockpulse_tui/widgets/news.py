"""News of the day, newest first: when it was first seen, whom it is about, and its tone as the provider says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.market import NewsItem
from stockpulse_engine.render.format import format_minute
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.cell import Cell
from stockpulse_tui.painter import cells
from stockpulse_tui.widgets.panel import Panel
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from textual import events

_TONES = {1: ("▲", "up"), -1: ("▼", "down")}
SYMBOL_WIDTH = 7


def news_line(item: NewsItem, zone: str, width: int, bg: str) -> Line:
    """One headline; outside text is cleaned again here, whatever came before."""
    symbol = symbol_of(item.instrument_ids[0]) if item.instrument_ids else ""
    glyph, token = _TONES.get(item.tone, ("·", "faint"))
    room = max(1, width - SYMBOL_WIDTH - 12)
    headline = cells(clean_line(item.headline, 200))
    if len(headline) > room:
        headline = headline[: room - 1] + "…"
    return (
        Span(f" {format_minute(item.ts_event, zone)} ", "faint", bg),
        Span(f" {cells(clean_line(symbol, 12))[:SYMBOL_WIDTH]:<{SYMBOL_WIDTH}}", "strong", bg, bold=True),
        Span(f"{glyph} ", token, bg),
        Span(f" {headline}".ljust(room + 1), "text", bg),
    )


class News(Panel):
    """The news pane."""

    context = Context.GLOBAL
    title = "News"
    kinds = frozenset({"news"})

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.at = 0

    def title_left(self) -> Line:
        """What the times mean."""
        return (Span("first seen", "muted", self.title_bg),)

    def title_right(self) -> Line:
        """How many there are."""
        return (Span(f"{len(self.store.news)} today", "muted", self.title_bg),)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Newest first."""
        if not self.store.news:
            return empty_state("·", "No news yet", "Nothing was published since the session began.", (width, height))
        zone = self.store.clock.time_zone if self.store.clock else "UTC"
        return [news_line(item, zone, width, "panel") for item in list(self.store.news)[:height]]

    def cell(self) -> Cell | None:
        """The newest headline."""
        if not self.store.news:
            return None
        item = self.store.news[0]
        return Cell(
            name="headline", value=clean_line(item.headline), source=clean_line(item.source, 40), ts_event=item.ts_event
        )

    def on_click(self, event: events.Click) -> None:
        """A click picks the instrument the headline is about."""
        items = list(self.store.news)
        if 1 <= event.y <= len(items) and items[event.y - 1].instrument_ids:
            self.shell.pick_instrument(items[event.y - 1].instrument_ids[0])

"""What the footer has said, newest first, each sentence whole."""

from __future__ import annotations

from collections.abc import Iterable

from stockpulse_engine.render.format import format_age
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.widgets.footer import NOTICE_TOKENS, Notice

AGE_WIDTH = 12
MARKS = {"info": "  ", "warn": "! ", "danger": "! "}


def notice_lines(notices: Iterable[Notice], now_ns: int) -> list[Line]:
    """One line per notice: its age, whether it matters, its sentence."""
    found = [_line(notice, f"{format_age(now_ns - notice.at_ns)} ago") for notice in notices]
    return found or [(Span("Nothing was said yet.", "muted"),)]


def _line(notice: Notice, age: str) -> Line:
    mark = Span(MARKS[notice.level], NOTICE_TOKENS[notice.level], bold=True)
    return (Span(f"{age:<{AGE_WIDTH}}", "muted"), mark, Span(notice.text, "text"))

"""The line in which a study is named, and above it the studies that fit what was typed, each with what it is."""

from __future__ import annotations

from collections.abc import Sequence

from stockpulse_engine.actions.studynames import StudyName, completed, find_studies, study_names
from stockpulse_engine.render.span import Line, Span, fit, spread
from stockpulse_tui.screens.slots import Box
from stockpulse_tui.widgets.line_view import LineView
from stockpulse_tui.widgets.overlay import Prompt, edit_spans

ROWS = 10
"""Studies in sight at once."""
LEAST_BODY = 8
"""Rows of the screen it leaves to what is behind it."""
PURPOSE = "chart.study"
_EXAMPLES = "rsi 14, bbands 20 2 2, vwap, ichimoku"


class StudyPrompt(Prompt):
    """Over the footer: the fitting studies, then the line."""

    def __init__(self, asker: LineView) -> None:
        super().__init__(PURPOSE, "study", asker)
        self.found: tuple[StudyName, ...] = study_names()
        self.at = -1
        """The marked one; -1 while none is, and Enter takes the line as it was typed."""

    def region_for(self, width: int, height: int) -> Box:
        """As high as its rows, so that nothing jumps while typing."""
        tall = 1 + max(1, min(ROWS, height - LEAST_BODY))
        return Box(0, height - 1 - tall, width, tall)

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Nearest first from the top; the line lowest."""
        room = height - 1
        top = max(0, self.at - room + 1)
        names = self.found[top : top + room]
        widest = min(width // 2, max((len(one.syntax) for one in names), default=0)) + 2
        rows = [self._row(one, top + place == self.at, widest, width) for place, one in enumerate(names)]
        if not names:
            rows = [fit((Span("  no study is called so or says so of itself", "muted", "raised"),), width, bg="raised")]
        rows += [fit((), width, bg="raised")] * (room - len(rows))
        return [*rows, self._line(width)]

    def _row(self, one: StudyName, is_here: bool, widest: int, width: int) -> Line:
        bg = "select" if is_here else "raised"
        name, _, rest = one.syntax.partition(" ")
        spans = [Span("▌ " if is_here else "  ", "accent", bg), Span(name, "strong", bg, bold=True)]
        room = widest - 1 - len(name)
        rest = rest if len(rest) < room else f"{rest[: max(0, room - 2)]}…"
        spans += [Span(f" {rest}".ljust(room + 1), "muted", bg), Span(one.title, "text", bg)]
        return fit(tuple(spans), width, bg=bg)

    def _line(self, width: int) -> Line:
        bg = self.background
        left = (Span(f" {self.label} ", "accent", bg, bold=True), *edit_spans(self.edit, bg, self._ghost()))
        if not self.edit.text:
            left = (*left, Span(f"  like {_EXAMPLES}", "muted", bg))
        keys = (("Tab", "completes"), ("Enter", "ok"), ("Esc", "drop"))
        right = [
            span for key, word in keys for span in (Span(key, "accent", bg, bold=True), Span(f" {word}  ", "muted", bg))
        ]
        return spread(left, tuple(right), width, bg=bg)

    def _ghost(self) -> str:
        """What Tab would add to a name that is only begun."""
        text = self.edit.text.lower()
        first = self.found[max(0, self.at)].name if self.found else ""
        return first[len(text) :] if text and first.startswith(text) else ""

    def take_key(self, key: str) -> bool:
        """Choosing and completing; the rest as in any line."""
        if key in ("Down", "Up") and self.found:
            self.at = (max(self.at, 0 if key == "Up" else -1) + (1 if key == "Down" else -1)) % len(self.found)
        elif key == "Tab" and self.found:
            self._complete()
        elif key == "Enter":
            if self.at >= 0:
                self._complete()
            return super().take_key(key)
        elif super().take_key(key):
            self._offer()
        else:
            return False
        self.redraw()
        return True

    def take_paste(self, text: str) -> None:
        """Pasted text is looked up as well."""
        super().take_paste(text)
        self._offer()

    def _complete(self) -> None:
        self.edit.set(completed(self.edit.text, self.found[max(0, self.at)].name))
        self._offer()

    def _offer(self) -> None:
        self.found, self.at = find_studies(self.edit.text), -1
        self.redraw()

"""The outermost column on each side: always reserved, filled while a key sends. And the banner for lost parts."""

from __future__ import annotations

from collections.abc import Sequence

from stockpulse_engine.render.span import Line, Span, line_width, spread
from stockpulse_tui.widgets.header import frame_tokens
from stockpulse_tui.widgets.line_view import LineView

GAP = 2
BACK = "<"
"""Down both sides of a screen that shows the past: a sign that needs neither colour nor a font."""


class FrameColumn(LineView):
    """One column of the frame: ground while safe, full blocks in the badge's colour while armed, `<` in the past."""

    background = "ground"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The same cell all the way down."""
        if self.shell.rewind.is_past:
            return [(Span(BACK * width, "warn", self.background),)] * height
        tokens = frame_tokens(self.shell.status.header())
        if tokens is None:
            return []
        return [(Span("█" * width, tokens[1], tokens[1]),)] * height


class Banner(LineView):
    """What is broken, what still works, and when it is tried again; hidden while all is well."""

    background = "warn_bg"

    def __init__(self) -> None:
        super().__init__()
        self.what = ""
        self.works = ""
        self.next_try = ""
        self.is_past = False

    def say(self, what: str, works: str, next_try: str = "", *, is_past: bool = False) -> None:
        """Show it, or change its words; `is_past` where nothing is broken, and what is shown is of then."""
        self.what, self.works, self.next_try, self.is_past = what, works, next_try, is_past
        self.redraw()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The sentence in the middle row."""
        bg = self.background
        head: Line = (
            Span("  @ " if self.is_past else "  ! ", "warn", bg, bold=True),
            Span(f"{self.what}  ", "strong", bg, bold=True),
        )
        right = (Span(f"{self.next_try}  ", "warn", bg),) if self.next_try else ()
        works = self.works
        while self.is_past and works and line_width((*head, *right)) + len(works) + GAP > width:
            works = works.rpartition("; ")[0]  # the way back is told before what works meanwhile
        left: Line = (*head, Span(works, "text", bg))
        row = spread(left, right, width, bg=bg)
        return [row] if height < 3 else [(Span(" ", "text", bg),), row]

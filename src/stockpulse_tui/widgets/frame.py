"""The outermost column on each side: always reserved, filled while a key sends. And the banner for lost parts."""

from __future__ import annotations

from collections.abc import Sequence

from stockpulse_engine.render.span import Line, Span, spread
from stockpulse_tui.widgets.header import frame_tokens
from stockpulse_tui.widgets.line_view import LineView


class FrameColumn(LineView):
    """One column of the frame: ground while safe, full blocks in the badge's colour while armed."""

    background = "ground"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The same cell all the way down."""
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

    def say(self, what: str, works: str, next_try: str = "") -> None:
        """Show it, or change its words."""
        self.what, self.works, self.next_try = what, works, next_try
        self.redraw()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The sentence in the middle row."""
        bg = self.background
        left = (
            Span("  ! ", "warn", bg, bold=True),
            Span(f"{self.what}  ", "strong", bg, bold=True),
            Span(self.works, "text", bg),
        )
        right = (Span(f"{self.next_try}  ", "warn", bg),) if self.next_try else ()
        row = spread(left, right, width, bg=bg)
        return [row] if height < 3 else [(Span(" ", "text", bg),), row]

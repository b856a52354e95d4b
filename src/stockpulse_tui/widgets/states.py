"""Empty, waiting and failed: three looks, each with one sentence, why it is so, and what one can do."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from stockpulse_engine.render.span import Line, Span

GLYPH_TOKENS = {"·": "muted", "…": "accent", "?": "warn", "!": "danger"}


def empty_state(
    glyph: str,
    sentence: str,
    why: str,
    size: tuple[int, int],
    keys: Sequence[tuple[str, str]] = (),
) -> list[Line]:
    """Rows of a pane that has nothing to show.

    `glyph` tells which nothing: `·` a true zero, `…` asked and waiting, `?` unknown, `!` failed.
    """
    width, height = size
    inset = min(5, max(1, width // 10))
    room = max(10, width - inset - 4)
    head: Line = (
        Span(" " * (inset - 2 if inset > 2 else 1)),
        Span(f"{glyph}  ", GLYPH_TOKENS.get(glyph, "muted"), bold=True),
        Span(sentence[:room], "strong", bold=True),
    )
    indent = Span(" " * (inset + 1))
    lines: list[Line] = [head, *((indent, Span(text, "muted")) for text in wrap(why, room)[:4])]
    if keys:
        entries: list[Span] = [indent]
        for key, word in keys:
            entries += [Span(key, "accent", bold=True), Span(f" {word}   ", "muted")]
        lines += [(), tuple(entries)]
    above = max(0, min(3, (height - len(lines)) // 3))
    return [*([()] * above), *lines][:height]

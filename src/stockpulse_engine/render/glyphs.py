"""The three glyph sets: `full`, `blocks` (no braille) and `ascii` (nothing above byte 127)."""

from __future__ import annotations

import msgspec

from stockpulse_engine.domain.errors import NotFoundError


class Glyphs(msgspec.Struct, frozen=True, kw_only=True):
    """What to draw each sign with. `eighths_up` and `eighths_right` hold 9 steps from empty to full."""

    name: str
    up: str = "▲"
    down: str = "▼"
    on: str = "●"
    off: str = "○"
    ticked: str = "■"
    unticked: str = "□"
    held: str = "▪"
    focus: str = "▌"
    arrow: str = "→"
    times: str = "×"
    nothing: str = "·"
    waiting: str = "…"
    minus: str = "−"
    prompt: str = "›"
    eighths_up: str = " ▁▂▃▄▅▆▇█"
    eighths_right: str = " ▏▎▍▌▋▊▉█"
    full_block: str = "█"
    thick: str = "━"
    thick_half: str = "╸"
    thin: str = "─"
    horizontal: str = "─"
    vertical: str = "│"
    cross: str = "┼"
    corner: str = "└"
    entry: str = "▌"
    has_braille: bool = True
    has_blocks: bool = True


FULL = Glyphs(name="full")
BLOCKS = Glyphs(name="blocks", has_braille=False)
ASCII = Glyphs(
    name="ascii",
    up="^",
    down="v",
    on="*",
    off="o",
    ticked="[x]",
    unticked="[ ]",
    held=".",
    focus=">",
    arrow="->",
    times="x",
    nothing=".",
    waiting="..",
    minus="-",
    prompt=">",
    eighths_up=" ....:::|",
    eighths_right="    #####",
    full_block="#",
    thick="=",
    thick_half="=",
    thin="-",
    horizontal="-",
    vertical="|",
    cross="+",
    corner="+",
    entry="|",
    has_braille=False,
    has_blocks=False,
)

GLYPHS: dict[str, Glyphs] = {"full": FULL, "blocks": BLOCKS, "ascii": ASCII}
"""The sets by the name used in the settings."""

_TO_ASCII = str.maketrans(
    {
        "▲": "^", "▼": "v", "●": "*", "○": "o", "■": "x", "□": ".", "▪": ".", "▌": ">", "→": ">", "×": "x",
        "·": ".", "…": "~", "−": "-", "›": ">", "█": "#", "━": "=", "╸": "=", "─": "-", "│": "|", "┼": "+",
        "└": "+", "±": "~", "Δ": "d",
    }
)  # fmt: skip


def glyphs_named(name: str) -> Glyphs:
    """The glyph set of that name.

    Raises:
        NotFoundError: naming the sets there are.
    """
    found = GLYPHS.get(name)
    if found is None:
        raise NotFoundError(f"There is no glyph set {name[:30]!r}.", fix=f"Choose one of: {', '.join(GLYPHS)}.")
    return found


def ascii_only(text: str) -> str:
    """The text with each of our glyphs as one ASCII character of the same width, anything else as `?`."""
    return text.translate(_TO_ASCII).encode("ascii", "replace").decode("ascii")

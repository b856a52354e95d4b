"""Big digits: three rows of half blocks, for the one number of a screen that matters."""

from __future__ import annotations

from stockpulse_engine.render.glyphs import FULL, Glyphs

_DOTS = {
    "0": ("###", "# #", "# #", "# #", "###"),
    "1": (" # ", "## ", " # ", " # ", "###"),
    "2": ("###", "  #", "###", "#  ", "###"),
    "3": ("###", "  #", "###", "  #", "###"),
    "4": ("# #", "# #", "###", "  #", "  #"),
    "5": ("###", "#  ", "###", "  #", "###"),
    "6": ("###", "#  ", "###", "# #", "###"),
    "7": ("###", "  #", "  #", " # ", " # "),
    "8": ("###", "# #", "###", "# #", "###"),
    "9": ("###", "# #", "###", "  #", "###"),
    "/": ("  #", "  #", " # ", "#  ", "#  "),
    "·": ("   ", "   ", " # ", "   ", "   "),
}
_HALVES = {"##": "█", "# ": "▀", " #": "▄", "  ": " "}
_ROWS = ((0, 1), (2, 3), (4, 5))


def big_digits(text: str, glyphs: Glyphs = FULL) -> list[str]:
    """Three rows for digits and `/`; where there are no blocks, the text itself in the middle row."""
    if not glyphs.has_blocks:
        plain = " ".join(text.replace("·", "-"))
        return [" " * len(plain), plain, " " * len(plain)]
    blank = ("   ",) * 6
    letters = [(*_DOTS[one], "   ") if one in _DOTS else blank for one in text]
    return [
        " ".join(
            "".join(_HALVES[high + low] for high, low in zip(dots[upper], dots[lower], strict=True)) for dots in letters
        )
        for upper, lower in _ROWS
    ]

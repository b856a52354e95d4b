"""How many colours a terminal has, as far as it says."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

_FEW = ("linux", "ansi", "cons25", "cygwin", "dumb", "vt", "sun", "wy", "pc3", "eterm", "hurd", "mach")
"""Beginnings of the names of terminals without a palette of 256."""


class ColorDepth(IntEnum):
    """What a terminal shows: its own sixteen colours, the xterm palette, or any colour."""

    SIXTEEN = 16
    PALETTE = 256
    TRUE = 2**24

    @property
    def words(self) -> str:
        """As it is told to people."""
        return "truecolor" if self is ColorDepth.TRUE else f"{self.value} colours"


def color_depth(environ: Mapping[str, str]) -> ColorDepth:
    """The depth a terminal's variables tell; one that tells nothing is taken for what nearly all are, a palette."""
    term = environ.get("TERM", "").lower()
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or term.endswith("-direct"):
        return ColorDepth.TRUE
    is_few = term.startswith(_FEW) or term.endswith(("-16color", "-8color", "-mono", "-m"))
    return ColorDepth.SIXTEEN if is_few and "256" not in term else ColorDepth.PALETTE


def is_colorless(environ: Mapping[str, str]) -> bool:
    """Whether no colour is wanted (https://no-color.org: set, to whatever)."""
    return bool(environ.get("NO_COLOR"))

"""Text from outside, made harmless: no terminal control, no direction tricks, no unbounded length."""

from __future__ import annotations

import re

_ELLIPSIS = "\u2026"

_ESCAPES = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI, with or without its final byte
    "|(?:\x1b[\\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)?"  # OSC, DCS, SOS, PM, APC
    "|\x1b[ -/]*[0-~]?"  # every shorter escape sequence, and a bare ESC
)

_SPACES = re.compile("[\t\n\x0b\x0c\r\x85\u2028\u2029]+")

_REMOVED = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u00ad\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb"  # invisible format characters
    "\ud800-\udfff\U000e0000-\U000e007f]"  # lone surrogates, tag characters
)

_STACKED = re.compile(
    "([\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3})[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
"""More than three combining marks on one letter would paint over the rows above and below."""


def clean_text(text: str, limit: int = 512) -> str:
    """Make text from outside safe to store, log and paint on one line.

    Escape sequences vanish whole, line breaks and tabs become one space, control, bidirectional and invisible
    characters are removed, and the result has at most `limit` characters, an ellipsis marking a cut.
    Cleaning twice gives the same text.
    """
    if limit < 1:
        raise ValueError("limit must be at least 1")
    if _is_plain(text, limit):
        return text
    # The scan itself is bounded too: a hostile megabyte costs no more than a long headline.
    scanned = text[: limit * 8]
    visible = _STACKED.sub(r"\1", _REMOVED.sub("", _SPACES.sub(" ", _ESCAPES.sub("", scanned))))
    if len(visible) <= limit and len(scanned) == len(text):
        return visible
    return visible[: limit - 1] + _ELLIPSIS


def clean_line(text: str, limit: int = 512) -> str:
    """Like `clean_text`, with runs of blanks collapsed and none at either end."""
    if _is_plain(text, limit) and " " not in text:
        return text
    return " ".join(clean_text(text, limit).split())


FORMULA = r"^[=+\-@\t\r]"
"""What a spreadsheet would take for a formula …"""
PLAIN_NUMBER = r"^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
"""… unless it is only a number with a sign."""
_FORMULA, _NUMBER = re.compile(FORMULA), re.compile(PLAIN_NUMBER)


def cell_text(text: str) -> str:
    """Text for a cell of an exported table: a formula in it stays text (R44)."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.match(text) else text


def _is_plain(text: str, limit: int) -> bool:
    """Printable ASCII that fits, as nearly everything is: no pattern would match it."""
    return len(text) <= limit and text.isascii() and text.isprintable()

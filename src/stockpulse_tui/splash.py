"""The first thing on the screen: the last frame of the session before, greyed, with its time. Nothing heavy is loaded.

Painted straight to the terminal before Textual is imported, so that there is never a blank screen. The saved frame is
plain text (no escape sequence is ever stored); it is cleaned once more when read, and bounded.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

from stockpulse_engine.render.terminal_colors import ColorDepth, color_depth, is_colorless

MAX_BYTES = 256 * 1024
MAX_ROWS, MAX_COLUMNS = 200, 500
_INPUT, _LOCAL = 0, 3
"""Places of the flags for what comes in and for what the terminal does with it by itself."""
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ALTERNATE, _HOME, _HIDE = "\x1b[?1049h", "\x1b[H", "\x1b[?25l"
_NORMAL, _SHOW = "\x1b[?1049l", "\x1b[?25h"
_GRAYS = {
    ColorDepth.TRUE: "\x1b[0;38;2;94;107;126;48;2;6;8;12m",
    ColorDepth.PALETTE: "\x1b[0;38;5;241;48;5;232m",
    ColorDepth.SIXTEEN: "\x1b[0;90;40m",
}
_PLAIN = "\x1b[0;2m"


def paint_last_frame(file: Path, step: str) -> bool:
    """Paint the saved frame, or an empty screen that says what is happening. False when this is no terminal."""
    try:
        if not sys.stdout.isatty():
            return False
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        return False
    rows_of_frame, when = read_frame(file)
    if not rows_of_frame:
        rows_of_frame = welcome(columns, rows, has_blocks="utf" in (sys.stdout.encoding or "").lower())
    picture = compose(rows_of_frame, when, step, (columns, rows))
    os.write(sys.stdout.fileno(), f"{_ALTERNATE}{_HIDE}{_HOME}{_style()}{picture}\x1b[0m".encode())
    return True


def give_terminal_back() -> None:
    """Undo the painting: the screen from before, with its cursor."""
    with contextlib.suppress(OSError):  # the terminal may be what went away
        os.write(sys.stdout.fileno(), f"{_SHOW}{_NORMAL}".encode())


@contextlib.contextmanager
def quiet_keyboard() -> Iterator[None]:
    """What is typed before the application reads keys waits for it, unseen and as it was: Enter stays Enter.

    The terminal would show it over the picture and make a line feed of Enter, which is another key. Ctrl+C still ends.
    """
    try:
        keyboard = sys.stdin.fileno()
        before = termios.tcgetattr(keyboard)
    except (OSError, ValueError, termios.error):
        yield
        return
    quiet = termios.tcgetattr(keyboard)
    quiet[_INPUT] &= ~(termios.ICRNL | termios.INLCR)
    quiet[_LOCAL] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(keyboard, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):  # the terminal may be what went away
            termios.tcsetattr(keyboard, termios.TCSANOW, before)


def compose(frame: list[str], when: float, step: str, size: tuple[int, int]) -> str:
    """The text to paint: the frame cut to the terminal, its time and what is happening in the last row."""
    columns, rows = size
    body = [line[:columns].ljust(columns) for line in frame[: rows - 1]]
    body += [" " * columns] * (rows - 1 - len(body))
    stamp = time.strftime("%a %d %b %H:%M:%S", time.localtime(when)) if when else ""
    words = f" … {step}   last seen {stamp}; nothing here is live yet" if stamp else f" … {step}"
    return "\r\n".join([*body, words[: columns - 1].ljust(columns - 1)])


def welcome(columns: int, rows: int, *, has_blocks: bool) -> list[str]:
    """What a home without a saved frame shows instead: candles and the name, where the welcome will have them."""
    from stockpulse_tui.welcome_art import NAME_CELLS, TAGLINE, big_name, count_cards, places, sky  # a first start only

    at = places(columns, rows, count_cards())
    above = ["".join(cell.character for cell in row) for row in sky(columns, at.sky)] if has_blocks else [""] * at.sky
    name = big_name() if has_blocks else ["", "S T O C K P U L S E", ""]
    lines = [f"{' ' * at.left}{row:<{NAME_CELLS}}" for row in name]
    lines[-1] += f"   {TAGLINE}"
    return ["", *above, "", *lines]


def read_frame(file: Path) -> tuple[list[str], float]:
    """The saved rows and when they were saved; nothing when there is no file or it is not ours."""
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES)
            when = os.fstat(stream.fileno()).st_mtime
    except OSError:
        return [], 0.0
    text = data.decode("utf-8", "replace")
    return [_CONTROL.sub("", line)[:MAX_COLUMNS] for line in text.split("\n")[:MAX_ROWS]], when


def frame_bytes(rows: list[str]) -> bytes:
    """Rows as they are saved: plain text, bounded."""
    clean = [_CONTROL.sub("", row)[:MAX_COLUMNS].rstrip() for row in rows[:MAX_ROWS]]
    return "\n".join(clean).encode("utf-8", "replace")[:MAX_BYTES]


def _style() -> str:
    return _PLAIN if is_colorless(os.environ) else _GRAYS[color_depth(os.environ)]

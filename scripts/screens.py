"""Take the docs' pictures: the real program in a real terminal (tmux), trading a simulated market in a throw-away home.

Usage: python scripts/screens.py [NAME …]   (default: every picture)
Skips with a message where tmux is not installed. What is drawn lands in docs/pictures as SVG.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.terminal_theme import TerminalTheme

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "pictures"
SP = Path(sys.executable).parent / "sp"
WAIT_S = 30.0
SETTLE_S = 1.5
MAX_BYTES = 250_000
FONT = "'DejaVu Sans Mono', 'Cascadia Mono', Menlo, Consolas, monospace"
_ANSI = [(0, 0, 0), (205, 49, 49), (13, 188, 121), (229, 229, 16), (36, 114, 200), (188, 63, 188), (17, 168, 205)]
THEME = TerminalTheme((6, 8, 12), (211, 218, 229), [*_ANSI, (229, 229, 229)])


class Picture(NamedTuple):
    """What is pressed before it is taken, and what the screen must show by then."""

    name: str
    keys: tuple[str, ...]
    shows: str
    size: tuple[int, int] = (120, 40)


PICTURES = (
    Picture("desk", ("1", "j", "j", "j"), "Positions"),
    Picture("chart", ("1", "g", "g", "j", "j", "j", "Enter"), "rsi 14"),
    Picture("ladder", ("1", "g", "g", "j", "j", "j", "6", "b"), "Tape"),
    Picture("orders", ("5",), "Life"),
    Picture("day", ("4", "D"), "arrived at"),
)
ORDERS = (
    ("buy", "AAPL", "60", "lmt", "bid", "+2%", "-1%"),
    ("buy", "MSFT", "20"),
    ("buy", "NVDA", "50", "lmt", "mid"),
    ("sell", "MSFT", "8"),
    ("buy", "F", "300", "lmt", "7.90", "gtc"),
)
"""What was traded before the pictures were taken."""


@contextmanager
def trading_home() -> Iterator[Path]:
    """A home with a running engine, some orders and some minutes of market behind them."""
    home = Path(tempfile.mkdtemp(prefix="sp-pic-", dir="/tmp"))
    try:
        run_sp(home, "engine", "start", "--seed", "7")
        run_sp(home, "market", "speed", "60")
        for words in ORDERS:
            run_sp(home, *words, "--yes")
            time.sleep(SETTLE_S)
        run_sp(home, "market", "speed", "1")
        yield home
    finally:
        run_sp(home, "engine", "stop")
        shutil.rmtree(home, ignore_errors=True)


def run_sp(home: Path, *arguments: str) -> None:
    """Run a command in that home; a refusal is the picture's own business."""
    subprocess.run([str(SP), "--home", str(home), *arguments], capture_output=True, check=False, timeout=60)


class Terminal:
    """The program in a tmux of its own."""

    def __init__(self, home: Path, size: tuple[int, int]) -> None:
        self._socket = f"sp-pic-{os.getpid()}"
        self._width, height = size
        command = f"COLORTERM=truecolor TERM=tmux-256color {SP} --home {home}; sleep 600"
        self._tmux("-f", os.devnull, "new-session", "-d", "-x", str(self._width), "-y", str(height), command)
        self._tmux("set", "-g", "status", "off")
        self._tmux("set", "-ga", "terminal-overrides", ",*:Tc")

    def press(self, keys: Sequence[str]) -> None:
        """Press keys, as tmux names them."""
        for key in keys:
            self._tmux("send-keys", "-t", "0", key)
            time.sleep(0.2)

    def wait_for(self, text: str) -> None:
        """Wait until the screen shows a text."""
        give_up = time.monotonic() + WAIT_S
        while text not in self._tmux("capture-pane", "-p", "-t", "0"):
            if time.monotonic() > give_up:
                raise SystemExit(f"The screen does not show {text!r}:\n{self._tmux('capture-pane', '-p', '-t', '0')}")
            time.sleep(0.1)

    def take(self, title: str) -> str:
        """The screen as SVG."""
        ansi = self._tmux("capture-pane", "-p", "-e", "-N", "-t", "0")
        console = Console(
            record=True, width=self._width, file=io.StringIO(), force_terminal=True, color_system="truecolor"
        )
        for line in AnsiDecoder().decode(ansi):  # one decoder: tmux lets a style run over line ends
            console.print(line, no_wrap=True, overflow="crop", crop=True)
        return own_fonts(console.export_svg(title=title, theme=THEME, font_aspect_ratio=0.61))

    def close(self) -> None:
        """End the program and its tmux."""
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], capture_output=True, check=False)

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(["tmux", "-L", self._socket, *arguments], check=True, capture_output=True, text=True)
        return done.stdout


def own_fonts(svg: str) -> str:
    """Without fonts from elsewhere: whoever looks at it has one."""
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code, monospace", FONT).replace("Fira Code", FONT)


def leave_welcome(home: Path) -> None:
    """Begin, as a person does at the first start of a home; the page does not come again."""
    terminal = Terminal(home, PICTURES[0].size)
    try:
        terminal.wait_for("Enter begin")
        terminal.press(("Enter",))
        terminal.wait_for("Watchlist")
    finally:
        terminal.close()


def take_all(wanted: Callable[[str], bool]) -> None:
    """Take every wanted picture."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with trading_home() as home:
        leave_welcome(home)
        for picture in filter(lambda one: wanted(one.name), PICTURES):
            terminal = Terminal(home, picture.size)
            try:
                terminal.wait_for("journal")
                time.sleep(2 * SETTLE_S)
                terminal.press(picture.keys)
                time.sleep(2 * SETTLE_S)
                terminal.wait_for(picture.shows)
                svg = terminal.take("StockPulse")
            finally:
                terminal.close()
            if len(svg.encode()) > MAX_BYTES:
                raise SystemExit(f"{picture.name}: {len(svg.encode()):,} bytes, at most {MAX_BYTES:,}")
            (TARGET / f"{picture.name}.svg").write_text(svg, encoding="utf-8")
            print(f"docs/pictures/{picture.name}.svg  {len(svg.encode()):,} bytes")


def main() -> int:
    """Take the pictures named, or all."""
    if shutil.which("tmux") is None:
        print("tmux is not installed: the pictures stay as they are.")
        return 0
    names = sys.argv[1:]
    unknown = set(names) - {picture.name for picture in PICTURES}
    if unknown:
        print(f"No picture {', '.join(sorted(unknown))}.", file=sys.stderr)
        return 2
    take_all(lambda name: not names or name in names)
    return 0


if __name__ == "__main__":
    sys.exit(main())

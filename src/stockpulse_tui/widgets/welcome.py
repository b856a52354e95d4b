"""The first screen of a home: what can be begun here, what was found on this machine, and which glyphs look right."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import msgspec

from stockpulse_engine import __version__
from stockpulse_engine.render.glyphs import glyphs_named
from stockpulse_engine.render.span import Line, Span, fit
from stockpulse_engine.render.terminal_colors import color_depth
from stockpulse_tui.screens.slots import Box
from stockpulse_tui.status import LIVE
from stockpulse_tui.welcome_art import NAME_CELLS, NAME_ROWS, TAGLINE, Places, big_name, has_demo, places, sky
from stockpulse_tui.widgets.overlay import Overlay

GLYPH_SETS = ("full", "blocks", "ascii")


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to begin with."""

    key: str
    title: str
    words: str
    needs: str


SIM = Card(key="s", title="Simulated market", words="alive at any hour, simulated money", needs="no keys, no network")
REPLAY = Card(
    key="r", title="Real days", words="recorded ticks and bars, played at any speed", needs="needs Parquet or CSV files"
)
DEMO = Card(
    key="d",
    title="Demo day",
    words="news, a bracket, a halt, a crash and back",
    needs="ten minutes, leaves nothing behind",
)


class Welcome(Overlay):
    """Covers everything but the health line; Enter begins at the marked card, other keys act on the desk."""

    dims_body = False
    background = "ground"

    def __init__(self) -> None:
        super().__init__()
        self.cards = (SIM, REPLAY, *((DEMO,) if has_demo() else ()))
        self.at = 0

    def region_for(self, width: int, height: int) -> Box:
        """All but the last row."""
        return Box(0, 0, width, max(1, height - 1))

    # -- drawing

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Sky, name, cards, what was found, glyphs, keys."""
        at = places(width, height + 1, len(self.cards))
        rows: list[Line] = [(), *self._sky(width, at), (), *self._name_rows(at), ()]
        for place in range(len(self.cards)):
            rows += self._card(place, at) + [()] * (at.card_gap if place + 1 < len(self.cards) else 0)
        rows += [()] * (at.foot - len(rows))
        rows += [self._indent(at, line) for line in (self._found(), self._glyph_check(), (), self._keys())]
        return [fit(row, width, bg="ground") for row in rows[:height]]

    def _sky(self, width: int, at: Places) -> list[Line]:
        if not self.shell.glyphs.has_blocks:
            return [()] * at.sky
        return [
            tuple(Span(cell.character, cell.fg or "ground", cell.bg or "ground") for cell in row)
            for row in sky(width, at.sky)
        ]

    def _name_rows(self, at: Places) -> list[Line]:
        rows = big_name() if self.shell.glyphs.has_blocks else ["", "S T O C K P U L S E".ljust(NAME_CELLS), ""]
        sides = (
            Span(f"   {__version__}", "faint", "ground"),
            Span("", "faint", "ground"),
            Span(f"   {TAGLINE}", "muted", "ground"),
        )
        return [
            self._indent(at, (Span(row.ljust(NAME_CELLS), "strong", "ground", bold=True), side))
            for row, side in zip(rows, sides[:NAME_ROWS], strict=True)
        ]

    def _card(self, place: int, at: Places) -> list[Line]:
        card = self.cards[place]
        is_here = place == self.at
        bg = "select" if is_here else "panel"
        mark = Span(self.shell.glyphs.focus if is_here else " ", "accent", bg)
        head = (
            mark,
            Span(f"  {card.key}   ", "accent", bg, bold=True),
            Span(f"{card.title:<19}", "strong", bg, bold=True),
        )
        needs = self._engine_words() if card is SIM else card.needs
        lines: list[Line] = [(*head, Span(card.words, "text", bg)), (mark, Span(f"      {needs}", "muted", bg))]
        if at.card_rows > len(lines):
            lines = [(mark,), *lines, (mark,)]
        return [self._indent(at, fit(line, at.width, bg=bg)) for line in lines]

    def _engine_words(self) -> str:
        """What the engine does behind this page."""
        status, count = self.shell.status, len(self.store.instruments)
        if status.state == LIVE and count:
            world = self.store.clock.world if self.store.clock else "sim"
            return f"it runs: {count} instruments in {world}; {SIM.needs}"
        return f"{self.shell.glyphs.waiting} {status.words}"

    def _found(self) -> Line:
        shell = self.shell
        width, height = shell.size
        colours = "no colours" if shell.theme.startswith("mono") else color_depth(os.environ).words
        encoding = "UTF-8" if "utf" in (sys.__stdout__.encoding if sys.__stdout__ else "").lower() else "no UTF-8"
        found = [colours, f"{width} {shell.glyphs.times} {height}", encoding]
        found += ["tmux"] if os.environ.get("TMUX") else []
        found += ["over ssh"] if os.environ.get("SSH_CONNECTION") else []
        return (Span("found here: ", "muted", "ground"), Span("   ".join(found), "text", "ground"))

    def _glyph_check(self) -> Line:
        spans = [Span("which looks right?  ", "muted", "ground")]
        for name in GLYPH_SETS:
            shown = glyphs_named(name)
            if self.shell.glyphs.name == "ascii" != name:
                sample = ""
            elif name == "ascii":
                sample = "|:=-*o>"
            else:
                sample = f"{shown.eighths_up[2::2]}{'⣀⠤⠒⠉' if name == 'full' else '▄▀'}{shown.on}{shown.focus}"
            is_here = name == self.shell.glyphs.name
            tick = self.shell.glyphs.ticked if is_here else self.shell.glyphs.unticked
            token = "strong" if is_here else "muted"
            spans += [
                Span(f"{tick} ", "accent" if is_here else "faint", "ground"),
                Span(f"{name} ", token, "ground", bold=is_here),
                Span(f"{sample}   ", token, "ground"),
            ]
        return tuple(spans)

    def _keys(self) -> Line:
        entries = (
            ("Enter", "begin"),
            ("j k", "choose"),
            ("g", "glyphs"),
            (":", "anything"),
            ("F1", "keys"),
            ("q", "leave"),
        )
        return tuple(
            span
            for key, word in entries
            for span in (Span(key, "accent", "ground", bold=True), Span(f" {word}   ", "muted", "ground"))
        )

    def _indent(self, at: Places, line: Line) -> Line:
        return (Span(" " * at.left, "text", "ground"), *line)

    # -- keys

    def take_key(self, key: str) -> bool:
        """Choosing, beginning, glyphs; whatever else is pressed is meant for the desk."""
        steps = {"j": 1, "Down": 1, "Tab": 1, "k": -1, "Up": -1, "Shift+Tab": -1}
        letters = [card.key for card in self.cards]
        if key in steps:
            self.at = (self.at + steps[key]) % len(self.cards)
            self.redraw()
        elif key == "Enter":
            self._begin(self.cards[self.at])
        elif key in letters:
            self._begin(self.cards[letters.index(key)])
        elif key == "g":
            self._next_glyphs()
        else:
            return False
        return True

    def _next_glyphs(self) -> None:
        settings = self.shell.settings
        at = GLYPH_SETS.index(self.shell.glyphs.name)
        settings.change("glyphs", GLYPH_SETS[(at + 1) % len(GLYPH_SETS)])
        settings.save()
        self.shell.apply_look()

    def _begin(self, card: Card) -> None:
        shell = self.shell
        shell.windows.close(self)
        if card is REPLAY:
            from stockpulse_tui.widgets.palette import Palette

            shell.windows.open(Palette("REPLAY day "))
        elif card is DEMO:
            with shell.suspend():
                subprocess.call([sys.executable, "-m", "stockpulse_engine.cli", "demo"])
            shell.refresh_all()

    def on_store(self) -> None:
        """The engine says how far it is."""
        self.redraw()

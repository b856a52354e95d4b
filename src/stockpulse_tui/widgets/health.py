"""The health line: every part of the engine with its age; what is late or gone comes first and in words."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import structs

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.views import PartHealth
from stockpulse_engine.render.format import format_age
from stockpulse_engine.render.span import Line, Span, line_width, spread
from stockpulse_tui.painter import cells
from stockpulse_tui.widgets.line_view import LineView

_RANK = {"gone": 0, "late": 1, "ok": 2, "off": 3}
_MUTE = {"lost": "danger", "silent": "warn"}
"""Nothing is heard of the engine: the token that says it."""
_BEATING = frozenset({"engine", "broker", "journal"})
"""Parts whose signs of life do not depend on the market."""
LATE_NS = 3_000_000_000
SMALL_BELOW = 100


class HealthFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the line is drawn from. `step` is what the engine does while it starts, "" when ready."""

    parts: tuple[PartHealth, ...] = ()
    link_state: str = "live"
    link_text: str = ""
    link_age_ns: int = 0
    step: str = ""
    p50_ns: int = 0
    p99_ns: int = 0
    dropped: int = 0
    frame: tuple[str, str] | None = None


def health_line(facts: HealthFacts, width: int) -> Line:
    """Parts from the left, worst first, whole or not at all; latency at the right."""
    right = _latency(facts, width)
    room = width - line_width(right)
    left: list[Span] = [Span(" ", "text", "ground")]
    for entry in _entries(facts):
        if line_width((*left, *entry)) > room:
            break
        left += entry
    line = spread(left, right, width, bg="ground")
    if facts.frame is None:
        return line
    fg, bg = facts.frame
    return tuple(Span(span.text, fg, bg, span.bold) for span in line)


def _entries(facts: HealthFacts) -> list[Line]:
    made: list[Line] = []
    if facts.link_state in _MUTE:
        made.append(_bad("engine", facts.link_state, facts.link_age_ns, _MUTE[facts.link_state]))
    elif facts.link_state != "live":
        made.append((Span("… ", "accent", "ground"), Span(f"{facts.link_text}  ", "text", "ground")))
    if facts.step:
        made.append((Span("… ", "accent", "ground"), Span(f"{cells(clean_line(facts.step, 60))}  ", "text", "ground")))
    if facts.link_state in _MUTE:
        # What the engine last said of its parts is not known to hold any more.
        return [*made, *((Span(f"? {cells(clean_line(part.name, 16))}  ", "faint", "ground"),) for part in facts.parts)]
    parts = [_overdue(part) for part in facts.parts]
    return [*made, *(_part(part) for part in sorted(parts, key=lambda part: _RANK.get(part.state, 0)))]


def _overdue(part: PartHealth) -> PartHealth:
    """A part that should give signs of life all the time and has not: late, whatever it said of itself before."""
    is_late = part.state == "ok" and part.name in _BEATING and part.age_ns >= LATE_NS
    return structs.replace(part, state="late", detail="") if is_late else part


def _part(part: PartHealth) -> Line:
    name = cells(clean_line(part.name, 16))
    if part.state in ("gone", "late"):
        return _bad(
            name, part.state if not part.detail else cells(clean_line(part.detail, 40)), part.age_ns, _tone(part)
        )
    if part.state == "off":
        return (Span("○ ", "faint", "ground"), Span(f"{name} off  ", "faint", "ground"))
    age = format_age(part.age_ns) if part.age_ns > 0 else ""
    words = (Span(f"{name} " if age else f"{name}  ", "muted", "ground"),)
    return (Span("● ", "up", "ground"), *words, *((Span(f"{age}  ", "text", "ground"),) if age else ()))


def _tone(part: PartHealth) -> str:
    return "danger" if part.state == "gone" else "warn"


def _bad(name: str, words: str, age_ns: int, token: str) -> Line:
    age = f" {format_age(age_ns)}" if age_ns > 0 else ""
    return (
        Span("! ", token, "ground", bold=True),
        Span(f"{name} {words}", token, "ground"),
        Span(f"{age}  ", token, "ground", bold=True),
    )


def _latency(facts: HealthFacts, width: int) -> Line:
    if not facts.p99_ns:
        return ()
    p99 = f"{facts.p99_ns / 1e6:.1f} ms"
    text = f"p99 {p99}  dropped {facts.dropped} "
    if width >= SMALL_BELOW:
        p50 = f"p50 {facts.p50_ns / 1e6:.1f}  " if width >= 180 else ""
        text = f"tick→cell {p50}{text}"
    return (Span(text, "faint", "ground"),)


class HealthLine(LineView):
    """The last row."""

    DEFAULT_CSS = "HealthLine { height: 1; }"
    background = "ground"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """One row."""
        return [health_line(self.shell.status.health(), width)]

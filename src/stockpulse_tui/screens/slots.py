"""Where panes lie: columns of slots, pure arithmetic. A pane that is not there gives its room to its neighbours."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec


class Box(msgspec.Struct, frozen=True):
    """A rectangle of cells."""

    x: int
    y: int
    width: int
    height: int


class Slot(msgspec.Struct, frozen=True):
    """Room for one pane. `height` 0 takes what is left; `gap` is the ground row above it."""

    pane: str
    height: int = 0
    gap: int = 1


class Column(msgspec.Struct, frozen=True):
    """Slots one below the other. `width` 0 takes what is left."""

    slots: tuple[Slot, ...]
    width: int = 0


SMALL, MEDIUM, LARGE = "S", "M", "L"
MIN_WIDTH, MIN_HEIGHT = 80, 24


def size_class(width: int, height: int) -> str:
    """S, M (from 110×32) or L (from 180×50) of a whole terminal; "" below 80×24."""
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        return ""
    if width >= 180 and height >= 50:
        return LARGE
    return MEDIUM if width >= 110 and height >= 32 else SMALL


def place(columns: Sequence[Column], present: Collection[str], width: int, height: int) -> dict[str, Box]:
    """Give every present pane its rectangle within `width` × `height`; columns are one ground cell apart."""
    alive = [(column, slots) for column in columns if (slots := [s for s in column.slots if s.pane in present])]
    if not alive:
        return {}
    widths = _shares([column.width for column, _ in alive], width - (len(alive) - 1))
    boxes: dict[str, Box] = {}
    x = 0
    for (_, slots), own in zip(alive, widths, strict=True):
        boxes |= _stack(slots, x, own, height)
        x += own + 1
    return boxes


def _stack(slots: Sequence[Slot], x: int, width: int, height: int) -> dict[str, Box]:
    gaps = [0, *(slot.gap for slot in slots[1:])]
    heights = _shares([slot.height for slot in slots], height - sum(gaps))
    boxes: dict[str, Box] = {}
    y = 0
    for slot, gap, own in zip(slots, gaps, heights, strict=True):
        boxes[slot.pane] = Box(x, y + gap, width, own)
        y += gap + own
    return boxes


def _shares(wanted: Sequence[int], total: int) -> list[int]:
    """Fixed parts keep their size, the flexible one (0) takes the rest; without one the first does."""
    flexible = next((i for i, want in enumerate(wanted) if want == 0), 0)
    fixed = [want if i != flexible else 0 for i, want in enumerate(wanted)]
    room = total - sum(fixed)
    least = min(total // len(wanted), 6)
    if room >= least:
        fixed[flexible] = room
        return fixed
    even, rest = divmod(total, len(wanted))
    return [even + (1 if i < rest else 0) for i in range(len(wanted))]

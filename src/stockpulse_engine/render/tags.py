"""Price tags on an axis: each in its own row or beside it, never in another order than their prices."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

REACH = 2
"""Rows a tag may stand away from its price; one that would have to go farther is left out."""


class Tag(msgspec.Struct, frozen=True):
    """`row` is where its price lies. `price` orders it among the others."""

    price: float
    row: int


def place_tags(tags: Sequence[Tag], height: int) -> dict[int, int]:
    """Index of a tag → the row it gets. The first ones matter most: they come nearest to their rows."""
    reaches: dict[int, int] = {}
    for index in range(len(tags)):
        for reach in range(REACH + 1):
            if _rows(tags, {**reaches, index: reach}, height) is not None:
                reaches[index] = reach
                break
    return _rows(tags, reaches, height) or {}


def _rows(tags: Sequence[Tag], reaches: dict[int, int], height: int) -> dict[int, int] | None:
    """Rows from the top down with the dearest first, each within its reach; None when they can not all stand."""
    order = sorted(reaches, key=lambda index: -tags[index].price)
    latest: dict[int, int] = {}
    bottom = height
    for index in reversed(order):
        latest[index] = bottom = min(tags[index].row + reaches[index], bottom - 1)
    rows: dict[int, int] = {}
    above = -1
    for index in order:
        wanted = max(tags[index].row, above + 1, 0)
        row = min(wanted, latest[index])
        if row <= above or row < tags[index].row - reaches[index]:
            return None
        rows[index] = above = row
    return rows

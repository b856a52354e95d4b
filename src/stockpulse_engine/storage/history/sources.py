"""Which source answers: the user's order first, then what was recorded of real markets, then simulations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

MADE_UP = ("sim:", "replay:")
"""Sources of worlds that are not the market: they answer when nothing else holds what is asked, or by name."""


class HasSource(Protocol):
    """Something that is held of one source."""

    @property
    def source(self) -> str:
        """Its name."""
        ...


T = TypeVar("T", bound=HasSource)


def by_priority(candidates: Iterable[T], priority: Sequence[str], wanted: str = "") -> list[T]:
    """Candidates best first; only those of `wanted` when a source is named."""
    if wanted:
        return [one for one in candidates if one.source == wanted]
    return sorted(candidates, key=lambda one: (_rank(one.source, priority), one.source))


def _rank(source: str, priority: Sequence[str]) -> int:
    for place, name in enumerate(priority):
        if source == name or source.startswith((f"{name}/", f"{name}:")):
            return place
    return len(priority) + source.startswith(MADE_UP)

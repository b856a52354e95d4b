"""Where one has been: screens and instruments, for `<` and `>`; bounded."""

from __future__ import annotations

MAX_PLACES = 100
Place = tuple[str, str]
"""Screen action, instrument id."""


class Places:
    """A trail with a position on it."""

    def __init__(self) -> None:
        self._trail: list[Place] = []
        self._here = -1

    def visit(self, place: Place) -> None:
        """Go somewhere new; what lay ahead is forgotten."""
        if self._here >= 0 and self._trail[self._here] == place:
            return
        self._trail = [*self._trail[: self._here + 1], place][-MAX_PLACES:]
        self._here = len(self._trail) - 1

    def step(self, by: int) -> Place | None:
        """Move along the trail; None at its ends."""
        to = self._here + by
        if not 0 <= to < len(self._trail):
            return None
        self._here = to
        return self._trail[to]

"""What a campaign found: figures, and each failure with the words that play it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

COMMIT, NIGHT, RELEASE = "commit", "night", "release"
VOLUMES: Final = (COMMIT, NIGHT, RELEASE)


@dataclass
class Report:
    """One campaign's outcome."""

    key: str
    unit: str
    """What is counted: days, trials, images."""
    done: int = 0
    failures: list[str] = field(default_factory=list)
    """What broke, each with how to play it again."""
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether something was done and all of it holds."""
        return self.done > 0 and not self.failures

    def add(self, figures: Mapping[str, float]) -> None:
        """Count figures up."""
        for name, value in figures.items():
            self.figures[name] = self.figures.get(name, 0) + value

    def line(self) -> str:
        """The row, in words."""
        told = ", ".join(f"{name} {value:,.10g}" for name, value in self.figures.items())
        head = f"{self.key}: {self.done:,} {self.unit}, {len(self.failures)} broken"
        return f"{head}, {told}" if told else head

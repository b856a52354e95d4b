"""`python -m tests.fakes.scripted_venue`: the real venue process, playing a script given by `--from`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from stockpulse_engine.venue.__main__ import main
from stockpulse_engine.venue.factory import World
from stockpulse_engine.venue.source import MarketSource
from tests.fakes.scripted_source import load_script


def open_script(_world: World, _seed: int, files: Sequence[Path]) -> MarketSource:
    """The script instead of the world's own market."""
    return load_script(files[0])


if __name__ == "__main__":
    sys.exit(main(factory=open_script))

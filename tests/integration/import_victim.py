"""A process that imports a file until it is killed; it says after each part how many rows are behind it.

python -m tests.integration.import_victim DIRECTORY FILE
"""

from __future__ import annotations

import sys
from pathlib import Path

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.storage.importing.progress import Progress
from stockpulse_engine.storage.importing.run import Hooks
from tests.unit.storage.importing.desk import Desk

PART = 50


def main(directory: str, file: str) -> None:
    """Import all of it in small parts."""
    desk = Desk(Path(directory), WallClock())
    desk.take(Path(file), Hooks(on_progress=say, chunk_rows=PART))
    desk.close()


def say(progress: Progress) -> None:
    """One number a line."""
    print(progress.done, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

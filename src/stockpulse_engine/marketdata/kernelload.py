"""Gets the compiled nine ready beside a running loop: compiled in a process of its own, loaded on a thread."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from stockpulse_engine.base.tasks import in_thread
from stockpulse_engine.indicators.kernels.nine import find_engine, kernel_cache

if TYPE_CHECKING:
    from stockpulse_engine.indicators.kernels.nine import Nine

COMPILER = "stockpulse_engine.indicators.kernels.warm"


async def load_nine(size: int, cache: Path | None = None) -> Nine | None:
    """The nine of `size` instruments; None where numba is not installed, or can not compile here.

    Nothing of numba is imported before, and never where it is absent.
    """
    if not find_engine().is_compiled:
        return None
    directory = kernel_cache(cache)
    if not await _compile(directory):
        return None
    from stockpulse_engine.indicators.kernels.warm import warmed

    return await in_thread(lambda: warmed(size, directory))


async def _compile(directory: Path) -> bool:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", COMPILER, str(directory)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        return await child.wait() == 0
    except asyncio.CancelledError:
        child.kill()
        await child.wait()
        raise

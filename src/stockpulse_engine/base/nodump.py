"""A process that holds secrets leaves no memory behind: no core file, and nobody of the same user reads it."""

from __future__ import annotations

import ctypes
import resource
import sys

_PR_SET_DUMPABLE = 4


def forbid_dumps() -> None:
    """No core file from now on; on Linux no `ptrace` and no `/proc/PID/mem` by other processes of the user either."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)

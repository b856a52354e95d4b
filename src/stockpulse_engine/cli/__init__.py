"""The `stockpulse` (short `sp`) command line. Without arguments it opens the terminal client."""

from __future__ import annotations

import os
import runpy
import sys

_TERMINAL = "stockpulse_tui"
"""Run by name, never imported: the engine does not know its heads."""
_COMPLETING = "_SP_COMPLETE"
"""Set by the shell when it asks what may follow; then there are no arguments either."""


def main() -> None:
    """Entry point of `sp` and `stockpulse`."""
    if _wants_terminal(sys.argv[1:]):
        runpy.run_module(_TERMINAL, run_name="__main__")
        return
    from stockpulse_engine.cli.fast import find_fast

    work = find_fast(sys.argv[1:])
    if work is not None:
        from stockpulse_engine.cli.errors import guarded

        sys.exit(guarded(work))
    from stockpulse_engine.cli.app import run

    sys.exit(run(sys.argv[1:]))


def _wants_terminal(arguments: list[str]) -> bool:
    """No command: nothing at all, or only `--home DIR` before nothing. Painting must not wait for typer."""
    if not arguments:
        return _COMPLETING not in os.environ
    if arguments[0].startswith("--home"):
        value = arguments[0].partition("=")[2] or (arguments[1] if len(arguments) > 1 else "")
        used = 1 if "=" in arguments[0] else 2
        if value and len(arguments) == used:
            os.environ["STOCKPULSE_HOME"] = value
            sys.argv[1:] = []
            return True
    return False

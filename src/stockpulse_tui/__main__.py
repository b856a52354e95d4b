"""`python -m stockpulse_tui`: paint the last frame at once, then load everything else.

Only the standard library is imported before the first paint.
"""

from __future__ import annotations

import os
import signal
import sys

from stockpulse_engine.base.paths import ensure_private, resolve_paths
from stockpulse_tui.splash import frame_bytes, give_terminal_back, paint_last_frame, quiet_keyboard

HELP = """usage: sp [--home DIR] [--world WORLD]

Opens the terminal client; it starts the engine when none runs. Leave with q: the engine goes on.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one head until it leaves."""
    words = sys.argv[1:] if arguments is None else arguments
    if "--help" in words or "-h" in words:
        sys.stdout.write(HELP)
        return 0
    options = _options(words)
    if options is None:
        sys.stderr.write(HELP)
        return 2
    try:
        with quiet_keyboard():
            return _show(options)
    except KeyboardInterrupt:  # before the application reads keys; later Ctrl+C is one of them
        give_terminal_back()
        return 128 + signal.SIGINT
    except Exception:
        give_terminal_back()  # the trace belongs on a screen that stays
        raise


def _show(options: dict[str, str]) -> int:
    """Paint, load, run."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    paths = resolve_paths(options.get("--home"))
    if not paint_last_frame(paths.last_frame, "loading the screen"):
        sys.stderr.write("This needs a terminal. `sp --help` lists the commands that do not.\n")
        return 2
    os.environ.setdefault("TEXTUAL_FPS", "30")
    from stockpulse_tui.start import run  # 200 ms that the first paint does not wait for

    world = options.get("--world")
    ensure_private(paths.state)
    return run(paths, ("--world", world) if world else (), frame_bytes)


def _options(words: list[str]) -> dict[str, str] | None:
    """`--home DIR --world NAME`, or None when anything else is there."""
    found: dict[str, str] = {}
    rest = list(words)
    while rest:
        name, _, value = rest.pop(0).partition("=")
        if name not in ("--home", "--world") or not (value or rest):
            return None
        found[name] = value or rest.pop(0)
    return found


if __name__ == "__main__":
    raise SystemExit(main())

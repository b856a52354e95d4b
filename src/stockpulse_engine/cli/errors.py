"""Errors and exit codes of the command line, in one place."""

from __future__ import annotations

import sys
from collections.abc import Callable

from stockpulse_engine.cli.output import reader_may_leave, say_error
from stockpulse_engine.domain.errors import StockPulseError

EXIT_CODES = (
    (0, "done"),
    (1, "something went wrong; stderr says what"),
    (2, "wrong usage, an invalid value, or a confirmation was needed and there is no terminal"),
    (3, "denied by the pre-trade gate; stderr names the rule and the fix"),
    (4, "the named order, instrument, account or file does not exist"),
    (5, "conflict: the same id was used for something else, or the target is not empty"),
    (6, "the engine, venue or provider is not available"),
    (7, "not allowed in this role or trading state"),
    (8, "stored data does not match its checksum or chain"),
    (9, "a setting is unknown or wrong"),
    (70, "an invariant broke in the engine; trading is halted"),
    (130, "interrupted"),
)
"""Every exit code and its meaning; the reference page is made from it."""

INTERRUPTED = 130


def guarded(work: Callable[[], object]) -> int:
    """Do the work of one command and return its exit code; failures are said on stderr with their fix."""
    try:
        work()
        with reader_may_leave():
            sys.stdout.flush()
    except StockPulseError as error:
        say_error(error.title, str(error))
        return error.exit_code
    except SystemExit as done:  # typer's own way out: usage errors, --help, an abort at a question
        return done.code if isinstance(done.code, int) else 0
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0

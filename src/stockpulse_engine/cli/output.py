"""What commands print: data on stdout (a table, or JSON), talk on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal

import msgspec

from stockpulse_engine.base.text import clean_line, clean_text
from stockpulse_engine.domain.market import BarSpec

GAP = "  "
MAX_PROSE_LINE = 2_000
_GREEN, _RED, _FAINT, _BOLD, _PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[90m", "\x1b[1m", "\x1b[0m"


def emit_json(value: object) -> None:
    """Print `value` as one JSON document (decimals as text, stable field names)."""
    _write_bytes(msgspec.json.format(msgspec.json.encode(named(value)), indent=2) + b"\n")


def emit_json_line(value: object) -> None:
    """Print `value` as one line of JSON and flush: for streams."""
    _write_bytes(msgspec.json.encode(named(value)) + b"\n")


def _write_bytes(data: bytes) -> None:
    with reader_may_leave():
        sys.stdout.buffer.write(data)
        sys.stdout.flush()


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """`sp orders | head` is not a failure: who reads has what it wanted, and the command ends well."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


def named(value: object) -> object:
    """The value with every record as a map of names: arrays are for the wire, names are for people's scripts."""
    if isinstance(value, BarSpec):
        return str(value)
    if isinstance(value, msgspec.Struct):
        return {name: named(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, list | tuple):
        return [named(one) for one in value]
    if isinstance(value, dict):
        return {key: named(one) for key, one in value.items()}
    return value


def emit(text: str) -> None:
    """Print a line of data. What comes from outside is cleaned by whoever puts the line together."""
    with reader_may_leave():
        sys.stdout.write(text + "\n")


def emit_prose(text: str) -> None:
    """Print several lines of text that may quote others: nothing in it drives the terminal."""
    for line in text.splitlines():
        emit(clean_text(line, MAX_PROSE_LINE).rstrip())


def say(text: str) -> None:
    """Talk to the person: stderr, never data."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def say_error(title: str, text: str) -> None:
    """Say what failed and the fix."""
    mark = paint("!", _RED, sys.stderr.isatty())
    say(f"{mark} {title}: {clean_line(text)}")


def emit_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, left: Sequence[int] = (0,)) -> None:
    """Print columns: numbers right, words (`left`) left; headings lower-case; signs in colour on a terminal."""
    table = [list(headings), *[[clean_line(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in table) for column in range(len(headings))]
    is_painted = is_terminal()
    for number, row in enumerate(table):
        cells = [
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        if number == 0:
            emit(paint(GAP.join(cells).rstrip(), _FAINT, is_painted))
        else:
            emit(GAP.join(_signed(cell, is_painted) for cell in cells).rstrip())


def emit_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Print name and value, one a line."""
    width = max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        emit(f"{paint(name.ljust(width), _FAINT, is_terminal())}{GAP}{clean_line(value)}")


def is_terminal() -> bool:
    """Whether stdout is a terminal that may be coloured."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def paint(text: str, code: str, is_painted: bool) -> str:
    """Wrap `text` in an SGR code where colour is wanted."""
    return f"{code}{text}{_PLAIN}" if is_painted else text


def strong(text: str) -> str:
    """Bold on a terminal."""
    return paint(text, _BOLD, is_terminal())


def number(value: Decimal | None, places: int | None = None, *, sign: bool = False) -> str:
    """A decimal for a table: comma thousands, a plain hyphen, `·` for nothing."""
    if value is None:
        return "·"
    shown = value if places is None else round(value, places)
    return f"{shown:+,f}" if sign else f"{shown:,f}"


def _signed(cell: str, is_painted: bool) -> str:
    text = cell.strip()
    if not is_painted or len(text) < 2 or text[0] not in "+-" or not text[1].isdigit():  # noqa: PLR2004 - a sign and a digit
        return cell
    return paint(cell, _GREEN if text[0] == "+" else _RED, is_painted)

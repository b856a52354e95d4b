"""Refused rows, kept: the row's number, the reason, and the file's own cells, as one CSV per import."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

from stockpulse_engine.base.files import fsync_file
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.base.text import FORMULA, PLAIN_NUMBER
from stockpulse_engine.storage.importing.checks import REASON
from stockpulse_engine.storage.importing.table import ROW


class Refusals:
    """Appends to `refused/<import id>.csv`; an import that is taken up cuts off what was not committed with a chunk."""

    def __init__(self, directory: Path, import_id: str) -> None:
        self.path = directory / f"{import_id}.csv"
        self.size = 0
        """Bytes written and synced."""

    def begin(self, size: int) -> None:
        """Go on after `size` bytes; 0 starts anew, and without a refused row there is no file."""
        if size == 0:
            self.path.unlink(missing_ok=True)
        elif self.path.exists():
            os.truncate(self.path, size)
        self.size = size if self.path.exists() else 0

    def write(self, chunk: pl.DataFrame, bad: pl.DataFrame) -> None:
        """Add rows; `bad` has their numbers and reasons."""
        cells = [name for name in chunk.columns if name != ROW]
        rows = bad.join(chunk, on=ROW, how="left", maintain_order="left")
        rows = rows.select(pl.col(ROW).alias("row"), pl.col(REASON).alias("refused_because"), *cells)
        texts = [name for name, kind in rows.schema.items() if kind == pl.String]
        text = rows.with_columns([_harmless(name) for name in texts]).write_csv(include_header=self.size == 0).encode()
        ensure_private(self.path.parent)
        with os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            file.write(text)
            file.flush()
            fsync_file(file.fileno())
            self.size = file.tell()


def _harmless(name: str) -> pl.Expr:
    """Foreign cells as text, whatever a spreadsheet would make of them (R44)."""
    cells = pl.col(name)
    is_formula = cells.str.contains(FORMULA) & ~cells.str.contains(PLAIN_NUMBER)
    return pl.when(is_formula).then(pl.lit("'") + cells).otherwise(cells).alias(name)

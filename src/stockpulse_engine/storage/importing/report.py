"""What became of a file: counted row by row, so that nothing is lost in silence."""

from __future__ import annotations

import msgspec
import polars as pl

from stockpulse_engine.storage.importing.checks import REASON

MAX_CLASSES = 40
MAX_WARNINGS = 20


class ImportReport(msgspec.Struct, kw_only=True):
    """`entries` = added + unchanged + corrected + repeats + refused; a row of two sides or many closes is several."""

    path: str
    import_id: str
    what: str
    source: str
    rows: int
    """Of the file."""
    done: int = 0
    """Rows of the file that were read."""
    entries: int = 0
    added: int = 0
    unchanged: int = 0
    """Held already with the same values."""
    corrected: int = 0
    """Held with other values: stored as new versions."""
    repeats: int = 0
    """Said again in the file itself, with the same values."""
    refused: int = 0
    reasons: dict[str, int] = {}
    """Why, and how many."""
    repaired: dict[str, int] = {}
    """Rows that --repair changed before anything was checked, by what was wrong."""
    actions: int = 0
    """Splits and dividends found beside bars that were not held."""
    instruments: tuple[str, ...] = ()
    first_ts: int = 0
    last_ts: int = 0
    missing: int = 0
    """Bars the calendar expects inside the span and that are not there, of the instruments looked at."""
    warnings: tuple[str, ...] = ()
    refused_file: str = ""
    is_complete: bool = False
    resumed_at: int = 0
    """Row after which an earlier, interrupted import of the same file was taken up; 0 when none was."""

    def count(self, result_added: int, result_unchanged: int, result_corrected: int) -> None:
        """Add what the store said of one commit."""
        self.added += result_added
        self.unchanged += result_unchanged
        self.corrected += result_corrected

    def refuse(self, bad: pl.DataFrame) -> None:
        """Count refused rows by class: the reason without its numbers."""
        words = pl.col(REASON).str.replace(r": .*$", "").str.replace_all(r"-?\d[\d.,e+-]*", "…").alias("class")
        for name, count in bad.select(words).to_series().value_counts().iter_rows():
            known = name in self.reasons or len(self.reasons) < MAX_CLASSES
            key = name if known else "other reasons"
            self.reasons[key] = self.reasons.get(key, 0) + count
        self.refused += bad.height

    def warn(self, text: str) -> None:
        """Say it once; the list is bounded."""
        if text not in self.warnings and len(self.warnings) < MAX_WARNINGS:
            self.warnings = (*self.warnings, text)

    def span(self, frame: pl.DataFrame) -> None:
        """Take the instruments and moments of stored rows in."""
        if frame.is_empty():
            return
        first, last = frame.select(pl.col("ts_event").min(), pl.col("ts_event").max().alias("last")).row(0)
        self.first_ts = min(self.first_ts, first) if self.first_ts else first
        self.last_ts = max(self.last_ts, last)
        self.instruments = tuple(sorted({*self.instruments, *frame["instrument_id"].unique().to_list()}))

    def lines(self) -> tuple[tuple[str, str], ...]:
        """As shown to the person."""
        counts = [
            ("added", self.added),
            ("held already", self.unchanged),
            ("corrected", self.corrected),
            ("repeats in the file", self.repeats),
            ("refused", self.refused),
            ("actions beside bars", self.actions),
        ]
        shown = [(name, f"{count:,}") for name, count in counts if count or name == "added"]
        shown += [("  refused", f"{count:,} × {reason}") for reason, count in sorted(self.reasons.items())]
        shown += [("repaired", f"{count:,} × {what}") for what, count in sorted(self.repaired.items())]
        shown += [("missing", f"{self.missing:,} bars that the calendar expects")] if self.missing else []
        shown += [("refused rows", self.refused_file)] if self.refused_file else []
        shown += [("warning", text) for text in self.warnings]
        return tuple(shown)

    def word(self) -> str:
        """The outcome in one line."""
        if not self.is_complete:
            return f"Stopped after row {self.done:,} of {self.rows:,}: what was read is in; the same command goes on."
        if not (self.added or self.corrected or self.actions):
            return "Nothing new: all of it was held already." if self.unchanged else "Nothing was taken."
        return f"{self.added:,} added" + (f", {self.corrected:,} corrected" if self.corrected else "")

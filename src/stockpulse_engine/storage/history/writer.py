"""Implements `marketdata.history.HistoryWriter`: check, compare, write files, commit once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.actions import CorporateAction
from stockpulse_engine.marketdata.history import ACTIONS, BARS, QUOTES, TRADES, WriteResult
from stockpulse_engine.storage.history.action_rows import action_drafts, action_frame
from stockpulse_engine.storage.history.catalog import Catalog, Kind
from stockpulse_engine.storage.history.commit import Basis, Draft, Ledger, RacedError, TailMark
from stockpulse_engine.storage.history.compare import Difference, difference, held_rows
from stockpulse_engine.storage.history.frames import normalized
from stockpulse_engine.storage.history.hot import HotTier
from stockpulse_engine.storage.history.layout import Layout, require_source
from stockpulse_engine.storage.history.segmentgone import SegmentGoneError
from stockpulse_engine.storage.history.segments import by_bucket, write_segment

MAX_ATTEMPTS: Final = 20
"""Times a write is compared again because somebody else committed to the same rows."""
NOTHING: Final = WriteResult(0, 0, 0, 0)


class SegmentWriter:
    """Writes into one history directory; any number of them, in any process, at the same time."""

    def __init__(self, layout: Layout, clock: Clock, hot: HotTier) -> None:
        self._layout = layout
        self._clock = clock
        self._catalog = Catalog(layout.root)
        self._ledger = Ledger(layout.root)
        self._hot = hot

    @property
    def ledger(self) -> Ledger:
        """The connection that commits."""
        return self._ledger

    def close(self) -> None:
        """Let go of the catalog."""
        self._catalog.close()
        self._ledger.close()

    def write_bars(self, frame: pl.DataFrame, *, spec: BarSpec, source: str, import_id: str = "") -> WriteResult:
        """Store bars of one length."""
        return self.write(frame, Kind(BARS, str(spec), require_source(source)), import_id)

    def write_quotes(self, frame: pl.DataFrame, *, source: str, import_id: str = "") -> WriteResult:
        """Store quotes."""
        return self.write(frame, Kind(QUOTES, "", require_source(source)), import_id)

    def write_trades(self, frame: pl.DataFrame, *, source: str, import_id: str = "") -> WriteResult:
        """Store public prints."""
        return self.write(frame, Kind(TRADES, "", require_source(source)), import_id)

    def write_actions(self, actions: Sequence[CorporateAction], *, import_id: str = "") -> WriteResult:
        """Store corporate actions; each carries its own source, and those of one source are one commit."""
        result = NOTHING
        for source in sorted({require_source(action.source) for action in actions}):
            frame = action_frame([action for action in actions if action.source == source])
            result = _sum(result, self.write(frame, Kind(ACTIONS, "", source), import_id))
        return result

    def write(
        self, frame: pl.DataFrame, kind: Kind, import_id: str = "", *, marks: Sequence[TailMark] = ()
    ) -> WriteResult:
        """Store rows of one kind; `marks` are committed with them, and even when there is nothing new."""
        frame = normalized(frame, kind.table)
        for _ in range(MAX_ATTEMPTS):
            try:
                return self._attempt(frame, kind, import_id, marks)
            except (RacedError, SegmentGoneError):
                continue
        raise UnavailableError(
            f"Others keep writing the same {kind.table} of {kind.source}.", fix="Let them finish, then try again."
        )

    def _attempt(self, frame: pl.DataFrame, kind: Kind, import_id: str, marks: Sequence[TailMark]) -> WriteResult:
        found, basis = self._compare(frame, kind)
        unchanged = frame.height - found.frame.height
        if found.frame.is_empty():
            if marks:
                self._ledger.commit((), marks=marks)
            return WriteResult(0, unchanged, 0, 0)
        drafts = [
            write_segment(self._layout, kind, bucket, part, import_id) for bucket, part in by_bucket(found.frame, kind)
        ]
        if kind.table == ACTIONS:
            drafts = [draft._replace(actions=action_drafts(found.frame, kind.source)) for draft in drafts]
        try:
            seqs = self._ledger.commit(drafts, basis=basis, marks=marks)
        except BaseException:
            _discard(self._layout.root, drafts)
            raise
        if kind.table == BARS:
            self._hot.absorb(found.frame, kind, seqs, self._catalog, is_import=bool(import_id))
        return WriteResult(found.added, unchanged, found.corrected, seqs[-1])

    def _compare(self, frame: pl.DataFrame, kind: Kind) -> tuple[Difference, Basis | None]:
        now_ns = self._clock.now_ns()
        if frame.is_empty():
            return difference(frame, frame, kind.table, now_ns), None
        low, high = (int(edge) for edge in (frame["ts_event"].to_numpy().min(), frame["ts_event"].to_numpy().max()))
        names = frame["instrument_id"].rle().struct.field("value").unique().to_list()
        with self._catalog.snapshot():
            number = self._catalog.last_number(kind)
            segments = self._catalog.holding(kind, names, low, high)
        held = held_rows(self._layout.root, segments, names, (low, high), kind.table)
        return difference(frame, held, kind.table, now_ns), Basis(kind, number, low, high)


def _discard(root: Path, drafts: Sequence[Draft]) -> None:
    for draft in drafts:
        (root / draft.path).unlink(missing_ok=True)


def _sum(one: WriteResult, two: WriteResult) -> WriteResult:
    return WriteResult(
        one.added + two.added,
        one.unchanged + two.unchanged,
        one.corrected + two.corrected,
        max(one.segment_seq, two.segment_seq),
    )

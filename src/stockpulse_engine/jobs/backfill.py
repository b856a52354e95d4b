"""Filling what the calendar misses in stored bars: from files in the inbox, then from whoever tells the same source.

A series is filled only from its own source: rows of another would contradict it. What stays is said with its reason.
What a source was asked for and did not have is asked again a week later, not every day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.domain.errors import StockPulseError, UnavailableError
from stockpulse_engine.jobs.runner import JobContext, Outcome
from stockpulse_engine.jobs.schedule import DAY_NS
from stockpulse_engine.marketdata.history import Gap

ASK_AGAIN_NS: Final = 7 * DAY_NS
MAX_SAID: Final = 200
"""Series named one by one in the log; the rest is counted."""


class SeriesGaps(NamedTuple):
    """What one series misses, oldest first."""

    instrument_id: str
    spec: str
    source: str
    gaps: tuple[Gap, ...]

    @property
    def name(self) -> str:
        """How a person would call it."""
        return f"{self.instrument_id} {self.spec} from {self.source}"

    @property
    def missing(self) -> int:
        """Bars, in all gaps together."""
        return sum(gap.missing for gap in self.gaps)

    @property
    def mark(self) -> str:
        """The same while nothing of it changed."""
        return f"{self.name} {self.gaps[0].start_ns} {self.gaps[-1].last_ns} {self.missing}"


class GapSource(Protocol):
    """Somebody who may have what is missing."""

    @property
    def name(self) -> str:
        """How a person would call it."""
        ...

    def refusal(self, series: SeriesGaps) -> str:
        """Why it can not have it, without asking; "" when it may."""
        ...

    def fill(self, series: SeriesGaps, context: JobContext) -> int:
        """Ask, and store what comes; rows that are new.

        Raises:
            UnavailableError: it can not be asked now, nor for anything else.
        """
        ...


Find = Callable[[Callable[[], None]], Iterable[SeriesGaps]]
"""All series with gaps; what it is given is called often, and may raise to stop it."""
TakeIn = Callable[[JobContext], int]
"""Take new files of the inbox in; rows that are new."""


class Backfill:
    """The job's function; `memory` is the file that says what was asked when."""

    def __init__(
        self, find: Find, take_in: TakeIn, sources: Sequence[GapSource], *, memory: Path, clock: Clock
    ) -> None:
        self._find = find
        self._take_in = take_in
        self._sources = sources
        self._memory = memory
        self._clock = clock

    def run(self, context: JobContext) -> Outcome:
        """Fill what can be filled; the same again adds nothing."""
        rows = self._take_in(context)
        before = list(self._find(context.check))
        asking = _Asking(self._sources, self._load(), context, self._clock)
        for number, series in enumerate(before):
            context.progress(number, len(before), series.name)
            asking.ask(series)
            self._save(asking.asked)
        context.progress(len(before), len(before))
        after = list(self._find(context.check)) if asking.rows else before
        _say_what_stays(after, asking.reasons, context)
        missing, stays = sum(one.missing for one in before), sum(one.missing for one in after)
        words = f"{rows + asking.rows:,} rows; {max(0, missing - stays):,} of {missing:,} missing bars filled"
        words += f", {stays:,} stay in {len(after):,} series" if stays else ""
        if asking.unreachable:
            who = "; ".join(asking.unreachable.values())
            raise UnavailableError(f"{who} {words}.", fix="It is tried again; `sp jobs log backfill` lists the gaps.")
        return Outcome(rows + asking.rows, words)

    def _load(self) -> dict[str, int]:
        try:
            return msgspec.json.decode(self._memory.read_bytes(), type=dict[str, int])
        except (FileNotFoundError, msgspec.DecodeError):
            return {}

    def _save(self, asked: dict[str, int]) -> None:
        oldest = self._clock.now_ns() - ASK_AGAIN_NS
        atomic_write(self._memory, msgspec.json.encode({key: at for key, at in asked.items() if at > oldest}))


class _Asking:
    """One run: whom we asked, what came, and why nothing did."""

    def __init__(self, sources: Sequence[GapSource], asked: dict[str, int], context: JobContext, clock: Clock) -> None:
        self._sources = sources
        self._context = context
        self._clock = clock
        self.asked = asked
        self.unreachable: dict[str, str] = {}
        self.reasons: dict[str, str] = {}
        self.rows = 0

    def ask(self, series: SeriesGaps) -> None:
        """Every source that may have it."""
        reasons = [f"{source.name}: {reason}" for source in self._sources if (reason := self._ask_one(source, series))]
        self.reasons[series.name] = "; ".join(reasons) or "no source is configured; put a file into the inbox"

    def _ask_one(self, source: GapSource, series: SeriesGaps) -> str:
        """What there is to say when something stays missing."""
        key = f"{source.name} {series.mark}"
        if source.name in self.unreachable:
            return "could not be asked"
        refusal = source.refusal(series)
        if refusal:
            return refusal
        last = max(self.asked.get(key, 0), self.asked.get(f"{source.name} {series.name}", 0))
        if self._clock.now_ns() - last < ASK_AGAIN_NS:
            return "was asked in the last seven days and had no more"
        try:
            added = source.fill(series, self._context)
        except UnavailableError as error:
            self.unreachable[source.name] = error.message
            return "could not be asked"
        except StockPulseError as error:
            added, answer, key = 0, error.message, f"{source.name} {series.name}"
        else:
            answer = "had no more"
            self._context.say(f"{series.name}: {added:,} rows from {source.name}")
        self.asked[key] = self._clock.now_ns()
        self.rows += added
        return answer


def _say_what_stays(after: Sequence[SeriesGaps], reasons: dict[str, str], context: JobContext) -> None:
    from stockpulse_engine.render.format import iso_utc

    for one in after[:MAX_SAID]:
        first = iso_utc(one.gaps[0].start_ns)[:16]
        why = reasons.get(one.name, "appeared meanwhile")
        context.say(f"stays: {one.name}: {one.missing:,} bars in {len(one.gaps):,} gaps from {first}: {why}")
    if len(after) > MAX_SAID:
        context.say(f"stays: {len(after) - MAX_SAID:,} more series; `sp coverage INSTRUMENT` shows the gaps of one")

"""`sp bars --universe`: bars of each member, with whose members they are said beside them."""

from __future__ import annotations

from stockpulse_engine.cli.link import paths
from stockpulse_engine.cli.output import emit, emit_json, emit_table, number, say
from stockpulse_engine.cli.universe import day_of, universes
from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.market import Bar
from stockpulse_engine.marketdata.asking import BarsAsked, stored_bars
from stockpulse_engine.marketdata.history import HistoryReader
from stockpulse_engine.marketdata.universes import BIAS

SHOWN = 12


def show_members_bars(name: str, asked: BarsAsked, known: str, *, takes_todays: bool, as_json: bool) -> None:
    """Print them. Without a day of the past, members are those of today, and bars of the past are theirs alone.

    Raises:
        NotFoundError: there is no such universe.
        InvalidValueError: it does not know its past, and its past was asked for.
    """
    import msgspec

    from stockpulse_engine.bootstrap.servertier import whole_history_of

    with universes() as shelf:
        found = shelf.on_day(name, day_of(known), takes_todays=takes_todays)
    bias = found.bias or ("" if known else BIAS)
    bars: list[Bar] = []
    without: list[str] = []
    with whole_history_of(paths()) as store:
        for member in found.members:
            rows = _bars_of(store.reader, msgspec.structs.replace(asked, instrument=member.instrument_id))
            bars += rows
            if not rows:
                without.append(member.instrument_id or member.symbol)
    if as_json:
        emit_json(
            {
                "universe": found.name,
                "members_as_of": found.as_of,
                "bias": bias,
                "members": len(found.members),
                "without_bars": without,
                "bars": bars,
            }
        )
        return
    _table(bars)
    say(f"{found.name}: {len(found.members):,} members on {found.as_of}, {asked.spec}, {asked.adjustment.value}")
    if without:
        shown = ", ".join(without[:SHOWN]) + (" …" if len(without) > SHOWN else "")
        say(f"no bars of {len(without):,}: {shown}")
    if bias:
        say(bias)


def _bars_of(reader: HistoryReader, asked: BarsAsked) -> tuple[Bar, ...]:
    if not asked.instrument:
        return ()
    try:
        return stored_bars(reader, asked).bars
    except NotFoundError:  # a member of which nothing is held is named, not a failure
        return ()


def _table(bars: list[Bar]) -> None:
    from stockpulse_engine.render.format import iso_utc

    rows = [
        [
            bar.instrument_id,
            iso_utc(bar.ts_event)[:19],
            *(number(value) for value in (bar.open, bar.high, bar.low, bar.close, bar.volume)),
            bar.source,
        ]
        for bar in bars
    ]
    if not rows:
        emit("No bars of its members are held.")
        return
    heads = ("instrument", "start (utc)", "open", "high", "low", "close", "volume", "source")
    emit_table(heads, rows, left=(0, 1, 7))

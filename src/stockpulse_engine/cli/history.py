"""Commands on stored history: bars, ticks, actions, coverage. They read the store, the engine being up or down."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from stockpulse_engine.cli.link import paths
from stockpulse_engine.cli.moments import AsOfMoment, AsRecordedMoment, as_of, moment_ns
from stockpulse_engine.cli.options import JsonFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_table, number, say
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.cli.universe import TodaysMembers
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import parse_bar_spec
from stockpulse_engine.marketdata.asking import (
    Asked,
    BarsAsked,
    StoredBars,
    notes_of,
    stored_actions,
    stored_bars,
    stored_coverage,
    tick_columns,
)
from stockpulse_engine.marketdata.columns import NO_SIDE, QuoteColumns, TradeColumns, from_e8
from stockpulse_engine.marketdata.history import ActionKind, Adjustment, HistoryReader, SeriesInfo

GAPS_SHOWN = 20
InstrumentName = Annotated[
    str, typer.Argument(metavar="INSTRUMENT", help="`IBM.XNYS`, or `IBM` when only one is held.")
]
SpecName = Annotated[str, typer.Option("--spec", "-s", metavar="SPEC", help="1s, 1m, 5m, 1h, 1d …")]
SourceName = Annotated[str, typer.Option("--source", metavar="NAME", help="Only this source; else by your priority.")]
FromMoment = Annotated[str, typer.Option("--from", metavar="MOMENT", help="First moment.")]
ToMoment = Annotated[str, typer.Option("--to", metavar="MOMENT", help="Last moment; a date is taken whole.")]
Count = Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000_000, help="The last so many.")]


def bars(
    instrument: Annotated[
        str, typer.Argument(metavar="[INSTRUMENT]", help="`IBM.XNYS`, or `IBM` when only one is held.")
    ] = "",
    spec: SpecName = "1d",
    start: FromMoment = "",
    end: ToMoment = "",
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=0, max=10_000_000, help="The last so many; 0: 20, of a universe 1.")
    ] = 0,
    adjust: Annotated[
        Literal["raw", "split", "total"], typer.Option("--adjust", help="What actions do to prices.")
    ] = "raw",
    source: SourceName = "",
    from_ticks: Annotated[bool, typer.Option("--from-ticks", help="Made of stored prints instead.")] = False,
    prints: Annotated[
        Literal["all", "regular"], typer.Option("--prints", help="With --from-ticks: which prints make prices.")
    ] = "all",
    known: AsOfMoment = "",
    recorded: AsRecordedMoment = "",
    universe: Annotated[
        str, typer.Option("--universe", metavar="NAME", help="Of each member, of those on the day of --as-of.")
    ] = "",
    todays: TodaysMembers = False,
    as_json: JsonFlag = False,
) -> None:
    """Stored bars, with where they are from; raw as printed, or adjusted for splits, or for dividends as well.

    Example: sp bars SPY --spec 1m --from 2013-10-07 --to 2013-10-07
    Example: sp bars IBM --spec 5m --from-ticks --prints regular
    Example: sp bars AAPL --adjust total --as-of 2014-06-06
    Example: sp bars --universe sim
    """
    if bool(instrument) == bool(universe):
        raise InvalidValueError("Name an instrument, or a --universe.", fix="sp bars IBM, or sp bars --universe sim.")
    if from_ticks and (adjust != "raw" or universe):
        raise InvalidValueError("Bars made of ticks are as printed, of one.", fix="Leave --adjust and --universe out.")
    asked = BarsAsked(
        instrument=instrument,
        spec=parse_bar_spec(spec),
        start_ns=moment_ns(start) if start else None,
        end_ns=moment_ns(end, is_end=True) if end else None,
        limit=limit or (1 if universe else 20),
        as_of=as_of(known, recorded),
        adjustment=Adjustment(adjust),
        source=source,
    )
    if universe:
        from stockpulse_engine.cli.universe_bars import show_members_bars

        show_members_bars(universe, asked, known, takes_todays=todays, as_json=as_json)
    else:
        _show_bars(asked, prints if from_ticks else "", as_json=as_json)


def _show_bars(asked: BarsAsked, prints: str, *, as_json: bool) -> None:
    """Bars of one instrument; made of its prints where `prints` says which."""
    from stockpulse_engine.bootstrap.servertier import whole_history_of

    spec, adjust = str(asked.spec), asked.adjustment.value
    with whole_history_of(paths()) as store:
        found = _built(store.reader, asked, prints) if prints else stored_bars(store.reader, asked)
        name, rows = found.instrument_id, found.bars
        specs = sorted({one.spec for one in store.reader.series(name, table="bars")})
    if as_json:
        emit_json({"source": found.source, "adjustment": adjust, "warnings": found.warnings, "bars": rows})
        return
    if not rows:
        emit(f"No {spec} bars of {name} there; held are {', '.join(specs)}.")
        return
    from stockpulse_engine.render.format import iso_utc

    table = [
        [iso_utc(bar.ts_event)[:19], *(number(price) for price in (bar.open, bar.high, bar.low, bar.close, bar.volume))]
        for bar in rows
    ]
    emit_table(("start (utc)", "open", "high", "low", "close", "volume"), table)
    say(f"{name} {spec} from {found.source}, {adjust}")
    for warning in found.warnings:
        say(warning)


def _built(reader: HistoryReader, asked: BarsAsked, prints: str) -> StoredBars:
    from stockpulse_engine.marketdata.tickbars import BUILT, Prints, built_bars

    found = built_bars(reader, asked, Prints(prints))
    return StoredBars(
        instrument_id=found.instrument_id,
        spec=str(asked.spec),
        source=f"{found.source} ({BUILT})" if found.source else BUILT,
        adjustment=asked.adjustment,
        warnings=(),
        bars=tuple(found.to_bars()),
    )


def ticks(
    instrument: InstrumentName,
    start: FromMoment = "",
    end: ToMoment = "",
    quotes: Annotated[bool, typer.Option("--quotes", help="Quotes instead of prints.")] = False,
    limit: Count = 20,
    source: SourceName = "",
    known: AsOfMoment = "",
    recorded: AsRecordedMoment = "",
    as_json: JsonFlag = False,
) -> None:
    """Stored prints, or with --quotes bids and asks, in the source's own order.

    Example: sp ticks IBM --from "2013-10-07 09:30" --to "2013-10-07 09:31"
    Example: sp ticks BAC --quotes -n 50
    """
    from stockpulse_engine.bootstrap.servertier import whole_history_of

    table = "quotes" if quotes else "trades"
    asked = Asked(
        instrument=instrument,
        start_ns=moment_ns(start) if start else None,
        end_ns=moment_ns(end, is_end=True) if end else None,
        limit=limit,
        source=source,
        as_of=as_of(known, recorded),
    )
    with whole_history_of(paths()) as store:
        found = tick_columns(store.reader, asked, table)
        name, rows, from_source = found.instrument_id, _tick_rows(found), found.source
        notes = notes_of(store.reader)
    heads = _heads(table)
    if as_json:
        named = [dict(zip(("ts", *heads[1:]), row, strict=True)) for row in rows]
        emit_json({"instrument_id": name, "source": from_source, "rows": named})
    elif not rows:
        emit(f"No {table} of {name} there.")
    else:
        emit_table(heads, rows, left=(0, len(heads) - 2, len(heads) - 1))
        say(f"{name} {table} from {from_source}")
    _say_all(notes)


def actions(
    instrument: Annotated[str, typer.Argument(metavar="[INSTRUMENT]", help="All when left out.")] = "",
    known: AsOfMoment = "",
    recorded: AsRecordedMoment = "",
    as_json: JsonFlag = False,
) -> None:
    """Stored corporate actions: splits, dividends, renames, delistings.

    Example: sp actions AAPL
    """
    from stockpulse_engine.bootstrap.servertier import whole_history_of
    from stockpulse_engine.render.format import iso_utc

    with whole_history_of(paths()) as store:
        found = stored_actions(store.reader, instrument, as_of(known, recorded))
    if as_json:
        emit_json(found)
    elif not found:
        emit("No corporate actions are stored; `sp import FILE` takes them in.")
    else:
        rows = []
        for one in found:
            is_ratio = one.kind in (ActionKind.SPLIT, ActionKind.STOCK_DIVIDEND)
            ratio = f"{one.numerator}:{one.denominator}" if is_ratio else "·"
            amount = f"{from_e8(one.amount_e8)} {one.currency}".strip() if one.amount_e8 else "·"
            amount = f"to {one.other_id}" if one.kind is ActionKind.RENAME else amount
            day, kind = iso_utc(one.ts_event)[:10], one.kind.value.lower()
            rows.append([one.instrument_id, day, kind, ratio, amount, one.source])
        emit_table(("instrument", "ex-date", "kind", "ratio", "amount", "source"), rows, left=(0, 1, 2, 5))


def coverage(
    instrument: Annotated[str, typer.Argument(metavar="[INSTRUMENT]", help="All when left out, without gaps.")] = "",
    spec: Annotated[str, typer.Option("--spec", "-s", metavar="SPEC", help="Only bars of this length.")] = "",
    known: AsOfMoment = "",
    recorded: AsRecordedMoment = "",
    as_json: JsonFlag = False,
) -> None:
    """What is stored: by instrument, length and source, with corrections and, for one instrument, the gaps.

    Example: sp coverage
    Example: sp coverage SPY --spec 1m
    """
    from stockpulse_engine.bootstrap.servertier import whole_history_of
    from stockpulse_engine.render.format import iso_utc

    with whole_history_of(paths()) as store:
        answer = stored_coverage(store.reader, instrument, spec, as_of(known, recorded))
        series, found = answer.series, answer.coverage
    _say_all(answer.notes)
    if as_json:
        emit_json({"series": series, "coverage": found} if instrument else series)
        return
    if not series:
        emit("Nothing is stored yet; `sp import FILE` takes data in.")
        return
    heads = ("instrument", "what", "source", "rows", "corrections", "first (utc)", "last (utc)", "where")
    emit_table(heads, _held_rows(series), left=(0, 1, 2, 5, 6, 7))
    for one in found:
        what = f"{one.series.spec} from {one.series.source}"
        by = one.calendar or "no calendar"
        say(f"{what}: {one.bars:,} bars, {one.missing:,} missing in {one.gap_count:,} gaps ({by})")
        for gap in one.gaps[:GAPS_SHOWN]:
            say(f"  {iso_utc(gap.start_ns)[:16]} … {iso_utc(gap.last_ns)[:16]}  {gap.missing:,} bars")
        if len(one.gaps) > GAPS_SHOWN:
            say(f"  … {len(one.gaps) - GAPS_SHOWN:,} more: --json lists all")


def _say_all(notes: tuple[str, ...]) -> None:
    """What the reader left out, beside the answer."""
    for note in notes:
        say(note)


def _held_rows(series: tuple[SeriesInfo, ...]) -> list[list[str]]:
    from stockpulse_engine.render.format import iso_utc

    return [
        [
            one.instrument_id,
            f"{one.table} {one.spec}".strip(),
            one.source,
            f"{one.rows:,}" if one.rows else "·",
            f"{one.corrections:,}" if one.corrections else "·",
            iso_utc(one.first_ts)[:16],
            iso_utc(one.last_ts)[:16],
            one.tier,
        ]
        for one in series
    ]


def _prices(values: list[int]) -> list[str]:
    return ["·" if value == NO_SIDE else format(from_e8(value), "f") for value in values]


def _tick_rows(found: QuoteColumns | TradeColumns) -> list[list[str]]:
    from stockpulse_engine.render.format import iso_utc

    if isinstance(found, QuoteColumns):
        sides = [found.bid, found.bid_size, found.ask, found.ask_size]
    else:
        sides = [found.price, found.size]
    stamps = [iso_utc(ts) for ts in found.ts_event.tolist()]
    words = [[str(word) for word in column] for column in (found.exchange, found.conditions)]
    columns = [stamps, *(_prices(side.tolist()) for side in sides), *words]
    return [list(row) for row in zip(*columns, strict=True)]


def _heads(table: str) -> tuple[str, ...]:
    columns = ("bid", "bid_size", "ask", "ask_size") if table == "quotes" else ("price", "size")
    return ("time (utc)", *columns, "exchange", "conditions")


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    for command in (bars, ticks, actions, coverage):
        add_command(app, command)

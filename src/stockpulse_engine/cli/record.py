"""`sp record`: write down the market of this engine, to be played again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stockpulse_engine.cli.link import engine, paths
from stockpulse_engine.cli.options import JsonFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_table
from stockpulse_engine.cli.register import add_command

if TYPE_CHECKING:
    from stockpulse_engine.domain.recordings import RecordingView

record_app = typer.Typer(help="Record the market of this engine, and play it again.", no_args_is_help=True)
MEBI = 1024 * 1024


def start(
    name: Annotated[str, typer.Argument(help="What it is called: letters, digits, dot, dash; at most 24.")],
    as_json: JsonFlag = False,
) -> None:
    """Write down every quote, print, book, status and headline from now on.

    `sp engine restart --world replay:NAME` plays it again, byte for byte.

    Example: sp record start morning
    """
    from stockpulse_engine.client import recordings

    view = engine().send(recordings.start_recording(name))
    if as_json:
        emit_json(view)
    else:
        emit(f"Recording {view.name} of {view.world}; sp record stop ends it.")


def stop(as_json: JsonFlag = False) -> None:
    """End the recording that is being made.

    Example: sp record stop
    """
    from stockpulse_engine.client import recordings

    view = engine().send(recordings.stop_recording())
    if as_json:
        emit_json(view)
        return
    emit(f"Recorded {view.events:,} events in {_size(view.bytes)}. Play: sp engine restart --world replay:{view.name}")


def show(as_json: JsonFlag = False) -> None:
    """Every recorded session of this home, with the engine up or down.

    Example: sp record list
    """
    from stockpulse_engine.venue.recording.tape import list_recordings

    found = list_recordings(paths().recordings)
    running = _running()
    shown = [running if running is not None and one.name == running.name else one for one in found]
    if as_json:
        emit_json(shown)
        return
    if not shown:
        emit("Nothing is recorded. sp record start NAME begins.")
        return
    rows = [
        [one.name, one.state, one.world, f"{one.events:,}", _size(one.bytes), *_span(one), one.detail] for one in shown
    ]
    emit_table(
        ("name", "state", "world", "events", "size", "from (utc)", "to (utc)", ""), rows, left=(0, 1, 2, 5, 6, 7)
    )


def _running() -> RecordingView | None:
    """The recording that is being made, as its venue tells it; None without an engine."""
    from stockpulse_engine.client import recordings
    from stockpulse_engine.domain.errors import StockPulseError

    try:
        view = engine(is_started=False).send(recordings.recordings())
    except StockPulseError:
        return None
    return next((one for one in view.recordings if one.name == view.running), None)


def _span(view: RecordingView) -> list[str]:
    from stockpulse_engine.render.format import iso_utc

    return [iso_utc(ns)[:19] if ns else "" for ns in (view.first_ns, view.last_ns)]


def _size(number: int) -> str:
    return f"{number / MEBI:,.1f} MB"


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    add_command(record_app, start)
    add_command(record_app, stop)
    add_command(record_app, show, name="list")
    app.add_typer(record_app, name="record")

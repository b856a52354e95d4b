"""The halt, whatever else works: latch first, tell the engine second."""

from __future__ import annotations

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.flagfile import FlagFile
from stockpulse_engine.base.lock import lock_holder
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.cli.link import engine, paths
from stockpulse_engine.cli.output import emit, emit_json, say
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.views import HaltView


def halt_now(reason: str, *, as_json: bool) -> None:
    """Set the latch file, then let the engine cancel everything; without an engine the latch alone holds."""
    words = reason or "sp halt"
    FlagFile(paths().latch, WallClock()).set(words, "cli")
    try:
        view = engine(is_started=False).set_halt("halt", reason=words)
    except UnavailableError as error:
        is_down = lock_holder(paths().lock) is None
        why = "The engine is not running; it finds the latch when it starts." if is_down else error.message
        say(f"Latched: no order leaves any more. {why}")
        now = WallClock().now_ns()
        view = HaltView(state=TradingState.HALTED, reason=words, since=now, actor="cli", is_latched=True)
    show_halt(view, as_json=as_json)


def show_halt(view: HaltView, *, as_json: bool) -> None:
    """Print the trading state."""
    if as_json:
        emit_json(view)
        return
    emit(f"{view.state.value}: {clean_line(view.reason)} ({clean_line(view.actor)})")
    if view.flattening:
        emit(f"closing {clean_line(', '.join(view.flattening))}")

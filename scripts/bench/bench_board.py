"""CPU of the watchlist board in a real pty: 200 rows in sight, 5,000 quotes a second, 30 frames a second.

    python scripts/bench/bench_board.py [--rows 200] [--rate 5000] [--seconds 8] [--peers DIR]

A feeder process sends msgpack frames of quotes over a pipe, conflated to the latest quote per instrument, 30 times
a second; the head decodes them, folds them into its store and paints. Everything it does is counted: decoding, store,
rows, compositor, writing. One JSON line for ours; with `--peers` (or STOCKPULSE_PEERS) naming a directory that holds
`b9_tui.py`, one more for the DataTable technique measured there, in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import os
import pty
import random
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

os.environ.setdefault("TEXTUAL_FPS", "30")

import msgspec

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.views import ClockView
from stockpulse_engine.wire.stream import Frame
from stockpulse_tui.app import StockPulseApp
from stockpulse_tui.screens import panes
from stockpulse_tui.start import calm_collector

COLUMNS = 100
CHROME_ROWS = 6
"""Header, tabs, footer, health, the board's title and headings."""
FRAMES_PER_SECOND = 30
WARM_S = 2.0


def main() -> int:
    """Measure; as a child, be the head."""
    options = parse()
    if options.child:
        run_head(options)
        return 0
    if options.feeder:
        run_feeder(options)
        return 0
    print(json.dumps(measure(options)), flush=True)
    peers = options.peers or os.environ.get("STOCKPULSE_PEERS", "")
    script = Path(peers) / "b9_tui.py" if peers else None
    if script is not None and script.is_file():
        print(json.dumps(measure_peer(script, options)), flush=True)
    else:
        print("the peer's script is not here: --peers DIR", file=sys.stderr)
    return 0


def parse() -> argparse.Namespace:
    """Options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--peers", default="")
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    parser.add_argument("--feeder", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, object]:
    """Run the head in a pty of its own and read what it wrote."""
    with tempfile.TemporaryDirectory() as directory:
        answer = Path(directory) / "answer.json"
        command = [sys.executable, __file__, "--child", str(answer), *_sizes(options)]
        written = in_pty(command, options.rows + CHROME_ROWS, options.seconds + 60)
        result: dict[str, object] = json.loads(answer.read_text())
    result["kb_per_s"] = round(written / 1024 / (options.seconds + WARM_S), 1)
    return result


def _sizes(options: argparse.Namespace) -> list[str]:
    return ["--rows", str(options.rows), "--rate", str(options.rate), "--seconds", str(options.seconds)]


def in_pty(command: list[str], rows: int, limit_s: float) -> int:
    """Run a command in a pty of that height until it ends; returns the bytes it wrote."""
    pid, descriptor = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", TEXTUAL_FPS=str(FRAMES_PER_SECOND))
        os.environ["COLUMNS"], os.environ["LINES"] = str(COLUMNS), str(rows)
        os.execv(command[0], command)  # noqa: S606 - our own interpreter
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, COLUMNS, 0, 0))
    total, give_up = 0, time.monotonic() + limit_s
    while time.monotonic() < give_up:
        readable, _, _ = select.select([descriptor], [], [], 0.2)
        if readable:
            try:
                total += len(os.read(descriptor, 1 << 16))
            except OSError:
                break
    os.close(descriptor)
    os.waitpid(pid, 0)
    return total


class PipeLink:
    """A link that reads the feeder's frames from a pipe."""

    head_id = "bench"
    commands = None

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._decoder = msgspec.msgpack.Decoder(Frame)

    def subscribe(self, topics: tuple[str, ...]) -> None:
        """The feeder sends what it sends."""

    def report_latency(self, tick_to_cell_ns: int) -> None:
        """Nobody listens."""

    async def start_engine(self, on_state: Callable[[str, str], None]) -> None:
        """There is none."""

    async def latch(self, reason: str) -> str:
        """Nothing is traded."""
        return ""

    async def run(self, on_frame: Callable[[Frame], None], on_state: Callable[[str, str], None]) -> None:
        """Snapshot, then whatever the feeder sends."""
        on_state("live", "")
        on_frame(snapshot(self._options.rows))
        command = [sys.executable, __file__, "--feeder", *_sizes(self._options)]
        feeder = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, limit=1 << 22)
        assert feeder.stdout is not None
        try:
            while True:
                size = int.from_bytes(await feeder.stdout.readexactly(4), "big")
                on_frame(self._decoder.decode(await feeder.stdout.readexactly(size)))
        except asyncio.IncompleteReadError:
            await feeder.wait()


class Measured(StockPulseApp):
    """Counts frames and its own CPU between two moments."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(PipeLink(options), clock=WallClock())  # type: ignore[arg-type] # a link without commands
        self.options = options
        self.frames = 0
        self.start = (0.0, 0.0, 0)

    def post_display_hook(self) -> None:
        """One more frame was written."""
        self.frames += 1
        super().post_display_hook()

    async def on_mount(self) -> None:
        """Begin after the warm-up (the framework calls the base class's own handler as well)."""
        self.set_timer(WARM_S, self.begin)

    def begin(self) -> None:
        """First moment."""
        self.start = (time.process_time(), time.perf_counter(), self.frames)
        self.set_timer(self.options.seconds, self.finish)

    def finish(self) -> None:
        """Second moment."""
        cpu, wall = time.process_time() - self.start[0], time.perf_counter() - self.start[1]
        count = max(1, self.frames - self.start[2])
        result = {
            "bench": "board",
            "what": "ours",
            "rows_in_sight": min(self.options.rows, self.view.panes["watchlist"].size.height - 2),
            "quotes_per_s": self.options.rate,
            "frames_per_s": round(count / wall, 1),
            "cpu_ms_per_frame": round(1000 * cpu / count, 2),
            "cpu_percent_at_30_fps": round(100 * cpu / count * FRAMES_PER_SECOND, 1),
            "cpu_percent": round(100 * cpu / wall, 1),
            "tick_to_cell_p50_ms": round(self.latency.percentile(0.5) / 1e6, 2),
            "tick_to_cell_p99_ms": round(self.latency.percentile(0.99) / 1e6, 2),
        }
        Path(self.options.child).write_text(json.dumps(result))
        self.exit()


def run_head(options: argparse.Namespace) -> None:
    """The head: our application with nothing but the watchlist."""
    panes.PANES = tuple(spec for spec in panes.PANES if spec.name == "watchlist")
    calm_collector()
    Measured(options).run()


def snapshot(rows: int) -> Frame:
    """Instruments, references and sparklines to start from."""
    now = WallClock().now_ns()
    made = tuple(
        Instrument(
            instrument_id=symbol(i), name=f"Instrument {i}", asset_class=AssetClass.EQUITY, currency="USD",
            tick_size=Decimal("0.01"), average_daily_volume=Decimal(1_000_000),
        )
        for i in range(rows)
    )  # fmt: skip
    view = ClockView(
        world="sim", market_ns=now, wall_ns=now, speed=1.0, is_paused=False, session_date="2026-11-20",
        phase="OPEN", time_zone="America/New_York", next_change_ns=now + 10**13, next_phase="CLOSED",
    )  # fmt: skip
    return Frame(
        seq=1,
        sent_at=now,
        kind="snapshot",
        instruments=made,
        clock=view,
        references={i.instrument_id: ("100.00", "95.00", "105.00") for i in made},
        sparks={i.instrument_id: tuple(100.0 + (k * 7 % 5) for k in range(8)) for i in made},
    )


def symbol(i: int) -> str:
    """Instrument ids of the bench."""
    return f"{chr(65 + i // 26 % 26)}{chr(65 + i % 26)}{i:03d}.XNAS"


def run_feeder(options: argparse.Namespace) -> None:
    """Conflated frames on stdout, 30 a second, for as long as the head measures."""
    rng, encoder = random.Random(7), msgspec.msgpack.Encoder()
    cents = [10_000 + rng.randrange(-400, 400) for _ in range(options.rows)]
    begin, sent, seq = time.perf_counter(), 0, 1
    while time.perf_counter() - begin < options.seconds + WARM_S + 2:
        time.sleep(max(0.0, begin + seq / FRAMES_PER_SECOND - time.perf_counter()))
        due = int((time.perf_counter() - begin) * options.rate) - sent
        sent += due
        touched = {rng.randrange(options.rows) for _ in range(due)}
        now = time.time_ns()
        quotes = []
        for i in touched:
            cents[i] = max(100, cents[i] + rng.randrange(-5, 6))
            bid, last = Decimal(cents[i]) / 100, Decimal(cents[i] + 1) / 100
            quotes.append(
                Quote(symbol(i), bid, last, Decimal(100), Decimal(200), now, "sim", last, Decimal(1000 + sent))
            )
        seq += 1
        data = encoder.encode(Frame(seq=seq, sent_at=now, quotes=tuple(quotes)))
        sys.stdout.buffer.write(len(data).to_bytes(4, "big") + data)
        sys.stdout.buffer.flush()


def measure_peer(script: Path, options: argparse.Namespace) -> dict[str, object]:
    """The DataTable technique: changed rows updated once a frame, 50 of its 200 rows in sight."""
    command = [sys.executable, str(script), "--mode", "dt_frame", "--fps", str(FRAMES_PER_SECOND)]
    command += ["--rate", str(options.rate), "--symbols", str(options.rows), "--seconds", str(options.seconds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=options.seconds + 120, check=False)
    last = next((line for line in reversed(done.stdout.splitlines()) if line.startswith("{")), "")
    if not last:
        return {"bench": "board", "what": "DataTable", "error": done.stderr.strip().splitlines()[-1:] or "no output"}
    return {"bench": "board", "what": "DataTable, changed rows once a frame, 50 rows in sight", **json.loads(last)}


if __name__ == "__main__":
    raise SystemExit(main())

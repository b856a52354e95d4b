"""What `make bench` shows: which figure is found where, its goal, and the peer it is compared with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """A peer's script, and where its figure is in the JSON line it prints.

    `scale` brings it to our unit; with `is_inverse` it is a rate and ours the time for one: `scale` / rate.
    """

    script: str
    arguments: tuple[str, ...]
    key: str
    name: str
    scale: float = 1.0
    is_inverse: bool = False


@dataclass(frozen=True)
class Figure:
    """One line of the table. `key` is a path in the JSON line called `bench`; `is_floor`: more is better."""

    name: str
    script: str
    bench: str
    key: str
    unit: str
    goal: float | None = None
    is_floor: bool = False
    peer: Peer | None = None

    def is_met(self, value: float) -> bool:
        """Whether the goal holds."""
        return self.goal is None or (value >= self.goal if self.is_floor else value <= self.goal)


TEXTUAL = Peer("b9_start.py", ("--what", "textual", "--repeats", "5"), "first_ms", "Textual + DataTable")
TABLE = Peer(
    "b9_tui.py",
    ("--mode", "dt_frame", "--fps", "30", "--rate", "5000", "--symbols", "200", "--seconds", "6"),
    "cpu_per_frame",
    "DataTable",
)
CONFLATED = Peer(
    "b5_fanout.py",
    ("--peer", "picows_conflate", "--clients", "8", "--rate", "20000", "--seconds", "3"),
    "p99_ms",
    "picows, conflated every 50 ms",
)
FANOUT = Peer(
    "b5_fanout.py",
    ("--peer", "websockets", "--clients", "8", "--rate", "20000", "--seconds", "3"),
    "p99_ms",
    "websockets, a frame per quote",
)
NAUTILUS = Peer(
    "b6_orders.py",
    ("--peer", "nautilus", "--repeats", "2", "--n", "5000"),
    "per_s",
    "nautilus, nothing on disk",
    1000.0,
    is_inverse=True,
)
BOOK = Peer("b6_orders.py", ("--peer", "pybook", "--repeats", "3"), "per_s", "bare Python book")
SQLITE = Peer(
    "b6_orders.py",
    ("--peer", "sqlite", "--dir", "{scratch}", "--repeats", "2", "--n", "2000"),
    "commit_p50_ms",
    "SQLite FULL alone",
)

FIGURES: tuple[Figure, ...] = (
    Figure("python alone, whole process", "bench_commands.py", "python_alone", "p50_ms", "ms"),
    Figure("sp quote, whole process, warm, p50", "bench_commands.py", "sp_quote", "p50_ms", "ms", 150),
    Figure("sp quote, CPU", "bench_commands.py", "sp_quote", "cpu_p50_ms", "ms"),
    Figure("sp halt, whole process, p99", "bench_commands.py", "sp_halt", "p99_ms", "ms", 150),
    Figure("ready after a kill, 10,000 orders, p99", "bench_recovery.py", "recovery", "p99_s", "s", 3),
    Figure("sp halt, CPU", "bench_commands.py", "sp_halt", "cpu_p50_ms", "ms"),
    Figure("!! pressed to the latch, p99", "bench_head.py", "head_halt_keys", "p99_ms", "ms", 50),
    Figure("last frame painted", "bench_head.py", "head_engine_up", "last_frame_ms", "ms", 60),
    Figure(
        "first own frame, engine up", "bench_head.py", "head_engine_up", "first_frame_ms", "ms", 400, False, TEXTUAL
    ),
    Figure("first own frame, CPU", "bench_head.py", "head_engine_up", "first_frame_cpu_ms", "ms"),
    Figure("first prices, engine up", "bench_head.py", "head_engine_up", "first_prices_ms", "ms"),
    Figure("first own frame, engine down", "bench_head.py", "head_engine_down", "first_frame_ms", "ms", 400),
    Figure("live from an empty home", "bench_head.py", "head_live_from_nothing", "median_ms", "ms", 4000),
    Figure(
        "board, 200 rows, 5,000 quotes/s, 30 fps", "bench_board.py", "board", "cpu_percent_at_30_fps", "% of a core", 10
    ),
    Figure("board, CPU a frame", "bench_board.py", "board", "cpu_ms_per_frame", "ms", None, False, TABLE),
    Figure("tick to cell, p99", "bench_board.py", "board", "tick_to_cell_p99_ms", "ms"),
    Figure(
        "20,000 quotes/s to 8 heads, p99", "bench_stream.py", "stream_conflated", "p99_ms", "ms", 45, False, CONFLATED
    ),
    Figure(
        "the same against ordinary servers", "bench_stream.py", "stream_conflated", "p99_ms", "ms", None, False, FANOUT
    ),
    Figure("50,000 events/s through the whole engine to 8 heads, p99", "bench_flow.py", "flow", "p99_ms", "ms", 45),
    Figure("the same, engine CPU an event, recorded", "bench_flow.py", "flow", "engine_cpu_us_per_event", "µs"),
    Figure("the same, events lost", "bench_flow.py", "flow", "lost", "events", 0),
    Figure(
        "orders, engine and venue, 64 callers", "bench_engine.py", "engine_orders", "orders_per_s", "/s", 1500, True
    ),
    Figure("engine CPU an order", "bench_engine.py", "engine_orders", "engine_cpu_ms_per_order", "ms", 0.5),
    Figure(
        "CPU an order, engine, venue and market",
        "bench_engine.py",
        "engine_orders",
        "cpu_ms_per_order",
        "ms",
        None,
        False,
        NAUTILUS,
    ),
    Figure("one caller beyond the sync, p50", "bench_engine.py", "engine_one_caller", "beyond_sync_p50_ms", "ms", 1.0),
    Figure(
        "orders, service alone, 64 callers", "bench_orders.py", "orders", "orders_per_s_64_callers", "/s", 1500, True
    ),
    Figure("one caller, service alone, beyond the sync", "bench_orders.py", "orders", "beyond_sync_ms", "ms", 1.0),
    Figure(
        "gate, 30 positions, 100 orders, p50", "bench_gate.py", "gate", "judge_30_positions_100_orders.p50_us", "µs"
    ),
    Figure(
        "gate, 30 positions, 100 orders, p99",
        "bench_gate.py",
        "gate",
        "judge_30_positions_100_orders.p99_us",
        "µs",
        200,
    ),
    Figure("the same with its words, p50", "bench_gate.py", "gate", "preview_30_positions_100_orders.p50_us", "µs"),
    Figure(
        "journal append, one caller, p50", "bench_journal.py", "journal", "append_p50_ms", "ms", None, False, SQLITE
    ),
    Figure("journal appends, 64 callers", "bench_journal.py", "journal", "appends_per_s_64_callers", "/s"),
    Figure("journal verify", "bench_journal.py", "journal", "verify_entries_per_s", "entries/s"),
    Figure("ledger, fills", "bench_ledger.py", "ledger", "fills_per_s", "/s"),
    Figure("venue matcher", "bench_venue.py", "venue_matcher", "orders_per_s", "/s", None, True, BOOK),
    Figure("venue process, 64 callers", "bench_venue.py", "venue_process", "orders_per_s", "/s"),
    Figure("history, 48 instruments, CPU", "bench_market.py", "sim_history", "cpu_s", "s", 2.0),
    Figure("focused history, CPU", "bench_market.py", "sim_open", "focus_history_cpu_s", "s"),
    Figure("chart drawn, 118×36", "bench_render.py", "render", "chart_118x36_us", "µs"),
    Figure(
        "nine indicators, ticks in frames of 500",
        "bench_indicators.py",
        "nine_frames",
        "ticks_per_cpu_s",
        "/CPU-s",
        5e6,
        True,
    ),
    Figure(
        "nine, one tick, kernels, against TA-Lib's window",
        "bench_indicators.py",
        "nine_tick_numba",
        "times",
        "×",
        7,
        True,
    ),
    Figure(
        "nine, one tick, TA-Lib's handles, the same", "bench_indicators.py", "nine_tick_talib", "times", "×", 7, True
    ),
    Figure("nine, 500×1,260 daily, against TA-Lib", "bench_indicators.py", "nine_daily", "times_talib", "×", 2, True),
    Figure(
        "nine, 10×1,000,000 minutes, against TA-Lib", "bench_indicators.py", "nine_minutes", "times_talib", "×", 2, True
    ),
    Figure(
        "the same in parts, memory from nothing, against TA-Lib",
        "bench_indicators.py",
        "nine_minutes",
        "parts_times_talib",
        "×",
        2,
        True,
    ),
    Figure(
        "the same, all outputs kept by both, against TA-Lib",
        "bench_indicators.py",
        "nine_minutes",
        "fresh_times_talib",
        "×",
    ),
    Figure("nine, compiled from nothing, CPU", "bench_indicators.py", "nine_compile", "cpu_s", "s"),
    Figure("nine, loaded from the cache, CPU", "bench_indicators.py", "nine_compile", "loaded_cpu_s", "s"),
    Figure(
        "history written, against polars alone, CPU",
        "bench_history_store.py",
        "history_write",
        "ratio_cpu",
        "×",
        0.5,
        True,
    ),
    Figure(
        "history written, against polars alone, wall",
        "bench_history_store.py",
        "history_write",
        "ratio_wall",
        "×",
        0.5,
        True,
    ),
    Figure(
        "the same rows again, compared", "bench_history_store.py", "history_write", "again_rows_per_cpu_s", "rows/CPU-s"
    ),
    Figure("last 500 bars of 100 instruments, hot, p95", "bench_history_store.py", "history_hot", "p95_ms", "ms", 3),
    Figure("the same, store opened anew, p95", "bench_history_store.py", "history_cold", "p95_ms", "ms", 30),
    Figure("hot, CPU p95", "bench_history_store.py", "history_hot", "p95_cpu_ms", "ms", 3),
    Figure("opened anew, CPU p95", "bench_history_store.py", "history_cold", "p95_cpu_ms", "ms", 30),
    Figure("the same, without the hot tier, p95", "bench_history_store.py", "history_segments", "p95_ms", "ms"),
    Figure("chart of one instrument, columns, p95", "bench_history_store.py", "history_chart", "p95_ms", "ms", 1),
    Figure(
        "chart of one instrument, as bars, p95", "bench_history_store.py", "history_chart", "with_bars_p95_ms", "ms"
    ),
    Figure("10 M minutes to days, CPU", "bench_history_store.py", "history_resample", "cpu_s", "s", 0.1),
    Figure("server written, against psycopg's binary COPY", "bench_server.py", "server_write", "ratio", "×", 0.8, True),
    Figure("last 500 bars of 100 instruments, server, p95", "bench_server.py", "server_last", "p95_ms", "ms", 100),
    Figure("the same, CPU of the server's process", "bench_server.py", "server_last", "server_cpu_ms", "ms"),
    Figure(
        "bars imported, against polars alone, CPU",
        "bench_import.py",
        "import_bars_parquet",
        "ratio_cpu",
        "×",
        0.5,
        True,
    ),
    Figure("the same from CSV, exact decimals, CPU", "bench_import.py", "import_bars_csv", "ratio_cpu", "×", 0.5, True),
    Figure(
        "prints imported, against polars alone, CPU",
        "bench_import.py",
        "import_trades_parquet",
        "ratio_cpu",
        "×",
        0.5,
        True,
    ),
    Figure("bars imported", "bench_import.py", "import_bars_parquet", "rows_per_cpu_s", "rows/CPU-s"),
)

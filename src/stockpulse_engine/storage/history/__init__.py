"""The embedded store of market history: immutable Parquet segments, one small catalog, a mapped hot tier, a live tail.

    from stockpulse_engine.storage.history.store import open_history

    store = open_history(paths.history, clock, settings.history)
    store.reader  # marketdata.history.HistoryReader
    store.writer  # marketdata.history.HistoryWriter

A file becomes part of the history only by its row in the catalog: `catalog.db` is the one point of commit. Whatever
else lies there without a row is swept, whatever is derived (the hot tier) may be deleted at any time. Nothing is
imported by importing this package: polars loads with the first segment that is read or written.
"""

"""Clock, ids, paths, tasks, logs, queues: no trading word may appear here."""

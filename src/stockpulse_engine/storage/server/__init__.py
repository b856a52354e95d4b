"""History and books in the user's own PostgreSQL, with TimescaleDB where it is there.

The embedded store and the journal stay the truth. `mirror` copies both behind a cursor that lies in the same database
and moves with the rows, so that each arrives once; `reader` answers from there; `verify` compares row for row.
Nothing is imported by importing this package: psycopg, SQLAlchemy and polars load with what uses them.
"""

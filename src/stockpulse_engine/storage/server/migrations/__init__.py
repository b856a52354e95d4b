"""Alembic's directory: each file in `versions` is one step. `storage.server.migrate` runs them."""

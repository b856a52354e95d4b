"""Journal, backup, migrations: everything durable of the engine."""

"""Typed clients of the engine API: async for the terminal, blocking for the command line."""

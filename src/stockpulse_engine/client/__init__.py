"""Typed clients of the API: blocking for short commands, async for heads, and the stream."""

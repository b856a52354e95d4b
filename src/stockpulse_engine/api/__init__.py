"""REST and WebSocket server over a Unix socket: auth, routes, one bounded outbox per head, metrics."""

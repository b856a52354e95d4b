"""The only types that cross the socket between the engine and its clients."""

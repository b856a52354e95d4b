"""The deterministic simulator: the real order service against the simulated broker on a clock of its own."""

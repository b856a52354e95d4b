"""Pre-trade gate, limits, exposure."""

"""Studies by TA-Lib name: registry, lines, batch and stream."""

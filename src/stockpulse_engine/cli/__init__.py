"""The `stockpulse` (short `sp`) command line."""

"""`python -m stockpulse_engine.cli` is `sp`."""

from stockpulse_engine.cli import main

main()

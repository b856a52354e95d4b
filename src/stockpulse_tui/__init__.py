"""The StockPulse terminal client: one of many heads of the engine, holding no state that matters."""

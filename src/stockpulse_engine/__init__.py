"""The StockPulse engine: a local daemon that owns quotes, orders, the journal and the ledger."""

__version__ = "0.1.0"

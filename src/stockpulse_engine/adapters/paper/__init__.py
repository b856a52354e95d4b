"""The paper venue through the broker and market data ports, over its Unix socket."""

from stockpulse_engine.adapters.paper.broker import PaperBroker
from stockpulse_engine.adapters.paper.market import PaperMarket

__all__ = ["PaperBroker", "PaperMarket"]

"""The past of this engine, joined: its market, stored history, its books."""

from __future__ import annotations

from stockpulse_engine.base.paths import Paths
from stockpulse_engine.bootstrap.books import Books, portfolio_settings
from stockpulse_engine.bootstrap.market import MarketParts
from stockpulse_engine.bootstrap.options import LIVE
from stockpulse_engine.bootstrap.past import PastService, PastSources
from stockpulse_engine.bootstrap.stored import EngineHistory
from stockpulse_engine.marketdata.past import PastMarket
from stockpulse_engine.risk.limits import Limits


def build_past(
    where: tuple[Paths, str], parts: MarketParts, books: Books, history: EngineHistory, limits: Limits
) -> PastService:
    """What heads that look back ask; nothing is read before one does."""
    paths, world = where
    service = parts.service
    market = PastMarket(None if world == LIVE else parts.provider, history.known(), parts.calendar, service.instruments)
    sources = PastSources(
        market=market,
        calendar=parts.calendar,
        now_ns=parts.time.now_ns,
        news=lambda: service.news(limit=200),
        clock=service.clock,
        life=books.trading.life,
        settings=portfolio_settings(limits),
    )
    return PastService(paths, world, sources)

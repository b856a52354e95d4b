"""What Prometheus may know: counts and ages, never a token, an account or a price."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stockpulse_engine.api.hub import StreamHub
from stockpulse_engine.api.ports import EngineServices
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.views import FeedCounts

_NS = 1_000_000_000


class Metrics:
    """The registry of one application; gauges are read when scraped."""

    def __init__(self, services: EngineServices, hub: StreamHub) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "stockpulse_requests", "Requests by route and status.", ("route", "status"), registry=self._registry
        )
        self._registry.register(_EngineCollector(services, hub))

    def count(self, route: str, status: int) -> None:
        """Count a request. `route` is the pattern of the path, so that ids do not become labels."""
        self._requests.labels(route, str(status)).inc()

    def render(self) -> bytes:
        """Prometheus' text format."""
        return generate_latest(self._registry)


class _EngineCollector(Collector):
    """Reads the engine's state at each scrape."""

    def __init__(self, services: EngineServices, hub: StreamHub) -> None:
        self._services = services
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        """All families."""
        yield from self._stream()
        yield from self._engine()
        yield from _feed(self._services.system.health().feed)
        yield self._orders()

    def _stream(self) -> Iterator[Metric]:
        hub = self._hub
        yield _gauge("stockpulse_heads", "Heads attached.", hub.heads)
        yield _gauge("stockpulse_loop_lag_seconds", "How late the loop's last slow beat was.", hub.lag_s)
        yield _counter("stockpulse_frames", "Frames handed to heads.", hub.frames)
        yield _counter("stockpulse_bodies", "Frame bodies encoded.", hub.bodies)
        yield _counter("stockpulse_resyncs", "Sessions ended because a head fell behind.", hub.resyncs)
        yield _gauge("stockpulse_outbox_depth", "Facts waiting for the slowest head.", hub.deepest)
        yield _gauge("stockpulse_tick_to_cell_seconds", "Worst of the last reports of heads.", hub.worst_tick_s)

    def _engine(self) -> Iterator[Metric]:
        health = self._services.system.health()
        yield _gauge("stockpulse_journal_seq", "Last durable journal entry.", health.journal_seq)
        parts = GaugeMetricFamily("stockpulse_part_age_seconds", "Since a part's last sign of life.", labels=["part"])
        states = GaugeMetricFamily("stockpulse_part_ok", "Whether a part is well.", labels=["part"])
        for part in health.parts:
            parts.add_metric([part.name], part.age_ns / _NS)
            states.add_metric([part.name], float(part.state == "ok"))
        yield parts
        yield states
        ages = [part.age_ns for part in health.parts if part.name == "feed"]
        yield _gauge("stockpulse_feed_age_seconds", "Since the feed's last event.", max(ages, default=0) / _NS)

    def _orders(self) -> Metric:
        family = GaugeMetricFamily("stockpulse_orders", "Today's orders by status.", labels=["status"])
        try:
            tally = Tally(order.status.value for order in self._services.trading.orders(scope="today", limit=5000))
        except StockPulseError:
            tally = Tally()
        for status, count in sorted(tally.items()):
            family.add_metric([status], count)
        return family


def _feed(feed: FeedCounts) -> Iterator[Metric]:
    """What the feed took and held back; a recording's own counts begin anew with its venue."""
    yield _counter("stockpulse_feed_batches", "Batches taken from the feed.", feed.batches)
    yield _counter("stockpulse_feed_events", "Quotes, prints, depths, statuses and headlines taken.", feed.events)
    yield _counter("stockpulse_feed_crossed", "Quotes held back: the bid above the ask.", feed.crossed)
    yield _counter("stockpulse_feed_refused", "Events held back: not finite, not positive or older.", feed.refused)
    source = feed.source
    if source is None:
        return
    rows = CounterMetricFamily("stockpulse_source_rows", "Rows read from the recording.", labels=["kind"])
    for kind, count in (("quote", source.quotes), ("trade", source.trades)):
        rows.add_metric([kind], count)
    yield rows
    yield _counter("stockpulse_source_crossed", "Moments with the bid above the ask, not traded on.", source.crossed)
    yield _counter("stockpulse_source_locked", "Moments with the bid equal to the ask, not traded on.", source.locked)
    refused = CounterMetricFamily("stockpulse_source_refused", "Rows left out, by reason.", labels=["reason"])
    for reason, count in sorted(source.refused.items()):
        refused.add_metric([reason], count)
    yield refused


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)

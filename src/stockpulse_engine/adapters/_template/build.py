"""How the registry makes this broker: from its configuration and its secrets, nothing connected yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stockpulse_engine.adapters._template.broker import TemplateBroker
from stockpulse_engine.adapters._template.wire import Wire
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.redaction import register_secret
from stockpulse_engine.domain.brokers import BrokerConfig
from stockpulse_engine.trading.ports import Broker

MakeWire = Callable[[BrokerConfig, Mapping[str, str], Clock], Wire]


def build(
    config: BrokerConfig, secrets: Mapping[str, str], *, clock: Clock, make_wire: MakeWire | None = None
) -> Broker:
    """Make the broker. An adapter of your own makes its wire here; the template has none and must be given one."""
    for value in secrets.values():
        register_secret(value)  # from here on no log shows it
    if make_wire is None:
        raise ValueError("The template speaks to nobody: copy it and make a wire.")
    return TemplateBroker(config.name, make_wire(config, secrets, clock))

"""When trading was last halted: the proof that it can be, as a fold of the journal."""

from __future__ import annotations

from msgspec import structs

from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.events import Event, TradingStateChanged
from stockpulse_engine.domain.risk import KillProof


class KillBook:
    """Follows the trading state."""

    def __init__(self) -> None:
        self.proof = KillProof()

    def observe(self, event: Event) -> None:
        """Follow a durable event, replay included."""
        if not isinstance(event, TradingStateChanged):
            return
        proof = self.proof
        if event.state is TradingState.HALTED:
            self.proof = KillProof(
                halted_at=event.recorded_at, reason=event.reason, actor=event.actor, count=proof.count + 1
            )
        elif proof.halted_at and not proof.resumed_at:
            self.proof = structs.replace(proof, resumed_at=event.recorded_at)

"""A synchronous bus: handlers run in the publisher's turn, one failing handler never stops the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
ErrorHook = Callable[[object, Exception], None]


class Bus:
    """Publish by type. Handlers must be quick and must not await; slow work goes to a queue of its own."""

    def __init__(self, on_error: ErrorHook) -> None:
        self._handlers: dict[type, tuple[Callable[[Any], None], ...]] = {}
        self._on_error = on_error

    def subscribe(self, kind: type[T], handler: Callable[[T], None]) -> Callable[[], None]:
        """Call `handler` with each published value of exactly this type; returns the unsubscribe function."""
        self._handlers[kind] = (*self._handlers.get(kind, ()), handler)

        def unsubscribe() -> None:
            left = list(self._handlers[kind])
            if handler in left:
                left.remove(handler)
                self._handlers[kind] = tuple(left)

        return unsubscribe

    def publish(self, value: object) -> None:
        """Hand `value` to every handler of its type, in order of subscription."""
        for handler in self._handlers.get(type(value), ()):  # a tuple: who comes or goes meanwhile makes another
            try:
                handler(value)
            except Exception as error:  # noqa: BLE001 - an event has many handlers and they may not stop it
                self._on_error(value, error)

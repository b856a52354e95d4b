"""Who may call what: one decorator per route, and what is not decorated is refused (R10)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from stockpulse_engine.api.auth import Role
from stockpulse_engine.domain.errors import ForbiddenError
from stockpulse_engine.wire.version import PROTOCOL_VERSION

F = TypeVar("F", bound=Callable[..., Any])
SCOPE_KEY = "stockpulse.caller"
_MARK = "__stockpulse_allows__"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, as the guard found out. `protocol` is None when the caller did not say."""

    role: Role
    head_id: str = ""
    protocol: int | None = None

    @property
    def actor(self) -> str:
        """The name under which it goes into the journal: head and role."""
        return f"{self.head_id or 'api'}/{self.role.file_name}"

    @property
    def is_current(self) -> bool:
        """Whether it speaks this engine's protocol version (R09)."""
        return self.protocol == PROTOCOL_VERSION


@dataclass(frozen=True, slots=True)
class Allowed:
    """What `allow` recorded on a route."""

    role: Role
    mutates: bool


def allow(role: Role, *, mutates: bool = False) -> Callable[[F], F]:
    """Open a route to `role` and above. `mutates` closes it to callers of another protocol version."""

    def mark(function: F) -> F:
        setattr(function, _MARK, Allowed(role, mutates))
        return function

    return mark


def caller_of(scope: Any) -> Caller:
    """Who asks, as the guard put it into an ASGI scope."""
    found: Caller = scope[SCOPE_KEY]
    return found


def allowed(function: Callable[..., Any]) -> Allowed | None:
    """What the route's decorator says; None for a route without one."""
    found = getattr(function, _MARK, None)
    return found if isinstance(found, Allowed) else None


def require(caller: Caller, function: Callable[..., Any]) -> None:
    """Refuse the call unless the route's decorator allows it.

    Raises:
        ForbiddenError: no decorator, a role below the wanted one, or another protocol version.
    """
    rule = allowed(function)
    if rule is None:
        raise ForbiddenError("This route is open to nobody.")
    if caller.role < rule.role:
        raise ForbiddenError(
            f"The {caller.role.file_name} token may not do this.", fix=f"Use the {rule.role.file_name} token."
        )
    if rule.mutates and not caller.is_current:
        raise ProtocolMismatchError(caller.protocol)


class ProtocolMismatchError(ForbiddenError):
    """The caller speaks another protocol version and may only read."""

    title = "Read-only"
    code = "read_only"

    def __init__(self, theirs: int | None) -> None:
        said = "did not say its protocol version" if theirs is None else f"speaks protocol {theirs}"
        super().__init__(
            f"This client {said}, the engine speaks {PROTOCOL_VERSION}: it may only read.",
            fix="Run client and engine of the same version: `sp engine restart`.",
        )

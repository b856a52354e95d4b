"""Limits of everybody, of an account, a strategy, an instrument: of all that apply to an order the strictest wins."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from stockpulse_engine.risk.limits import Limits

ACCOUNT, STRATEGY, INSTRUMENT = "account", "strategy", "instrument"
SCOPES: Final = (ACCOUNT, STRATEGY, INSTRUMENT)
MAX_RESOLVED = 10_000
"""Combinations whose limits are kept; worked out again when there were more."""
_HIGHER_IS_STRICTER: Final = frozenset({"min_order_notional", "duplicate_window_ms", "probe_interval_ms"})
_OF_ACCOUNT: Final = frozenset(
    {
        "max_orders_per_second",
        "max_orders_per_day",
        "max_open_orders",
        "daily_loss_fraction",
        "max_drawdown_fraction",
        "loss_cancels",
        "armed",
    }
)
"""What is counted over a whole account and can not be told for a part of it."""
_OF_STRATEGY: Final = frozenset({"max_strategy_orders_per_second", "max_strategy_orders_per_day", "restricted"})


class Scope(msgspec.Struct, frozen=True, order=True):
    """Whose limits: everybody's, or those of one account, strategy or instrument."""

    kind: str = ""
    name: str = ""

    def __hash__(self) -> int:
        return hash((self.kind, self.name))

    @property
    def words(self) -> str:
        """`account main`; `all` for everybody."""
        return f"{self.kind} {self.name}" if self.kind else "all"


EVERYBODY: Final = Scope()


class ScopedLimit(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a section of limits.toml, already checked, and where it was written."""

    scope: Scope
    key: str
    value: Any
    source: str


def allowed_scopes(key: str) -> tuple[str, ...]:
    """The kinds of section a key may stand in, beside everybody's."""
    if key in _OF_ACCOUNT:
        return (ACCOUNT,)
    return (ACCOUNT, STRATEGY) if key in _OF_STRATEGY else SCOPES


def strictest(key: str, one: Any, other: Any) -> Any:
    """What both allow."""
    if isinstance(one, tuple):
        if key == "armed":
            return tuple(name for name in one if name in other)
        return (*one, *(name for name in other if name not in one))
    if isinstance(one, bool):
        return one or other
    return max(one, other) if key in _HIGHER_IS_STRICTER else min(one, other)


def is_looser(key: str, new: Any, old: Any) -> bool:
    """Whether `new` allows anything that `old` did not."""
    both = strictest(key, old, new)
    return set(both) != set(new) if isinstance(new, tuple) else bool(both != new)


class Policy:
    """Every limit of an engine at one moment; never changed, `changed` makes the next."""

    def __init__(self, base: Limits, sections: Mapping[Scope, Mapping[str, Any]] = MappingProxyType({})) -> None:
        self.base = base
        self.sections = {scope: dict(values) for scope, values in sections.items() if values}
        self._resolved: dict[tuple[str, str, str], Limits] = {}

    @classmethod
    def of(cls, base: Limits, scoped: tuple[ScopedLimit, ...] = ()) -> Policy:
        """The limits as the files say them."""
        sections: dict[Scope, dict[str, Any]] = {}
        for one in scoped:
            sections.setdefault(one.scope, {})[one.key] = one.value
        return cls(base, sections)

    def resolve(self, account_id: str, strategy: str, instrument_id: str) -> Limits:
        """The limits of an order: worked out once for each combination."""
        if not self.sections:
            return self.base
        key = (account_id, strategy, instrument_id)
        found = self._resolved.get(key)
        if found is None:
            if len(self._resolved) >= MAX_RESOLVED:
                self._resolved.clear()
            found = self._resolved[key] = self._work_out(zip(SCOPES, key, strict=True))
        return found

    def of_account(self, account_id: str) -> Limits:
        """The limits of an account, whatever it trades."""
        return self.resolve(account_id, "", "")

    def value(self, scope: Scope, key: str) -> Any:
        """What the section itself says; None where it says nothing."""
        return getattr(self.base, key) if scope == EVERYBODY else self.sections.get(scope, {}).get(key)

    def changed(self, scope: Scope, key: str, value: Any) -> Policy:
        """The same with one key of one section set, or with None taken out of it."""
        if scope == EVERYBODY:
            return Policy(msgspec.structs.replace(self.base, **{key: value}), self.sections)
        section = {name: one for name, one in self.sections.get(scope, {}).items() if name != key}
        if value is not None:
            section[key] = value
        return Policy(self.base, {**self.sections, scope: section})

    def longest_window_ms(self) -> int:
        """How far back any duplicate check looks."""
        windows: list[int] = [values.get("duplicate_window_ms", 0) for values in self.sections.values()]
        return max((self.base.duplicate_window_ms, *windows))

    def _work_out(self, names: Any) -> Limits:
        limits = self.base
        for kind, name in names:
            section = self.sections.get(Scope(kind, name)) if name else None
            if section:
                tighter = {key: strictest(key, getattr(limits, key), value) for key, value in section.items()}
                limits = msgspec.structs.replace(limits, **tighter)
        return limits

"""Limits as they were changed at run time: a fold of the journal over what the files say.

The journal is the authority: a value set while the engine ran holds after a restart, whatever the file says. A raise
waits; it is in the book from the moment it is recorded, and in force from the moment it names.
"""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import Any, Final

from stockpulse_engine.domain.errors import ConfigError
from stockpulse_engine.domain.events import Event, LimitChanged
from stockpulse_engine.risk.policy import EVERYBODY, Policy, Scope
from stockpulse_engine.risk.sections import check_limit

RAISE_DELAY_NS: Final = 60 * 1_000_000_000
"""How long a looser limit waits before it is in force."""
Place = tuple[Scope, str]


class LimitBook:
    """What is in force, and what waits."""

    def __init__(self, files: Policy) -> None:
        self.files = files
        """What the files say."""
        self.problems: list[str] = []
        """Facts of the journal that no longer make sense, in words: they change nothing."""
        self._set: dict[Place, LimitChanged] = {}
        self._waiting: dict[Place, LimitChanged] = {}
        self._policy = files
        self._due: int | None = None
        self.version = 0
        """Goes up with every change of what is in force."""

    def observe(self, event: Event) -> None:
        """Follow a durable event, replay included."""
        if not isinstance(event, LimitChanged):
            return
        place = (Scope(event.scope, event.name), event.key)
        waiting = self._waiting.get(place)
        if event.is_withdrawn:
            if waiting is not None and waiting.change_id == event.change_id:
                del self._waiting[place]
        elif event.acts_at > event.recorded_at:
            self._settle(event.recorded_at)
            self._waiting[place] = event
        else:
            self._settle(event.recorded_at)
            self._waiting.pop(place, None)
            self._put(place, event)
        self._due = min((one.acts_at for one in self._waiting.values()), default=None)

    def current(self, wall_ns: int) -> Policy:
        """The limits in force at a wall time."""
        if self._due is not None and wall_ns >= self._due:
            self._settle(wall_ns)
        return self._policy

    def waiting(self, wall_ns: int) -> tuple[LimitChanged, ...]:
        """Raises that are not in force yet, the next first."""
        self.current(wall_ns)
        return tuple(sorted(self._waiting.values(), key=lambda one: one.acts_at))

    def fact(self, scope: Scope, key: str) -> LimitChanged | None:
        """The change that made the value of a section's key; None where the files do."""
        found = self._set.get((scope, key))
        return found if found is not None and found.new else None

    def by_id(self, change_id: str) -> LimitChanged | None:
        """The change of that id, where it is in force."""
        return next((one for one in self._set.values() if one.change_id == change_id), None)

    def scopes(self) -> tuple[Scope, ...]:
        """Every section that says or waits to say anything, everybody's first."""
        return tuple(sorted({EVERYBODY, *self._policy.sections, *(scope for scope, _ in self._waiting)}))

    def _settle(self, wall_ns: int) -> None:
        """What waited long enough is in force."""
        ripe = [place for place, one in self._waiting.items() if one.acts_at <= wall_ns]
        for place in sorted(ripe, key=lambda one: self._waiting[one].acts_at):
            self._put(place, self._waiting.pop(place))
        self._due = min((one.acts_at for one in self._waiting.values()), default=None)

    def _put(self, place: Place, event: LimitChanged) -> None:
        scope, key = place
        try:
            value = parse_value(scope, key, event.new) if event.new else self.files.value(scope, key)
        except ConfigError as error:
            self.problems.append(error.message)
            return
        self._set[place] = event
        self._policy = self._policy.changed(scope, key, value)
        self.version += 1


def parse_value(scope: Scope, key: str, text: str) -> Any:
    """A limit as it is written in limits.toml, `0.05` or `["GME.XNYS"]`.

    Raises:
        ConfigError: it is no limit, has no place in this section, or can not be its value.
    """
    try:
        tree = tomllib.loads(f"value = {text}", parse_float=Decimal)
    except tomllib.TOMLDecodeError:
        tree = {"value": text}
    if set(tree) != {"value"}:
        raise ConfigError(f"{scope.words}: {key} is one value.", fix="Write it as in limits.toml.")
    return check_limit(scope, key, tree["value"], scope.words)

"""The same limits have the same name, any change another, and few are remembered."""

from __future__ import annotations

import msgspec

from stockpulse_engine.risk import version
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.version import LimitNames
from tests.fakes.portfolio_build import D


def test_limits_are_named_by_what_they_say() -> None:
    names, one = LimitNames(), Limits()
    assert names.name(one) == names.name(one) == LimitNames().name(Limits())
    assert names.name(msgspec.structs.replace(one, max_gross=D(1))) != names.name(one)


def test_what_is_remembered_has_an_end() -> None:
    names = LimitNames()
    kept = [Limits(max_open_orders=number) for number in range(1, version._MOST + 3)]
    assert len({names.name(one) for one in kept}) == len(kept)
    assert len(names._known) <= version._MOST
    assert names.name(kept[0]) == LimitNames().name(kept[0])

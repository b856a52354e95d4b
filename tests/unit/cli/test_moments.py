"""`--as-of` and `--at` of the commands on stored history: as written, else as people say it."""

from __future__ import annotations

import pytest

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.cli.moments import as_of, moment_ns
from stockpulse_engine.domain.errors import InvalidValueError

HOUR = 3_600_000_000_000


def test_a_date_as_written_is_its_first_moment_as_it_ever_was() -> None:
    assert as_of("2014-06-06", "").known_at == moment_ns("2014-06-06 00:00")
    assert as_of("", "") == as_of("", "")
    assert as_of("", "2014-06-06").known_at is None


def test_what_people_say_is_understood_as_well() -> None:
    now = WallClock().now_ns()
    known = as_of("-1h", "").known_at
    assert known is not None
    assert now - HOUR <= known <= WallClock().now_ns() - HOUR
    assert as_of("2013-10-07 close", "").known_at == moment_ns("2013-10-07 16:00")


def test_neither_is_refused_with_the_fix() -> None:
    with pytest.raises(InvalidValueError, match="is not a moment") as refused:
        as_of("soon", "")
    assert "yesterday close" in refused.value.fix

"""The file of the equity curves: exact when it is whole, silently nothing when it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockpulse_engine.portfolio.curve import EquityCurve
from stockpulse_engine.storage.curves import CurveFile
from tests.fakes.portfolio_build import SECOND, D


def test_a_curve_comes_back_as_it_was(tmp_path: Path) -> None:
    curve = EquityCurve()
    for second, equity in enumerate(("100", "120.12345678", "90")):
        curve.add(second * SECOND, D(equity), D(100))
    file = CurveFile(tmp_path / "equity.msgpack")
    file.save({"main": curve.dump()})
    assert file.load() == {"main": curve.dump()}
    assert (tmp_path / "equity.msgpack").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"\x81\xa4main\x01"])
def test_what_cannot_be_read_is_left_out(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "equity.msgpack"
    if content is not None:
        path.write_bytes(content)
    assert CurveFile(path).load() == {}

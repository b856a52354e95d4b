"""At which volume campaigns run, and how they tell their row."""

from __future__ import annotations

import os

from stockpulse_engine.drill.campaigns.report import COMMIT, NIGHT, RELEASE, Report
from tests.conftest import IS_NIGHT

VOLUME = RELEASE if os.environ.get("STOCKPULSE_RELEASE") else NIGHT if IS_NIGHT else COMMIT


def judge(report: Report) -> None:
    """Say how it went, for the night's table, and fail with the first lines that play it again."""
    print(f"\nnight: {report.line()}")
    assert report.is_good, "\n".join((report.line(), *report.failures[:10]))

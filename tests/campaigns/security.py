"""S17: as a pytest plugin (`-p tests.campaigns.security`), only the tests that show a security requirement (R..) run."""

from __future__ import annotations

import re

import pytest

_REQUIREMENT = re.compile(r"R\d\d")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what shows none."""
    wanted: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        ids = [each for mark in item.iter_markers("covers") for each in mark.args]
        (wanted if any(_REQUIREMENT.fullmatch(str(each)) for each in ids) else others).append(item)
    items[:] = wanted
    config.hook.pytest_deselected(items=others)

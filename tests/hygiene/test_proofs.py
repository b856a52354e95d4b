"""What is to be proved is proved by tests that say so, or its absence has a reason."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import pytest

from scripts.proofs import ABSENT, CATALOGUE, Proof, collect
from tests.hygiene.tree import ROOT


@pytest.fixture(scope="module")
def proofs() -> Mapping[str, tuple[Proof, ...]]:
    """Id → tests."""
    return collect()


def test_no_test_names_what_is_not_in_the_catalogue(proofs: Mapping[str, tuple[Proof, ...]]) -> None:
    assert set(proofs) - set(CATALOGUE) == set()


def test_each_entry_has_a_test_or_a_reason_and_not_both(proofs: Mapping[str, tuple[Proof, ...]]) -> None:
    assert set(CATALOGUE) - set(proofs) == set(ABSENT)


@pytest.mark.covers("R22")
def test_jobs_ask_the_engine_as_viewers() -> None:
    """Whatever a job needs of an engine it may read; none opens a client as trader or admin."""
    tree = ast.parse((ROOT / "src/stockpulse_engine/bootstrap/jobs.py").read_text("utf-8"))
    made = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "BlockingClient"
    ]
    roles = [ast.unparse(one.value) for call in made for one in call.keywords if one.arg == "role"]
    assert roles == ["'viewer'"] * len(made) != []

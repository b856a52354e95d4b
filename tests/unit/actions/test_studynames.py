"""Every study is found by name, by its other names and by a word of what it is; the list is the registry's."""

from __future__ import annotations

import pytest

from scripts.make_docs import STUDY_LIST, make_study_list
from stockpulse_engine.actions.studynames import completed, find_studies, study_names
from stockpulse_engine.indicators.own.catalog import ALIASES
from stockpulse_engine.indicators.registry import list_studies, parse_study


def names(text: str) -> list[str]:
    return [one.name for one in find_studies(text)]


def test_the_list_is_the_registry() -> None:
    assert STUDY_LIST.read_text(encoding="utf-8") == make_study_list(), "run `make docs`"
    assert [(one.syntax, one.title) for one in study_names()] == [
        (study.syntax, " ".join(study.title.split())) for study in list_studies()
    ]
    assert all(one.title and one.name == parse_study(one.name).info.name.lower() for one in study_names())


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("rsi", "rsi"),
        ("RSI 14", "rsi"),
        ("ichi", "ichimoku"),
        ("cloud", "ichimoku"),
        ("sessionv", "vwap"),
        ("bollinger", "bbands"),
        ("typical", "typprice"),
        ("trend", "pvt"),
    ],
)
def test_what_is_meant_is_among_the_first(typed: str, found: str) -> None:
    assert found in names(typed)[:8]


def test_every_other_name_leads_to_its_study() -> None:
    for alias, name in ALIASES.items():
        assert names(alias.lower())[0] == name.lower() or alias.lower() in names(alias.lower())
        assert names(f"{alias.lower()} 5") == [name.lower()]


def test_nothing_typed_is_everything_and_nonsense_is_nothing() -> None:
    assert find_studies("  ") == study_names()
    assert names("qqq") == []
    assert names("nosuch 5") == []
    assert names("rsi ") == ["rsi"]
    assert names("simple moving") == ["sma"]


def test_completing_keeps_the_parameters() -> None:
    assert completed("rs", "rsi") == "rsi "
    assert completed("bb 20 2", "bbands") == "bbands 20 2"
    assert completed("", "ac") == "ac "

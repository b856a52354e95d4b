"""The registry is sound: nothing twice, no key hides a global one, every footer entry works."""

from __future__ import annotations

import pytest

from stockpulse_engine.actions.registry import (
    ACTIONS,
    BY_ID,
    CLI_VERBS,
    SCREENS,
    Action,
    Context,
    default_keys,
    footer_actions,
    problems,
)

ISSUE_VERBS = [
    "quote",
    "watch",
    "chart",
    "depth",
    "buy",
    "sell",
    "orders",
    "order",
    "modify",
    "cancel",
    "positions",
    "lots",
    "account",
    "reconcile",
    "halt",
    "reduce",
    "flatten",
    "resume",
    "why",
    "log",
    "config",
    "backup",
    "restore",
    "day",
    "doctor",
    "watchdog",
    "demo",
    "drill",
    "engine",
    "market",
    "replay",
    "record",
    "bars",
    "ticks",
    "actions",
    "coverage",
    "sql",
    "import",
    "store",
    "jobs",
    "limits",
    "universe",
    "broker",
    "arm",
    "disarm",
    "live",
]


def test_the_registry_has_no_problem() -> None:
    assert problems() == []


def test_every_cli_verb_has_an_action() -> None:
    assert sorted(CLI_VERBS) == sorted(ISSUE_VERBS)


def test_only_the_digits_of_built_rooms_are_bound() -> None:
    digits = {key for key in default_keys(Context.GLOBAL) if key.isdigit()}
    assert digits == {"1", "2", "4", "5", "6", "7", "0"}
    assert [action.keys[Context.GLOBAL][0] for action in SCREENS] == [*sorted(digits - {"0"}), "0"]


@pytest.mark.parametrize("context", list(Context))
def test_every_footer_entry_has_a_key_that_works_there(context: Context) -> None:
    for action in footer_actions(context):
        assert action.key_for(context), f"{action.id} has no key in {context.value}"


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: str(action.id))
def test_every_action_says_what_it_does_in_a_sentence(action: Action) -> None:
    assert action.help[0].isupper()
    assert action.help.endswith(".")
    assert len(action.title.split()) <= 3
    assert action.keys or action.codes or action.cli, "no way to reach it"


def test_a_key_that_hides_a_global_one_is_named() -> None:
    bad = Action(id="x.y", title="x", help="X.", group="X", keys={Context.CHART: ("q",)})
    assert problems([BY_ID["app.quit"], bad]) == ["x.y: q in chart hides a global key"]


def test_a_double_use_is_named() -> None:
    one = BY_ID["order.buy"]
    assert problems([one, one])[:2] == ["id order.buy is used 2 times", "code BUY is used 2 times"]


def test_the_shell_twin_names_the_instrument() -> None:
    assert BY_ID["screen.chart"].cli_line("NVDA") == "sp chart NVDA"
    assert BY_ID["pane.next"].cli_line() == ""

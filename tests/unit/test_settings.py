"""Settings: three sources, each value knows its own, and a mistake is told with its place and its cure."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.actions.registry import ACTIONS
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.domain.errors import ConfigError
from stockpulse_engine.render.glyphs import GLYPHS
from stockpulse_engine.render.theme import THEMES
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.settings import (
    MAX_FILE_BYTES,
    Settings,
    config_files,
    defaults_dir,
    describe,
    load_settings,
)


@pytest.fixture
def paths(home: Path) -> Paths:
    paths = resolve_paths(home)
    paths.config.mkdir(parents=True)
    return paths


def write(paths: Paths, text: str, name: str = "stockpulse.toml") -> None:
    (paths.config / name).write_text(text, encoding="utf-8")


def refusal(paths: Paths, env: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as refused:
        load_settings(paths, env or {})
    assert refused.value.fix
    return str(refused.value)


def test_without_files_the_documented_defaults_hold(paths: Paths) -> None:
    settings = load_settings(paths, {})
    assert settings.engine.world == "sim"
    assert (settings.account.name, settings.account.type) == ("main", "MARGIN")
    assert settings.account.cash == 100_000
    assert set(settings.sources.values()) == {"default"}


def test_the_documented_defaults_are_those_of_the_code(paths: Paths) -> None:
    loaded, built_in = load_settings(paths, {}), Settings()
    for section in ("engine", "api", "market", "account", "limits", "redis", "ui", "log"):
        assert getattr(loaded, section) == getattr(built_in, section), section


def test_every_setting_is_documented_and_every_documented_key_is_a_setting(paths: Paths) -> None:
    rows = describe(load_settings(paths, {}))
    assert [row.key for row in rows if len(row.doc) < 15] == []
    assert {row.key for row in rows} == set(load_settings(paths, {}).sources)
    assert {row.key.partition(".")[2] for row in rows if row.key.startswith("limits.")} == set(Limits.__struct_fields__)


def test_choices_are_those_the_screens_offer() -> None:
    for name in THEMES:
        assert load_settings(resolve_paths("/nonexistent"), {"STOCKPULSE__UI__THEME": name}).ui.theme == name
    for name in GLYPHS:
        assert load_settings(resolve_paths("/nonexistent"), {"STOCKPULSE__UI__GLYPHS": name}).ui.glyphs == name


def test_a_file_beats_the_default_and_the_environment_beats_the_file(paths: Paths) -> None:
    write(paths, '[ui]\ntheme = "light"\nglyphs = "ascii"\n')
    settings = load_settings(paths, {"STOCKPULSE__UI__THEME": "mono", "UNRELATED": "x"})
    assert (settings.ui.theme, settings.ui.glyphs, settings.ui.density) == ("mono", "ascii", "normal")
    rows = {row.key: row for row in describe(settings)}
    assert rows["ui.theme"].source == "environment STOCKPULSE__UI__THEME"
    assert (rows["ui.theme"].value, rows["ui.theme"].default) == ('"mono"', '"dark"')
    assert rows["ui.glyphs"].source == str(paths.config_file)
    assert rows["ui.density"].source == "default"


def test_limits_have_a_file_of_their_own(paths: Paths) -> None:
    write(paths, 'max_order_notional = 5000\nrestricted = ["GME.XNYS"]\n', "limits.toml")
    limits = load_settings(paths, {"STOCKPULSE__LIMITS__COLLAR_FRACTION": "0.02"}).limits
    assert limits.max_order_notional == 5_000
    assert limits.restricted == ("GME.XNYS",)
    assert limits.collar_fraction == Decimal("0.02")


def test_the_environment_speaks_of_lists_numbers_and_switches(paths: Paths) -> None:
    settings = load_settings(
        paths,
        {
            "STOCKPULSE__ENGINE__REPLAY_FROM": "ticks, bars/SPY.csv",
            "STOCKPULSE__ENGINE__SPEED": "2",
            "STOCKPULSE__ENGINE__WORLD": "replay:2013-10-07",
            "STOCKPULSE__UI__MOTION": "false",
            "STOCKPULSE__ACCOUNT__CASH": "2500.50",
        },
    )
    assert settings.engine.replay_from == ("ticks", "bars/SPY.csv")
    assert (settings.engine.speed, settings.engine.world) == (2.0, "replay:2013-10-07")
    assert not settings.ui.motion
    assert settings.account.cash == Decimal("2500.50")


def test_symbols_of_the_live_world_are_a_list_with_an_end(paths: Paths) -> None:
    assert load_settings(paths, {"STOCKPULSE__MARKET__SYMBOLS": "AAPL, BTC-USD"}).market.symbols == ("AAPL", "BTC-USD")
    many = ",".join(f"S{number}" for number in range(41))
    assert "at most 40 symbols" in refusal(paths, {"STOCKPULSE__MARKET__SYMBOLS": many})


def test_toml_fractions_stay_exact(paths: Paths) -> None:
    write(paths, "[account]\ncash = 0.1\n[engine]\nspeed = 0.5\n")
    settings = load_settings(paths, {})
    assert settings.account.cash == Decimal("0.1")
    assert settings.engine.speed == 0.5


def test_a_wrong_key_names_file_line_and_the_nearest_spelling(paths: Paths) -> None:
    write(paths, '[engine]\nspeed = 1\n\n[ui]\nthem = "light"\n')
    told = refusal(paths)
    assert f"{paths.config_file} line 5: ui.them is not a known setting" in told
    assert "Did you mean ui.theme?" in told


def test_a_wrong_section_names_its_line_and_the_nearest(paths: Paths) -> None:
    write(paths, "[engin]\nspeed = 1\n")
    told = refusal(paths)
    assert "line 1: engin is not a known section" in told
    assert "engine" in told


def test_a_key_outside_any_section_is_told_as_such(paths: Paths) -> None:
    write(paths, "ui = 3\n")
    assert "ui is a section, not a value" in refusal(paths)


def test_limits_do_not_hide_among_the_settings(paths: Paths) -> None:
    write(paths, "[limits]\nmax_gross = 9\n")
    assert "limits.toml" in refusal(paths)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[ui]\ntheme = "ligth"\n',
            'ui.theme is "ligth", expected one of: ansi-16, dark, dark-256, dark-cvd, light, light-256, light-cvd, mono',
        ),
        ("[ui]\nmotion = 1\n", "ui.motion is 1, expected true or false"),
        ("[engine]\nseed = -1\n", "engine.seed is -1, expected a whole number from 0"),
        ("[engine]\nspeed = 0\n", "engine.speed is 0, expected a number above 0"),
        ("[engine]\nspeed = nan\n", "engine.speed is nan, expected"),
        ('[engine]\nworld = "paper"\n', "expected sim, live or replay:NAME"),
        ("[account]\ncash = nan\n", "expected a finite number"),
        ('[account]\ncurrency = "usd"\n', "three capital letters"),
        ('[engine]\nreplay_from = "x"\n', "expected a list of texts"),
        ("[ui]\nkeymap = 3\n", 'expected a table of "action.id" = "key"'),
        ("[account]\nname = 3\n", "expected 1 to 20 letters, digits and -"),
    ],
)
def test_a_wrong_value_says_what_is_expected(paths: Paths, text: str, expected: str) -> None:
    write(paths, text)
    told = refusal(paths)
    assert expected in told
    assert f"{paths.config_file} line 2" in told


def test_the_password_of_an_address_is_never_shown(paths: Paths) -> None:
    write(paths, '[redis]\nurl = "redis://ann:s3cret/#x@db.example:6379/0"\n')
    settings = load_settings(paths, {})
    assert "s3cret" in settings.redis.url
    rows = {row.key: row for row in describe(settings)}
    assert rows["redis.url"].value == '"redis://ann:[redacted]@db.example:6379/0"'
    write(paths, '[redis]\nurl = "http://ann:s3cret@db.example"\n')
    told = refusal(paths)
    assert "expected a redis://, rediss:// or unix:// address" in told
    assert "s3cret" not in told


@pytest.mark.parametrize("value", ["nan", "0", "-5", "inf"])
def test_a_limit_that_would_let_everything_through_is_refused(paths: Paths, value: str) -> None:
    write(paths, f"max_order_notional = {value}\n", "limits.toml")
    assert f"{paths.config / 'limits.toml'} line 1" in refusal(paths)


def test_a_wrong_variable_is_named(paths: Paths) -> None:
    assert "STOCKPULSE__UI__THEEM" in refusal(paths, {"STOCKPULSE__UI__THEEM": "dark"})
    assert "STOCKPULSE__API__RATE_LIMIT" in refusal(paths, {"STOCKPULSE__API__RATE_LIMIT": "many"})


def test_broken_toml_names_the_file_and_the_line(paths: Paths) -> None:
    write(paths, "[ui]\ntheme = \n")
    told = refusal(paths)
    assert str(paths.config_file) in told
    assert "line 2" in told


def test_bytes_that_are_no_text_are_refused(paths: Paths) -> None:
    paths.config_file.write_bytes(b"\xff\xfe")
    assert "is not TOML" in refusal(paths)


def test_an_endless_file_is_not_read(paths: Paths) -> None:
    write(paths, "#" * (MAX_FILE_BYTES + 1))
    assert "at most" in refusal(paths)


def test_a_directory_in_its_place_is_told(paths: Paths) -> None:
    paths.config_file.mkdir()
    assert "cannot be read" in refusal(paths)


def test_keys_are_rebound_by_the_id_of_the_action(paths: Paths) -> None:
    action = ACTIONS[0].id
    write(paths, f'[ui.keymap]\n"{action}" = "f9"\n')
    assert load_settings(paths, {}).ui.keymap == {action: "f9"}
    write(paths, f'[ui]\nkeymap = {{ "{action[:-1]}" = "f9" }}\n')
    told = refusal(paths)
    assert "is not a known action" in told
    assert action in told


def test_the_places_are_told_in_the_order_they_are_read(paths: Paths) -> None:
    files = config_files(paths)
    assert [file.parent for file in files] == [defaults_dir()] * 2 + [paths.config] * 2
    assert all(file.exists() for file in files[:2])


SCOPED = """
max_gross = 1.2
[limits.account.main]
max_order_notional = 20000
[limits.instrument."AAPL.XNAS"]
max_position_weight = 0.05
"""


def test_limits_of_one_account_or_instrument_have_sections_of_their_own(paths: Paths) -> None:
    write(paths, SCOPED, "limits.toml")
    settings = load_settings(paths, {})
    assert settings.limits.max_gross == Decimal("1.2")
    limits = settings.limit_policy.resolve("main", "manual", "AAPL.XNAS")
    assert [limits.max_order_notional, limits.max_position_weight] == [20_000, Decimal("0.05")]
    assert settings.limit_policy.resolve("other", "manual", "MSFT.XNAS") == settings.limits
    rows = {row.key: row for row in describe(settings)}
    assert rows["limits.account.main.max_order_notional"].value == "20000"
    assert rows["limits.account.main.max_order_notional"].source.endswith("limits.toml")
    write(paths, "[limits]\nmax_gross = 1.1", "limits.toml")
    assert load_settings(paths, {}).limits.max_gross == Decimal("1.1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[limits.acount.main]\nmax_gross = 1",
            "limits.toml line 1: limits.acount is not a section. Did you mean account",
        ),
        ("[limits.account.main]\nmax_gros = 1", "limits.toml line 2: max_gros is not a limit. Did you mean max_gross?"),
        ("[limits.account.main]\nmax_gross = 0", "limits.toml line 2: max_gross = 0 is not a positive number"),
        ('[limits.instrument."apple"]\nmax_gross = 1', "limits.toml line 1: 'apple' is not an instrument id"),
        ("[limits.strategy.x]\nmax_open_orders = 5", "line 2: max_open_orders is no limit of one strategy"),
        ("[limits]\nmax_gros = 1", "limits.toml line 2: limits.max_gros is not a known setting. Did you mean"),
        ("max_gross = 1\n[limits]\nmax_gross = 1", "limits.toml line 3: max_gross is there twice"),
    ],
)
def test_a_mistake_in_a_section_of_limits_is_named_with_its_line(paths: Paths, text: str, said: str) -> None:
    write(paths, text, "limits.toml")
    assert said in refusal(paths)

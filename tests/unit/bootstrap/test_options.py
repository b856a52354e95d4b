"""A home comes back in the world it was told to be in; what is said wins over what is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockpulse_engine.bootstrap.options import StartOptions, parse_options, put_back, read_memory
from stockpulse_engine.domain.errors import ConfigError
from stockpulse_engine.marketdata.settings import MarketSettings
from stockpulse_engine.settings import EngineSettings, Settings

CONFIGURED = Settings(engine=EngineSettings(seed=3, speed=2.0))


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    """Where the last start is kept."""
    return tmp_path / "last-start.json"


def start(memory: Path, *words: str) -> StartOptions:
    """The options of one start."""
    return parse_options(words, CONFIGURED, memory)[0]


def ticks(tmp_path: Path) -> Path:
    """A file to replay."""
    file = tmp_path / "ticks.parquet"
    file.touch()
    return file


def test_a_first_start_is_as_configured(memory: Path) -> None:
    assert start(memory) == StartOptions(world="sim", seed=3, speed=2.0)


def test_a_replay_comes_back_with_its_files(memory: Path, tmp_path: Path) -> None:
    file = ticks(tmp_path)
    start(memory, "--world", "replay:day", "--from", str(file), "--speed", "10", "--at", "2013-10-07 10:00")
    again = start(memory)
    assert (again.world, again.files, again.speed, again.at) == ("replay:day", (file,), 10.0, "")
    assert start(memory, "--world", "replay:day").files == (file,), "the same world by name alone"


def test_another_world_starts_from_the_configuration(memory: Path, tmp_path: Path) -> None:
    start(memory, "--world", "replay:day", "--from", str(ticks(tmp_path)), "--seed", "9")
    assert start(memory, "--world", "sim") == StartOptions(world="sim", seed=3, speed=2.0)
    assert start(memory).world == "sim", "and that is remembered"


def test_a_speed_for_once_is_not_remembered(memory: Path) -> None:
    start(memory, "--speed", "50")
    assert start(memory).speed == 2.0


def test_a_damaged_memory_is_as_good_as_none(memory: Path) -> None:
    memory.write_text("{")
    assert start(memory).world == "sim"


def test_the_exchange_names_the_zone_of_a_moment(memory: Path) -> None:
    assert start(memory, "--at", "2013-10-07 10:00").at == "2013-10-07T10:00:00-04:00"


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("--world", "replay:day"), "nothing to play"),
        (("--world", "replay:", "--from", "."), "not a name"),
        (("--world", "moon"), "not a world"),
        (("--world", "replay:day", "--from", "nowhere.parquet"), "does not exist"),
        (("--at", "soon"), "not a moment"),
    ],
)
def test_what_can_not_be_started_is_said_with_the_fix(memory: Path, words: tuple[str, ...], match: str) -> None:
    with pytest.raises(ConfigError, match=match) as caught:
        start(memory, *words)
    assert caught.value.fix
    assert not memory.exists()


def test_the_live_world_is_remembered_like_any_other(memory: Path) -> None:
    assert start(memory, "--world", "live").is_live
    assert start(memory).world == "live"


@pytest.mark.parametrize("market", [MarketSettings(yahoo=False), MarketSettings(symbols=())])
def test_a_live_world_without_a_provider_is_refused(memory: Path, market: MarketSettings) -> None:
    with pytest.raises(ConfigError, match="live data provider") as caught:
        parse_options(("--world", "live"), Settings(market=market), memory)
    assert "market.symbols" in caught.value.fix


def test_days_of_the_store_need_no_files_and_remember_their_symbols(memory: Path, tmp_path: Path) -> None:
    options = start(memory, "--world", "replay:2013-10-07..2013-10-11", "--symbols", "aapl, SPY")
    assert options.is_stored
    assert options.symbols == ("AAPL", "SPY")
    assert start(memory).symbols == ("AAPL", "SPY")
    named = start(memory, "--world", "replay:2013-10-07", "--from", str(ticks(tmp_path)))
    assert not named.is_stored, "files win over the store"
    assert named.symbols == ()


@pytest.mark.parametrize("words", [("--world", "replay:2013-10-40"), ("--world", "sim", "--symbols", "SPY")])
def test_days_that_are_none_are_refused_at_once(memory: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        start(memory, *words)


def test_a_recorded_session_needs_no_files(memory: Path, tmp_path: Path) -> None:
    (tmp_path / "shelf" / "morning").mkdir(parents=True)
    words = ("--world", "replay:morning")
    options = parse_options(words, CONFIGURED, memory, tmp_path / "shelf")[0]
    assert (options.is_replay, options.is_stored, options.files) == (True, False, ())
    for name in ("evening", ".."):
        with pytest.raises(ConfigError, match="nothing to play"):
            parse_options(("--world", f"replay:{name}"), CONFIGURED, memory, tmp_path / "shelf")


def test_a_world_that_could_not_be_started_is_forgotten(memory: Path) -> None:
    before = read_memory(memory)
    start(memory, "--world", "replay:2013-10-12")
    put_back(memory, before)
    assert start(memory).world == "sim"
    start(memory, "--world", "replay:2013-10-07")
    before = read_memory(memory)
    start(memory, "--world", "replay:2013-10-12")
    put_back(memory, before)
    assert start(memory).world == "replay:2013-10-07"

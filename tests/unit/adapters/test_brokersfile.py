"""Connections are read, written and refused in words; no secret ever gets in, and nobody else may write them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from stockpulse_engine.adapters.brokersfile import BrokersFile
from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.brokers import BrokerConfig
from stockpulse_engine.domain.errors import ConfigError, NotFoundError

PAPER = BrokerConfig(name="alpaca-paper", adapter="alpaca", kind=AccountKind.PAPER)
LIVE = BrokerConfig(
    name="alpaca-live", adapter="alpaca", kind=AccountKind.LIVE, account='PA3"7', requests_per_minute=150
)


@pytest.fixture
def file(tmp_path: Path) -> BrokersFile:
    return BrokersFile(tmp_path / "config" / "brokers.toml")


def written(file: BrokersFile, text: str) -> BrokersFile:
    file.path.parent.mkdir(parents=True, exist_ok=True)
    file.path.write_text(text)
    file.path.chmod(0o600)
    return file


def test_what_is_put_is_read_again_from_a_private_file(file: BrokersFile) -> None:
    assert file.read() == {}
    file.put(PAPER)
    file.put(LIVE)
    assert file.read() == {"alpaca-paper": PAPER, "alpaca-live": LIVE}
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_removing_a_section_keeps_what_people_wrote_around_the_others(file: BrokersFile) -> None:
    written(
        file,
        '# mine\n[a]\nadapter = "alpaca"\nkind = "paper"\n\n# for the long run\n[b]\nadapter = "alpaca"\nkind = "LIVE"\n',
    )
    file.remove("a")
    assert file.path.read_text() == '# mine\n\n# for the long run\n[b]\nadapter = "alpaca"\nkind = "LIVE"\n'
    with pytest.raises(NotFoundError, match="no broker 'a'"):
        file.remove("a")


def test_a_mistyped_name_is_answered_with_the_nearest(file: BrokersFile) -> None:
    file.put(PAPER)
    with pytest.raises(NotFoundError, match="Did you mean alpaca-paper"):
        file.find("alpaca-papr")


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ('adapter = "alpca"\nkind = "PAPER"', "alpca.*Did you mean alpaca"),
        ('adapter = "alpaca"', "kind is missing"),
        ('adapter = "alpaca"\nkind = "DEMO"', "kind: "),
        ('adapter = "alpaca"\nkind = "PAPER"\nprt = 7', "prt is not a known key.*Did you mean port"),
        ('adapter = "alpaca"\nkind = "PAPER"\nport = "x"', "port: expected int"),
        ('adapter = "alpaca"\nkind = "PAPER"\nport = 70000', "port is 70000"),
        ('adapter = "alpaca"\nkind = "PAPER"\ncurrency = "usd"', "currency"),
        ('adapter = "alpaca"\nkind = "PAPER"\nurl = "http://example.com"', "not encrypted"),
        ('adapter = "alpaca"\nkind = "PAPER"\nurl = "https://me:hunter22@example.com"', "more than a host"),
        ('adapter = "alpaca"\nkind = "PAPER"\nstream_url = "https://example.com"', "no address"),
    ],
)
def test_a_wrong_section_names_the_file_the_section_and_the_key(file: BrokersFile, section: str, words: str) -> None:
    written(file, f"[one]\n{section}\n")
    with pytest.raises(ConfigError, match=f"(?s).*{words}") as refused:
        file.read()
    assert f"{file.path} [one]" in str(refused.value)
    assert "hunter22" not in str(refused.value)


@pytest.mark.covers("R20")
def test_a_secret_in_the_file_is_refused_without_being_repeated(file: BrokersFile) -> None:
    written(file, '[one]\nadapter = "alpaca"\nkind = "PAPER"\nsecret_key = "CANARY-42-CANARY"\n')
    with pytest.raises(ConfigError, match="secret_key is a secret") as refused:
        file.read()
    assert "CANARY" not in str(refused.value)


@pytest.mark.parametrize("name", ["paper", "a b", "x" * 25, "-a"])
def test_names_that_could_be_mistaken_are_refused(file: BrokersFile, name: str) -> None:
    with pytest.raises(ConfigError, match="broker's name"):
        file.put(BrokerConfig(name=name, adapter="alpaca", kind=AccountKind.PAPER))
    assert not file.path.exists()


def test_a_file_that_others_may_write_is_not_believed(file: BrokersFile) -> None:
    file.put(PAPER)
    file.path.chmod(0o664)
    with pytest.raises(ConfigError, match="chmod 600"):
        file.read()


def test_addresses_of_this_machine_need_no_encryption(file: BrokersFile) -> None:
    local = BrokerConfig(
        name="stand-in",
        adapter="alpaca",
        kind=AccountKind.PAPER,
        url="http://127.0.0.1:8123",
        stream_url="ws://[::1]:9",
    )
    file.put(local)
    assert file.find("stand-in") == local

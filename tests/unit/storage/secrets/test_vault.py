"""The vault: nothing of a secret lies on the disk, and what cannot be opened is told in words (R20, R21)."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.base.redaction import REDACTED, redact
from stockpulse_engine.domain.errors import (
    ConfigError,
    ForbiddenError,
    IntegrityError,
    InvalidValueError,
    NotFoundError,
)
from stockpulse_engine.storage.secrets.sealed import Cost, SealedFile, WrongPassphraseError
from stockpulse_engine.storage.secrets.systemring import REAL, Ring, real_ring
from stockpulse_engine.storage.secrets.vault import Vault

PHRASE = "four quiet words here"
CANARY = "CANARY-9f2c-key/with+signs"
QUICK = Cost(n=1024, r=1, p=1)


class MemoryRing:
    """A keyring that lives as long as the test."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]


class SilentRing(MemoryRing):
    """A keyring whose owner closed it."""

    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError(f"prompt dismissed for {CANARY}")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return resolve_paths(tmp_path / "home")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def vault_of(paths: Paths, clock: ManualClock, ring: Ring | None = None) -> Vault:
    return Vault(paths, clock, find_ring=lambda: ring, cost=QUICK, harden=lambda: None)


def bytes_under(paths: Paths) -> bytes:
    root = paths.config.parent
    return b"\n".join(one.read_bytes() for one in sorted(root.rglob("*")) if one.is_file())


@pytest.mark.covers("R20", "R21", "F45")
def test_without_a_keyring_the_secret_lies_in_an_encrypted_private_file(paths: Paths, clock: ManualClock) -> None:
    vault_of(paths, clock).put("alpaca-live", {"secret_key": CANARY}, PHRASE)
    found = bytes_under(paths)
    assert CANARY.encode() not in found
    assert b"alpaca-live" not in found
    assert PHRASE.encode() not in found
    assert stat.S_IMODE(paths.vault.stat().st_mode) == 0o600

    later = vault_of(paths, clock)
    with pytest.raises(ForbiddenError, match="are locked"):
        later.secrets_of("alpaca-live")
    later.unlock(["alpaca-live"], PHRASE)
    assert later.secrets_of("alpaca-live") == {"secret_key": CANARY}
    assert CANARY not in repr(later)
    later.lock()
    assert later.unlocked == ()
    with pytest.raises(ForbiddenError):
        later.secrets_of("alpaca-live")


def test_unlocking_some_leaves_the_others_out_of_memory(paths: Paths, clock: ManualClock) -> None:
    vault = vault_of(paths, clock)
    vault.put("practice", {"secret_key": "practice-secret-1"}, PHRASE)
    vault.put("money", {"secret_key": CANARY}, PHRASE)
    vault.unlock(["practice"], PHRASE)
    assert vault.unlocked == ("practice",)
    assert CANARY not in repr(vars(vault))
    with pytest.raises(NotFoundError, match="no credentials of other"):
        vault.unlock(["other"], PHRASE)
    vault.drop("money", PHRASE)
    with pytest.raises(NotFoundError):
        vault.unlock(["money"], PHRASE)


@pytest.mark.covers("R20")
def test_wrong_passphrases_are_told_in_words_and_slowed(paths: Paths, clock: ManualClock) -> None:
    vault = vault_of(paths, clock)
    vault.put("one", {"k": CANARY}, PHRASE)
    for _ in range(3):
        with pytest.raises(WrongPassphraseError, match="The passphrase is wrong"):
            vault.unlock(["one"], "not this one")
    with pytest.raises(ForbiddenError, match="After 3 wrong passphrases wait 1 s"):
        vault.unlock(["one"], PHRASE)
    clock.advance(1_000_000_000)
    with pytest.raises(WrongPassphraseError):
        vault.unlock(["one"], "nor this")
    with pytest.raises(ForbiddenError, match="wait 2 s"):
        vault.put("one", {"k": "v"}, PHRASE)
    clock.advance(2_000_000_000)
    vault.unlock(["one"], PHRASE)


def test_a_short_passphrase_makes_no_file(paths: Paths, clock: ManualClock) -> None:
    with pytest.raises(InvalidValueError, match="at least 10"):
        vault_of(paths, clock).put("one", {"k": "v"}, "short")
    assert not paths.vault.exists()


def test_any_flipped_byte_is_noticed_and_a_wrong_passphrase_is_not_called_damage(tmp_path: Path) -> None:
    file = SealedFile(tmp_path / "v", QUICK)
    file.write({"one": {"k": "value"}}, PHRASE)
    good = file.path.read_bytes()
    for place in range(0, len(good), 3):
        file.path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises((IntegrityError, WrongPassphraseError)):
            file.read(PHRASE)
    for end in (0, 5, 30, len(good) - 1):
        file.path.write_bytes(good[:end])
        with pytest.raises(IntegrityError):
            file.read(PHRASE)


def test_a_header_may_not_ask_for_all_memory(tmp_path: Path) -> None:
    file = SealedFile(tmp_path / "v", QUICK)
    file.write({}, PHRASE)
    file.path.write_bytes(file.path.read_bytes().replace(b'"n":1024', b'"n":1073741824'))
    with pytest.raises(IntegrityError, match="damaged"):
        file.read(PHRASE)


def test_a_file_that_others_may_read_is_refused(paths: Paths, clock: ManualClock) -> None:
    vault = vault_of(paths, clock)
    vault.put("one", {"k": CANARY}, PHRASE)
    paths.vault.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        vault.unlock(["one"], PHRASE)


@pytest.mark.covers("R20")
def test_a_real_keyring_is_used_and_nothing_is_written_to_the_disk(paths: Paths, clock: ManualClock) -> None:
    ring = MemoryRing()
    vault = vault_of(paths, clock, ring)
    vault.put("one", {"k": CANARY})
    assert not paths.vault.exists()
    vault.unlock(["one"])
    assert vault.secrets_of("one") == {"k": CANARY}
    vault.drop("one")
    with pytest.raises(NotFoundError):
        vault.unlock(["one"])
    assert CANARY not in str(ring.held)


def test_a_file_once_made_is_used_although_a_keyring_answers(paths: Paths, clock: ManualClock) -> None:
    vault_of(paths, clock).put("one", {"k": CANARY}, PHRASE)
    ring = MemoryRing()
    vault = vault_of(paths, clock, ring)
    vault.put("two", {"k": "second-secret"}, PHRASE)
    vault.unlock(["one", "two"], PHRASE)
    assert ring.held == {}


@pytest.mark.covers("R21")
def test_a_keyring_that_fails_is_told_without_its_words(paths: Paths, clock: ManualClock) -> None:
    with pytest.raises(Exception, match="keyring of the system did not answer") as refused:
        vault_of(paths, clock, SilentRing()).unlock(["one"])
    assert CANARY not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.covers("R20")
def test_backends_that_write_plain_text_or_forget_are_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    from keyring import backend

    class PlainText(MemoryRing):
        priority = 99

    PlainText.__module__ = "keyrings.alt.file"
    monkeypatch.setattr(backend, "get_all_keyring", lambda: [PlainText()])
    assert real_ring() is None
    PlainText.__module__ = "keyring.backends.null"
    assert real_ring() is None
    PlainText.__module__ = next(iter(REAL))
    assert isinstance(real_ring(), PlainText)


@pytest.mark.covers("R21")
def test_an_unlocked_secret_is_redacted_however_it_is_spelt_and_forgotten_after(
    paths: Paths, clock: ManualClock
) -> None:
    import base64
    from urllib.parse import quote

    vault = vault_of(paths, clock)
    vault.put("one", {"k": CANARY}, PHRASE)
    vault.unlock(["one"], PHRASE)
    basic = base64.b64encode(f"id:{CANARY}".encode()).decode()
    for text in (CANARY, quote(CANARY, safe=""), repr(CANARY), basic):
        cleaned = redact(f"request with {text} failed")
        assert REDACTED in cleaned
        assert CANARY not in cleaned
        assert text.strip("'") not in cleaned
    vault.lock()
    from stockpulse_engine.base import redaction

    assert CANARY not in redaction._known

"""A backup is complete, checked and restorable; a damaged one changes nothing."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import apsw
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.domain.errors import ConflictError, IntegrityError, NotFoundError
from stockpulse_engine.storage.backup import read_manifest, restore_backup, write_backup
from stockpulse_engine.storage.restored import RestoredMark
from stockpulse_engine.storage.seal import SealKey
from stockpulse_engine.storage.secrets.sealed import Cost
from stockpulse_engine.storage.secrets.vault import Vault

CLOCK = ManualClock()


def a_home(root: Path) -> Paths:
    paths = resolve_paths(root)
    for file, text in (
        (paths.journal_head("sim"), "7 abc"),
        (paths.config_file, "[ui]\n"),
        (paths.world("sim") / "sim.json", "{}"),
        (paths.tokens / "trader", "secret"),
        (paths.logs / "engine.log", "line"),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    database = apsw.Connection(str(paths.journal("sim")))
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE entries(seq INTEGER PRIMARY KEY)")
    database.executemany("INSERT INTO entries VALUES(?)", [(n,) for n in range(100)])
    return paths


def count_rows(paths: Paths) -> int:
    row = apsw.Connection(str(paths.journal("sim"))).execute("SELECT count(*) FROM entries").fetchone()
    return int(row[0]) if row else -1


def test_a_backup_of_an_open_database_restores_into_an_empty_home(tmp_path: Path) -> None:
    paths = a_home(tmp_path / "one")
    file, size = write_backup(paths, tmp_path / "b.tar.gz", CLOCK)
    fresh = resolve_paths(tmp_path / "two")
    restore_backup(file, fresh)
    assert size == file.stat().st_size
    assert count_rows(fresh) == 100
    assert fresh.journal_head("sim").read_text() == "7 abc"
    assert fresh.config_file.read_text() == "[ui]\n"


def test_a_restored_journal_is_marked_with_the_time_of_its_backup_once(tmp_path: Path) -> None:
    paths = a_home(tmp_path / "one")
    file, _ = write_backup(paths, tmp_path / "b.tar.gz", CLOCK)
    fresh = resolve_paths(tmp_path / "two")
    restore_backup(file, fresh)
    mark = RestoredMark(fresh.world("sim"))
    assert mark.read() == CLOCK.now_ns()
    again, _ = write_backup(fresh, tmp_path / "c.tar.gz", CLOCK)
    assert not [record for record in read_manifest(again).files if "restored" in record.name]
    mark.clear()
    assert mark.read() is None
    back = resolve_paths(tmp_path / "three")
    restore_backup(file, back, is_rollback=True)
    assert RestoredMark(back.world("sim")).read() is None, "a rollback's backup was made while nothing ran"


@pytest.mark.covers("R21")
def test_secrets_and_logs_stay_at_home(tmp_path: Path) -> None:
    paths = a_home(tmp_path / "one")
    file, _ = write_backup(paths, tmp_path / "b.tar.gz", CLOCK)
    names = [record.name for record in read_manifest(file).files]
    assert not [name for name in names if "token" in name or "log" in name]


def test_heads_come_first_and_the_venue_last(tmp_path: Path) -> None:
    paths = a_home(tmp_path / "one")
    paths.venue("sim").mkdir(parents=True)
    apsw.Connection(str(paths.venue("sim") / "venue.db")).execute("CREATE TABLE t(x)")
    file, _ = write_backup(paths, tmp_path / "b.tar.gz", CLOCK)
    names = [record.name for record in read_manifest(file).files]
    databases = [name for name in names if name.endswith((".head", ".db"))]
    assert [name.rsplit("/", 1)[1] for name in databases] == ["sim.head", "journal.db", "venue.db"]


def test_a_home_in_use_is_not_overwritten_unless_asked(tmp_path: Path) -> None:
    paths = a_home(tmp_path / "one")
    file, _ = write_backup(paths, tmp_path / "b.tar.gz", CLOCK)
    with pytest.raises(ConflictError, match="already holds"):
        restore_backup(file, paths)
    restore_backup(file, paths, replace_existing=True)
    assert count_rows(paths) == 100
    assert list(paths.state.glob("worlds-before-*/sim/journal.db")), "the replaced worlds are set aside, not deleted"


@pytest.mark.covers("R42")
@pytest.mark.parametrize("cut", [200, 400])
def test_a_damaged_archive_is_refused_and_nothing_changes(tmp_path: Path, cut: int) -> None:
    file, size = write_backup(a_home(tmp_path / "one"), tmp_path / "b.tar.gz", CLOCK)
    file.write_bytes(file.read_bytes()[: size - cut])
    fresh = resolve_paths(tmp_path / "two")
    with pytest.raises(IntegrityError):
        restore_backup(file, fresh)
    assert not fresh.journal("sim").exists()


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nowhere\.tar\.gz"):
        restore_backup(tmp_path / "nowhere.tar.gz", resolve_paths(tmp_path / "two"))


@pytest.mark.covers("R21", "R23", "S17")
def test_a_backup_takes_the_vault_sealed_as_it_is_and_no_key(tmp_path: Path) -> None:
    """What opens the vault is a passphrase nobody wrote down; what signs the journal stays at home."""
    paths = a_home(tmp_path / "one")
    canary = "CANARY-secret-in-the-vault"
    cheap = Cost(n=1024, r=1, p=1)
    Vault(paths, CLOCK, find_ring=lambda: None, cost=cheap, harden=lambda: None).put(
        "one", {"k": canary}, "ten letters +"
    )
    key = SealKey(paths, "sim").make().hex()
    file, _ = write_backup(paths, tmp_path / "b.tar.gz", CLOCK)
    with tarfile.open(file) as archive:
        held = {one.name: (archive.extractfile(one) or io.BytesIO()).read() for one in archive if one.isfile()}
    assert any(name.endswith("secrets.vault") for name in held)
    assert not any("keys/" in name or "tokens/" in name for name in held)
    assert not any(canary.encode() in data or key.encode() in data for data in held.values())
    fresh = resolve_paths(tmp_path / "two")
    restore_backup(file, fresh)
    restored = Vault(fresh, CLOCK, find_ring=lambda: None, cost=cheap, harden=lambda: None)
    restored.unlock(["one"], "ten letters +")
    assert restored.secrets_of("one") == {"k": canary}

"""The tail of a backup: a restore comes back to its minute, its writer makes nobody wait, and damage is named."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.domain.errors import IntegrityError
from stockpulse_engine.storage.backup import drop_backups, restore_backup, verify_backup, write_backup, write_tail
from stockpulse_engine.storage.journal import SqliteJournal, verify
from stockpulse_engine.storage.restored import RestoredMark
from tests.unit.storage.test_journal import events

MINUTE = 60_000_000_000
WORLD = "sim"


@pytest.fixture
def paths(home: Path) -> Paths:
    return resolve_paths(home)


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    directory = tmp_path / "backups"
    directory.mkdir()
    return directory


def journal(paths: Paths) -> SqliteJournal:
    return SqliteJournal(paths.journal(WORLD), paths.journal_head(WORLD), ManualClock(), world=WORLD)


def entries(paths: Paths) -> int:
    found = verify(paths.journal(WORLD), paths.journal_head(WORLD))
    assert found.is_ok, found.problem
    return found.entries


@pytest.mark.covers("L13")
async def test_a_restore_comes_back_to_the_minute_of_the_tail(
    paths: Paths, backups: Path, tmp_path: Path, clock: ManualClock
) -> None:
    book = journal(paths)
    await book.append(events(50))
    archive, _ = write_backup(paths, backups, clock)
    sizes = []
    for minute in range(1, 4):
        await book.append(events(200, start=minute * 1000))
        clock.advance(MINUTE)
        written = write_tail(paths, backups, clock)
        assert written is not None
        sizes.append(written.size)
    (paths.config / "stockpulse.toml").parent.mkdir(parents=True, exist_ok=True)
    (paths.config / "stockpulse.toml").write_text("[ui]\n")
    write_tail(paths, backups, clock)
    book.close()
    fresh = resolve_paths(tmp_path / "fresh")
    assert restore_backup(backups, fresh).made_at == clock.now_ns()
    assert entries(fresh) == 650
    assert fresh.config_file.read_text() == "[ui]\n"
    assert RestoredMark(fresh.world(WORLD)).read() == clock.now_ns()
    without = resolve_paths(tmp_path / "without")
    restore_backup(archive, without, with_tail=False)
    assert entries(without) == 50
    assert sizes == sorted(sizes), "each tail holds what the one before it held"
    found = verify_backup(archive)
    assert (found.made_at, found.damaged) == (clock.now_ns(), ())


async def test_the_journals_writer_and_its_tail_do_not_wait_for_each_other(
    paths: Paths, backups: Path, tmp_path: Path, clock: ManualClock
) -> None:
    book = journal(paths)
    await book.append(events(5))
    write_backup(paths, backups, clock)
    writer = apsw.Connection(str(paths.journal(WORLD)))
    writer.execute("BEGIN IMMEDIATE")  # whoever had to wait for this lock would fail here
    writer.execute("CREATE TABLE half_written(x)")
    assert write_tail(paths, backups, clock) is not None
    writer.execute("ROLLBACK")
    reader = apsw.Connection(str(paths.journal(WORLD)))
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM entries").fetchall()  # what a tail holds while it reads
    assert await book.append(events(1, start=9)) == 6
    reader.close()
    book.close()
    write_tail(paths, backups, clock)
    fresh = resolve_paths(tmp_path / "fresh")
    restore_backup(backups, fresh)
    assert entries(fresh) == 6


async def test_a_damaged_tail_is_named_and_the_full_copy_is_there_without_it(
    paths: Paths, backups: Path, tmp_path: Path, clock: ManualClock
) -> None:
    book = journal(paths)
    await book.append(events(5))
    archive, _ = write_backup(paths, backups, clock)
    await book.append(events(5, start=6))
    book.close()
    write_tail(paths, backups, clock)
    tail = next(backups.glob("*.tail"))
    whole = tail.read_bytes()
    for place in range(0, len(whole), len(whole) // 7):
        tail.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        assert [one.name for one in verify_backup(archive).damaged] == [tail.name]
        with pytest.raises(IntegrityError, match="--no-tail"):
            restore_backup(archive, resolve_paths(tmp_path / "fresh"))
    restore_backup(archive, resolve_paths(tmp_path / "fresh"), with_tail=False)
    assert entries(resolve_paths(tmp_path / "fresh")) == 5
    drop_backups(backups, [archive])
    assert not tail.exists()


def test_without_a_full_copy_there_is_nothing_to_add_to(paths: Paths, backups: Path, clock: ManualClock) -> None:
    assert write_tail(paths, backups, clock) is None
    assert not list(backups.iterdir())


async def test_a_broken_chain_inside_a_backup_is_named(paths: Paths, backups: Path, clock: ManualClock) -> None:
    book = journal(paths)
    await book.append(events(9))
    book.close()
    database = apsw.Connection(str(paths.journal(WORLD)))
    database.execute("UPDATE entries SET recorded_at = 1 WHERE seq = 4")
    database.close()
    archive, _ = write_backup(paths, backups, clock)
    damaged = verify_backup(archive).damaged
    assert [one.name for one in damaged] == [f"state/worlds/{WORLD}/journal.db"]
    assert "entry 4" in damaged[0].problem

"""An older home is migrated after a backup, and there is a way back."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.domain.errors import ConflictError, IntegrityError, NotFoundError
from stockpulse_engine.storage.home import STEPS, Step, home_version, make_private, migrate, rollback

OURS = STEPS[-1].to_version


@pytest.fixture
def paths(home: Path) -> Paths:
    return resolve_paths(home)


@pytest.fixture
def older(paths: Paths) -> Paths:
    """A home from before versions were written: a journal, its head, settings, everything readable by all."""
    journal = paths.journal("sim")
    journal.parent.mkdir(parents=True)
    with apsw.Connection(str(journal)) as database:
        database.execute("CREATE TABLE entries (seq INTEGER); INSERT INTO entries VALUES (1), (2)")
    database.close()
    paths.journal_head("sim").parent.mkdir(parents=True)
    paths.journal_head("sim").write_text("2 abc")
    paths.tokens.mkdir()
    (paths.tokens / "admin").write_text("t")
    paths.config.mkdir()
    paths.config_file.write_text('[ui]\ntheme = "light"\n')
    for file in (journal, paths.journal_head("sim"), paths.config_file, paths.tokens / "admin"):
        file.chmod(0o644)
    return paths


def entries(paths: Paths) -> int:
    database = apsw.Connection(str(paths.journal("sim")))
    (count,) = next(database.execute("SELECT count(*) FROM entries"))
    database.close()
    assert isinstance(count, int)
    return count


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_an_empty_home_only_gets_its_version(paths: Paths) -> None:
    assert home_version(paths) is None
    change = migrate(paths, ManualClock())
    assert (change.from_version, change.to_version, change.backup) == (OURS, OURS, "")
    assert home_version(paths) == OURS


def test_an_older_home_is_backed_up_then_migrated(older: Paths) -> None:
    told: list[str] = []
    change = migrate(older, ManualClock(), on_step=told.append)
    assert (change.from_version, change.to_version) == (0, OURS)
    assert Path(change.backup).is_file()
    assert told[0].startswith("backing up")
    assert mode_of(older.tokens / "admin") == mode_of(older.journal("sim")) == 0o600
    assert mode_of(older.tokens) == mode_of(older.state) == 0o700
    assert entries(older) == 2


def test_a_home_of_our_version_is_left_alone(older: Paths) -> None:
    migrate(older, ManualClock())
    before = sorted(older.state.rglob("*"))
    assert migrate(older, ManualClock()).backup == ""
    assert sorted(older.state.rglob("*")) == before


def test_a_newer_home_is_not_touched(older: Paths) -> None:
    (older.state / "version").write_text("999\n")
    with pytest.raises(ConflictError, match="999"):
        migrate(older, ManualClock())
    assert home_version(older) == 999


@pytest.mark.parametrize("content", ["", "two", "-1", "1" * 40, "\x00"])
def test_a_version_that_is_none_stops_the_start(older: Paths, content: str) -> None:
    (older.state / "version").write_text(content)
    with pytest.raises(IntegrityError, match="version"):
        migrate(older, ManualClock())


def test_an_interrupted_migration_goes_on_with_the_backup_it_began_with(older: Paths) -> None:
    def breaks(_: Paths) -> None:
        raise OSError("disk full")

    broken = (*STEPS, Step(OURS + 1, "breaking", breaks))
    with pytest.raises(OSError, match="disk full"):
        migrate(older, ManualClock(), steps=broken)
    assert home_version(older) == OURS
    clock = ManualClock()
    clock.advance(3_600_000_000_000)
    change = migrate(older, clock, steps=(*STEPS, Step(OURS + 1, "working", make_private)))
    assert (change.from_version, change.to_version) == (0, OURS + 1)
    assert home_version(older) == OURS + 1
    assert len(list((older.state / "backups").glob("before-version-*"))) == 1


def test_rollback_brings_back_what_was_and_sets_aside_what_is(older: Paths) -> None:
    migrate(older, ManualClock())
    database = apsw.Connection(str(older.journal("sim")))
    database.execute("INSERT INTO entries VALUES (3)")
    database.close()
    older.config_file.write_text('[ui]\ntheme = "mono"\n')
    change = rollback(older, ManualClock())
    assert (change.from_version, change.to_version) == (OURS, 0)
    assert home_version(older) == 0
    assert entries(older) == 2
    assert "light" in older.config_file.read_text()
    (aside,) = older.state.glob("worlds-before-rollback-*")
    assert (aside / "sim" / "journal.db").is_file()


def test_a_second_rollback_has_nothing_to_go_back_to(older: Paths) -> None:
    migrate(older, ManualClock())
    rollback(older, ManualClock())
    with pytest.raises(NotFoundError, match="no backup"):
        rollback(older, ManualClock())


def test_a_damaged_backup_changes_nothing(older: Paths) -> None:
    backup = Path(migrate(older, ManualClock()).backup)
    backup.write_bytes(backup.read_bytes()[:100])
    with pytest.raises(IntegrityError):
        rollback(older, ManualClock())
    assert entries(older) == 2
    assert home_version(older) == OURS


def test_a_home_can_be_migrated_again_after_a_rollback(older: Paths) -> None:
    migrate(older, ManualClock())
    rollback(older, ManualClock())
    assert migrate(older, ManualClock(1_800_000_000_000_000_000)).to_version == OURS
    assert entries(older) == 2


def test_only_the_last_few_backups_are_kept(paths: Paths) -> None:
    clock = ManualClock()
    migrate(paths, clock)
    for version in range(OURS + 1, OURS + 7):
        clock.advance(60_000_000_000)
        migrate(paths, clock, steps=(*STEPS, Step(version, "a step", make_private)))
    assert len(list((paths.state / "backups").glob("before-version-*"))) == 3

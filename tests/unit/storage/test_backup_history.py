"""History in backups: each file copied once, damage named, and nothing that ends a backup harms the ones before it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.domain.errors import ConflictError, IntegrityError, UnavailableError
from stockpulse_engine.storage.backup import drop_backups, restore_backup, verify_backup, write_backup
from stockpulse_engine.storage.backup.verify import forget_damaged
from stockpulse_engine.storage.history.store import open_history
from stockpulse_engine.storage.history.tail import header_of
from tests.unit.storage.history.build import AAPL, M1, bar_frame, closes
from tests.unit.storage.history.test_full_disk import largest_file

HOUR = 3_600_000_000_000


@pytest.fixture
def paths(home: Path, clock: ManualClock) -> Paths:
    """A home with one segment, a log of the live tail that the catalog knows, and refused rows."""
    made = resolve_paths(home)
    (made.state / "worlds" / "sim").mkdir(parents=True)
    (made.state / "worlds" / "sim" / "sim.json").write_text("{}")
    add_bars(made, clock, 0)
    (made.history / "refused").mkdir()
    (made.history / "refused" / "one.csv").write_text("row,reason\n")
    (made.history / "hot" / "made-again").mkdir(parents=True)
    (made.history / "hot" / "made-again" / "x.col").write_bytes(b"0")
    return made


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    directory = tmp_path / "backups"
    directory.mkdir()
    return directory


def add_bars(paths: Paths, clock: ManualClock, first: int) -> None:
    with open_history(paths.history, clock) as store:
        name = f"{AAPL[:-5]}{first}.XNAS" if first else AAPL
        store.writer.write_bars(bar_frame(range(1, 40), name=name), spec=M1, source="yahoo")
        log = store.layout.tail / "trades-1.log"
        log.parent.mkdir(exist_ok=True)
        if not log.exists():
            log.write_bytes(header_of("trades"))
            store.writer.ledger.add_tail(log.name)


def objects(backups: Path) -> set[Path]:
    return {path for path in (backups / "objects").rglob("*") if path.is_file()}


def held(paths: Paths) -> list[float]:
    with open_history(paths.history, ManualClock()) as store:
        assert not list(store.upkeep.verify())
        return closes(store.reader.bars(AAPL, M1))


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def test_the_history_comes_back_whole_and_without_what_is_derived(
    paths: Paths, backups: Path, tmp_path: Path, clock: ManualClock
) -> None:
    file, _ = write_backup(paths, backups, clock)
    fresh = resolve_paths(tmp_path / "fresh")
    restore_backup(backups, fresh)
    assert held(fresh) == held(paths) == list(range(1, 40))
    assert (fresh.history / "refused" / "one.csv").read_text() == "row,reason\n"
    assert (fresh.history / "tail" / "trades-1.log").read_bytes() == header_of("trades")
    assert not (fresh.history / "hot" / "made-again").exists()
    assert verify_backup(file).damaged == ()
    with pytest.raises(ConflictError):
        restore_backup(file, fresh)
    restore_backup(file, fresh, replace_existing=True)
    assert list(fresh.data.glob("history-before-*/catalog.db"))


def test_to_one_file_everything_lies_in_it(paths: Paths, tmp_path: Path, clock: ManualClock) -> None:
    file, _ = write_backup(paths, tmp_path / "all.tar.gz", clock)
    alone = tmp_path / "elsewhere"
    alone.mkdir()
    file = file.rename(alone / file.name)
    assert verify_backup(file).damaged == ()
    fresh = resolve_paths(tmp_path / "fresh")
    restore_backup(file, fresh)
    assert held(fresh) == list(range(1, 40))


def test_an_hour_later_only_what_is_new_is_copied_and_what_nobody_lists_goes(
    paths: Paths, backups: Path, clock: ManualClock
) -> None:
    first, _ = write_backup(paths, backups, clock)
    before = {path: path.stat().st_ino for path in objects(backups)}
    clock.advance(HOUR)
    add_bars(paths, clock, 1)
    second, _ = write_backup(paths, backups, clock)
    after = {path: path.stat().st_ino for path in objects(backups)}
    assert {path: after[path] for path in before} == before
    assert len(after) == len(before) + 1
    drop_backups(backups, [second])
    assert objects(backups) == set(before)
    assert verify_backup(first).damaged == ()
    assert {path.suffix for path in backups.iterdir() if path.is_file()} == {".gz", ".index", ".lock"}


def test_a_flipped_bit_is_named_wherever_it_is(paths: Paths, backups: Path, tmp_path: Path, clock: ManualClock) -> None:
    file, _ = write_backup(paths, backups, clock)
    segment = next(path for path in objects(backups) if path.stat().st_size > 500)
    flip(segment)
    found = verify_backup(file)
    assert [one.name.endswith(".parquet") for one in found.damaged] == [True]
    assert "checksum" in found.damaged[0].problem
    assert verify_backup(file, is_deep=False).damaged == ()
    with pytest.raises(IntegrityError, match="parquet"):
        restore_backup(file, resolve_paths(tmp_path / "fresh"))
    assert not (tmp_path / "fresh" / "data" / "history").exists()
    assert forget_damaged(found) == 1
    clock.advance(HOUR)
    again, _ = write_backup(paths, backups, clock)
    assert verify_backup(again).damaged == verify_backup(file).damaged == (), "the home still had it"
    flip(again)
    assert again.name in {one.name for one in verify_backup(again).damaged}


def test_what_is_damaged_in_the_home_is_said_and_a_good_copy_outlives_it(
    paths: Paths, backups: Path, clock: ManualClock
) -> None:
    first, _ = write_backup(paths, backups, clock)
    add_bars(paths, clock, 1)
    for segment in paths.history.rglob("*.parquet"):
        flip(segment)
    clock.advance(HOUR)
    second, _ = write_backup(paths, backups, clock)
    assert [one.problem for one in verify_backup(second).damaged] == [
        "was damaged in the home already when the backup was made"
    ]
    assert verify_backup(first).damaged == ()


def test_a_backup_without_its_objects_says_what_to_do(
    paths: Paths, backups: Path, tmp_path: Path, clock: ManualClock
) -> None:
    file, _ = write_backup(paths, backups, clock)
    alone = tmp_path / "alone"
    alone.mkdir()
    moved = file.rename(alone / file.name)
    with pytest.raises(IntegrityError, match="--no-history"):
        restore_backup(moved, resolve_paths(tmp_path / "fresh"))
    restore_backup(moved, resolve_paths(tmp_path / "fresh"), with_history=False)
    assert {one.problem for one in verify_backup(moved).damaged} == {"is missing"}


@pytest.mark.parametrize("room", [0, 2_000, 9_000])
def test_a_full_disk_leaves_the_backup_before_it_whole(
    paths: Paths, backups: Path, clock: ManualClock, room: int
) -> None:
    first, _ = write_backup(paths, backups, clock)
    add_bars(paths, clock, 1)
    files = {path for path in backups.rglob("*") if path.is_file()}
    clock.advance(HOUR)
    with largest_file(room), pytest.raises(UnavailableError, match="earlier backups are untouched"):
        write_backup(paths, backups, clock)
    assert {path for path in backups.rglob("*") if path.is_file()} == files
    assert verify_backup(first).damaged == ()
    assert verify_backup(write_backup(paths, backups, clock)[0]).damaged == ()


VICTIM = """
import os, signal, sys
from pathlib import Path
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.paths import resolve_paths
from stockpulse_engine.storage.backup import write_backup
home, backups, last = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
count = 0
def step(event, arguments):
    global count
    if event in ("os.rename", "open", "os.remove") and str(backups) in str(arguments[0]):
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(step)
write_backup(resolve_paths(home), backups, WallClock())
print(count)
"""


def killed_at(step: int, paths: Paths, backups: Path) -> int:
    """Back up in a process that ends at its `step`-th touch of the directory; 0 when it ended by itself before."""
    command = [sys.executable, "-c", VICTIM, str(paths.data.parent), str(backups), str(step)]
    code = subprocess.run(command, check=False, capture_output=True, timeout=120).returncode
    assert code in {0, -signal.SIGKILL}
    return code


def test_a_kill_at_any_step_leaves_the_backup_before_it_whole(
    paths: Paths, backups: Path, tmp_path: Path, clock: ManualClock
) -> None:
    first, _ = write_backup(paths, backups, clock)
    add_bars(paths, clock, 1)
    step = 1
    while killed_at(step, paths, backups):
        assert verify_backup(first).damaged == ()
        whole = sorted(backups.glob("stockpulse-*.tar.gz"))
        assert all(verify_backup(file).damaged == () for file in whole), "a name is given to what is complete"
        step += 4
    assert step > 9
    drop_backups(backups, [])
    newest = max(backups.glob("stockpulse-*.tar.gz"))
    assert newest != first
    assert not [path for path in backups.rglob("*") if path.name.startswith(".part-") or path.suffix == ".part"]
    fresh = resolve_paths(tmp_path / "fresh")
    restore_backup(newest, fresh)
    assert held(fresh) == list(range(1, 40))


def test_whichever_byte_of_an_archive_is_flipped_it_is_found(paths: Paths, backups: Path, clock: ManualClock) -> None:
    file, size = write_backup(paths, backups, clock)
    whole = file.read_bytes()
    for place in range(12, size, max(1, size // 40)):
        damaged = bytearray(whole)
        damaged[place] ^= 16
        file.write_bytes(damaged)
        assert verify_backup(file).damaged, f"byte {place} of {size}"
    file.write_bytes(whole)
    assert verify_backup(file).damaged == ()

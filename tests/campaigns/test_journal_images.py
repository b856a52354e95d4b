"""S5 and S6: journals that were cut short or changed on the disk, and disks that fail at every single call."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import apsw
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import IntegrityError, StockPulseError, UnavailableError
from stockpulse_engine.domain.events import EngineStopped
from stockpulse_engine.drill.campaigns.report import COMMIT, NIGHT, RELEASE, Report
from stockpulse_engine.storage.chain import verify
from stockpulse_engine.storage.journal import SqliteJournal
from tests.campaigns.volumes import VOLUME, judge

pytestmark = pytest.mark.timeout(3600)  # of a night; on a quiet machine a commit takes seconds

IMAGES = {COMMIT: 500, NIGHT: 10_000, RELEASE: 50_000}
ENTRIES = 30
NAMES = ("state/journal.db", "state/journal.db-wal", "heads/journal.head")
APPENDS = 12


def event(number: int) -> EngineStopped:
    return EngineStopped(ts_event=number, recorded_at=number)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where there is one: thousands of real syncs would be the disk's time and not ours."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="sp-campaign-", dir=memory) as made:
        yield Path(made)


@pytest.fixture
async def image(place: Path) -> dict[str, bytes]:
    """The files of a journal that is in use: the newest entries lie in the write-ahead log."""
    home = place / "whole"
    journal = SqliteJournal(home / NAMES[0], home / NAMES[2], ManualClock(), is_inline=True)
    for number in range(1, ENTRIES + 1):
        await journal.append([event(number)])
    files = {name: (home / name).read_bytes() for name in NAMES}
    journal.close()
    return files


@pytest.mark.covers("S5", "R30", "F33")
async def test_s5_a_damaged_journal_is_never_taken_for_a_shorter_one(image: dict[str, bytes], place: Path) -> None:
    report = Report("S5", "images")
    rng = random.Random(5)
    seen = 0
    for number in range(IMAGES[VOLUME]):
        home = place / "image"
        what = _damage(home, image, rng)
        found = verify(home / NAMES[0], home / NAMES[2])
        is_whole = found.is_ok and found.entries == ENTRIES
        seen += not found.is_ok
        if not is_whole and (found.is_ok or not found.problem):
            report.failures.append(f"image {number}, {what}: {found.entries} entries pass for all")
        report.done += 1
        shutil.rmtree(home)
    report.figures["found damaged"] = seen
    report.figures["whole all the same"] = report.done - seen
    assert seen > report.done // 4  # the rest fell on bytes that nothing reads
    judge(report)


def _damage(home: Path, image: dict[str, bytes], rng: random.Random) -> str:
    """Lay the files out, one of them cut at a random byte or with one flipped bit."""
    name, what = rng.choice(NAMES), ""
    for each, content in image.items():
        changed = bytearray(content)
        if each == name:
            at = rng.randrange(len(content))
            if rng.random() < 0.5:
                del changed[at:]
                what = f"{name} cut at {at}"
            else:
                changed[at] ^= 1 << rng.randrange(8)
                what = f"{name} flipped at {at}"
        file = home / each
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(changed)
    return what


# --- S6 ------------------------------------------------------------------------------------------------------


class Brittle(apsw.VFS):
    """Fails at the n-th call that writes or syncs, and works before and after it."""

    def __init__(self) -> None:
        self.name = "brittle"
        self.calls = 0
        self.fails_at = 0
        self.kind = ""
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        return _File(self, name, flags)

    def call(self) -> None:
        """One call of the disk."""
        self.calls += 1
        if self.calls == self.fails_at:
            raise {"EIO": apsw.IOError, "ENOSPC": apsw.FullError, "short write": apsw.IOError}[self.kind](self.kind)


class _File(apsw.VFSFile):
    def __init__(self, disk: Brittle, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        if self._disk.kind == "short write" and self._disk.calls + 1 == self._disk.fails_at:
            super().xWrite(data[: len(data) // 2], offset)
        self._disk.call()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        self._disk.call()
        super().xSync(flags)

    def xTruncate(self, newsize: int) -> None:
        self._disk.call()
        super().xTruncate(newsize)


@pytest.fixture
def disk() -> Iterator[Brittle]:
    made = Brittle()
    yield made
    made.unregister()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # SQLite passes some failures over
@pytest.mark.covers("S6", "F29", "F33")
async def test_s6_whichever_call_of_the_disk_fails_nothing_acknowledged_is_lost(disk: Brittle, place: Path) -> None:
    report = Report("S6", "failing calls")
    await _append(disk, place / "counted")
    calls = disk.calls
    assert calls > 2 * APPENDS
    for kind in ("EIO", "ENOSPC", "short write"):
        for number in range(1, calls + 1):
            home = place / "home"
            disk.calls, disk.fails_at, disk.kind = 0, number, kind
            acknowledged = await _append(disk, home)
            disk.fails_at = 0
            if problem := _problem(home, acknowledged):
                report.failures.append(f"{kind} at call {number}: {problem}")
            report.done += 1
            shutil.rmtree(home)
    judge(report)


async def _append(disk: Brittle, home: Path) -> int:
    """Open a journal and append until it ends or fails; returns the last entry that was acknowledged."""
    try:
        journal = SqliteJournal(home / NAMES[0], home / NAMES[2], ManualClock(), vfs=disk.name, is_inline=True)
    except StockPulseError:
        return 0
    last = 0
    try:
        for number in range(1, APPENDS + 1):
            last = await journal.append([event(number)])
    except UnavailableError:
        assert journal.failure
        with pytest.raises(UnavailableError):  # read-only for good: what is not recorded must not leave
            journal.enqueue([event(99)])
    finally:
        with suppress(apsw.Error):  # the disk may fail at the last checkpoint
            journal.close()
    return last


def _problem(home: Path, acknowledged: int) -> str:
    """What is wrong with the journal now that the disk works again."""
    if not acknowledged and not (home / NAMES[0]).exists():
        return ""
    try:
        journal = SqliteJournal(home / NAMES[0], home / NAMES[2], ManualClock(), is_inline=True)
    except IntegrityError as error:
        return str(error)
    try:
        entries = [entry.event.ts_event for entry in journal.read()]
    finally:
        journal.close()
    if entries != list(range(1, len(entries) + 1)) or len(entries) < acknowledged:
        return f"{acknowledged} were acknowledged, there are {len(entries)}"
    return ""

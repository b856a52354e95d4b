"""What an acknowledgement is worth: after a power cut, after SIGKILL, and that these tests can see a careless journal."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import IntegrityError, UnavailableError
from stockpulse_engine.domain.events import EngineStopped
from stockpulse_engine.storage.head import HeadFile
from stockpulse_engine.storage.journal import SqliteJournal, verify
from tests.conftest import IS_NIGHT
from tests.fakes.power_cut import ForgetfulDisk, ForgetfulJournal, lay_out

CUTS = 1000 if IS_NIGHT else 40
KILLS = 200 if IS_NIGHT else 10


@pytest.fixture
def disk() -> Iterator[ForgetfulDisk]:
    disk = ForgetfulDisk()
    yield disk
    disk.close()


class Careless(ForgetfulJournal):
    """A journal that acknowledges before the write-ahead log is synced: it must be caught."""

    _synchronous = "NORMAL"


class CarelessAndHeadless(Careless):
    """The same without a synced head: its loss would pass unseen."""

    def _make_head_file(self, head_path: Path) -> HeadFile:
        return HeadFile(head_path, lambda descriptor: None)


def event(number: int) -> EngineStopped:
    return EngineStopped(ts_event=number, recorded_at=number)


async def acknowledged_before_cuts(
    kind: type[ForgetfulJournal], disk: ForgetfulDisk, home: Path, cuts: int
) -> list[tuple[int, dict[str, bytes]]]:
    """Append and cut the power now and then: (last seq acknowledged, what the disk remembers)."""
    journal = kind(home, disk, is_inline=False)
    rng = random.Random(7)
    images = []
    acknowledged = 0
    for _ in range(cuts):
        waiting = [journal.enqueue([event(acknowledged + 1 + n)]) for n in range(rng.randint(1, 5))]
        for future in waiting[: rng.randint(0, len(waiting))]:
            acknowledged = await future
        images.append((acknowledged, disk.snapshot()))  # the rest is still on its way
        for future in waiting:
            acknowledged = await future
    journal.close()
    return images


def reopened(image: dict[str, bytes], home: Path, number: int) -> SqliteJournal:
    target = home / f"after{number}"
    lay_out(image, home, target)
    return SqliteJournal(target / "state" / "journal.db", target / "heads" / "journal.head", ManualClock())


@pytest.mark.covers("F33", "O4")
async def test_a_power_cut_loses_nothing_acknowledged(home: Path, disk: ForgetfulDisk) -> None:
    for number, (acknowledged, image) in enumerate(await acknowledged_before_cuts(ForgetfulJournal, disk, home, CUTS)):
        journal = reopened(image, home, number)
        assert journal.head[0] >= acknowledged
        assert [entry.event.ts_event for entry in journal.read()] == list(range(1, journal.head[0] + 1))
        journal.close()


@pytest.mark.covers("F33")
async def test_the_same_test_sees_a_journal_that_acknowledges_too_early(home: Path, disk: ForgetfulDisk) -> None:
    lost = 0
    for number, (_, image) in enumerate(await acknowledged_before_cuts(Careless, disk, home, 12)):
        try:
            reopened(image, home, number).close()
        except IntegrityError as error:
            assert "acknowledged and are gone" in str(error)
            lost += 1
    assert lost >= 10


async def test_without_a_synced_head_the_loss_would_pass_unseen(home: Path, disk: ForgetfulDisk) -> None:
    silent = 0
    for number, (acknowledged, image) in enumerate(await acknowledged_before_cuts(CarelessAndHeadless, disk, home, 12)):
        journal = reopened(image, home, number)
        silent += journal.head[0] < acknowledged
        journal.close()
    assert silent >= 10


async def test_a_failing_sync_is_not_acknowledged(home: Path, disk: ForgetfulDisk) -> None:
    journal = ForgetfulJournal(home, disk, is_inline=False)
    await journal.append([event(1)])
    disk.fails_with = OSError(5, "Input/output error")
    with pytest.raises(UnavailableError, match="read-only"):
        await journal.append([event(2)])
    disk.fails_with = None
    with pytest.raises(UnavailableError):
        await journal.append([event(3)])
    journal.close()


_CHILD = """
import asyncio, os, sys
from pathlib import Path
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.events import EngineStopped
from stockpulse_engine.storage.journal import SqliteJournal

async def main(home: Path) -> None:
    journal = SqliteJournal(home / "state" / "journal.db", home / "heads" / "journal.head", WallClock())
    print(journal.head[0], flush=True)
    async def one_after_the_other():
        while True:
            seq = await journal.append([EngineStopped(ts_event=1, recorded_at=1)])
            os.write(1, b"%d\\n" % seq)
    await asyncio.gather(*(one_after_the_other() for _ in range(4)))

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.covers("F33")
def test_sigkill_loses_nothing_acknowledged(home: Path) -> None:
    rng = random.Random(11)
    acknowledged = 0
    for _ in range(KILLS):
        with subprocess.Popen([sys.executable, "-c", _CHILD, str(home)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            opened_at = int(child.stdout.readline())
            assert opened_at >= acknowledged
            for _ in range(rng.randint(1, 40)):
                acknowledged = max(acknowledged, int(child.stdout.readline()))
            child.send_signal(signal.SIGKILL)
            rest = child.stdout.read().split(b"\n")[:-1]
        acknowledged = max([acknowledged, *(int(line) for line in rest)])
    journal = SqliteJournal(home / "state" / "journal.db", home / "heads" / "journal.head", ManualClock())
    assert journal.head[0] >= acknowledged > KILLS
    assert verify(home / "state" / "journal.db", home / "heads" / "journal.head").is_ok
    journal.close()


@pytest.mark.covers("O4")
async def test_the_log_and_then_the_head_are_synced_before_the_answer(home: Path, disk: ForgetfulDisk) -> None:
    journal = ForgetfulJournal(home, disk, is_inline=False)
    for number in range(1, 6):
        disk.synced.clear()
        await journal.append([event(number)])
        assert [Path(name).name for name in disk.synced] == ["journal.db-wal", "journal.head"]
    journal.close()

"""The journal: acknowledged means on disk, chained and witnessed; damage is named, never driven over."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import ConflictError, IntegrityError, UnavailableError
from stockpulse_engine.domain.events import EngineStopped, Event
from stockpulse_engine.storage.head import Head, HeadFile
from stockpulse_engine.storage.journal import SqliteJournal, verify


def events(count: int, start: int = 1) -> list[Event]:
    """Facts that can be told apart by their time."""
    return [EngineStopped(ts_event=number, recorded_at=number * 10) for number in range(start, start + count)]


def make(home: Path, **options: object) -> SqliteJournal:
    """A journal below `home` with its head in another directory."""
    return SqliteJournal(home / "state" / "journal.db", home / "heads" / "journal.head", ManualClock(), **options)  # type: ignore[arg-type]  # options differ by test


def check(home: Path) -> tuple[bool, int, str]:
    result = verify(home / "state" / "journal.db", home / "heads" / "journal.head")
    return result.is_ok, result.broken_at, result.problem


async def filled(home: Path, count: int = 20) -> None:
    """A closed journal of `count` entries."""
    journal = make(home)
    for event in events(count):
        await journal.append([event])
    journal.close()


async def test_what_is_appended_is_read_back_in_order_after_a_restart(home: Path) -> None:
    journal = make(home)
    assert await journal.append(events(3)) == 3
    assert await journal.append(events(2, start=4)) == 5
    head = journal.head
    journal.close()
    again = make(home)
    assert again.head == head
    assert [entry.event for entry in again.read()] == events(5)
    assert [entry.seq for entry in again.read(after_seq=3)] == [4, 5]
    assert [entry.seq for entry in again.read(after_seq=1, limit=2)] == [2, 3]
    assert [entry.event for entry in again.fetch([5, 2])] == [events(5)[4], events(5)[1]]
    assert again.opening.unacknowledged == 0
    again.close()


async def test_many_callers_are_answered_in_the_order_they_asked(home: Path) -> None:
    journal = make(home)
    answered: list[int] = []
    futures = [journal.enqueue(events(1, start=number)) for number in range(1, 201)]
    for future in futures:
        future.add_done_callback(lambda done: answered.append(done.result()))
    await asyncio.gather(*futures)
    assert answered == list(range(1, 201))
    assert [entry.event.ts_event for entry in journal.read()] == list(range(1, 201))
    journal.close()


async def test_a_caller_that_gives_up_loses_nothing(home: Path) -> None:
    journal = make(home)
    waiting = asyncio.ensure_future(journal.append(events(1)))
    await asyncio.sleep(0)
    waiting.cancel()
    assert await journal.append(events(1, start=2)) == 2
    journal.close()


async def test_inline_commits_in_the_callers_turn(home: Path) -> None:
    journal = make(home, is_inline=True)
    future = journal.enqueue(events(4))
    assert future.done()
    assert future.result() == 4
    assert journal.head[0] == 4
    journal.close()


@pytest.mark.covers("F32")
async def test_another_world_is_refused_by_name(home: Path) -> None:
    await filled(home, 1)
    with pytest.raises(ConflictError, match=r"'sim'.*'live'"):
        make(home, world="live")


async def test_a_sound_journal_verifies(home: Path) -> None:
    await filled(home)
    assert check(home) == (True, 0, "")


def _edit(home: Path, *statements: str) -> None:
    database = sqlite3.connect(home / "state" / "journal.db")
    with database:
        for statement in statements:
            database.execute(statement)
    database.close()


@pytest.mark.covers("R30")
@pytest.mark.parametrize(
    ("statements", "broken_at"),
    [
        (["UPDATE entries SET payload = payload || x'00' WHERE seq = 7"], 7),
        (["UPDATE entries SET recorded_at = recorded_at + 1 WHERE seq = 7"], 7),
        (["UPDATE entries SET digest = zeroblob(32) WHERE seq = 7"], 7),
        (["DELETE FROM entries WHERE seq = 7"], 7),
        (["DELETE FROM entries WHERE seq = 1"], 1),
        (
            [
                "UPDATE entries SET seq = -1 WHERE seq = 7",
                "UPDATE entries SET seq = 7 WHERE seq = 8",
                "UPDATE entries SET seq = 8 WHERE seq = -1",
            ],
            7,
        ),
        (["DELETE FROM entries WHERE seq > 15"], 16),
        (["DELETE FROM entries"], 1),
    ],
    ids=["payload", "time", "digest", "deleted", "first deleted", "swapped", "truncated", "emptied"],
)
async def test_tampering_is_found_at_its_place_and_refused_at_start(
    home: Path, statements: list[str], broken_at: int
) -> None:
    await filled(home)
    _edit(home, *statements)
    is_ok, found_at, problem = check(home)
    assert (is_ok, found_at) == (False, broken_at)
    assert str(broken_at) in problem
    with pytest.raises(IntegrityError, match=f"entry {broken_at}.*sp restore"):
        make(home)


@pytest.mark.covers("R30")
async def test_a_rewritten_chain_is_found_by_the_head(home: Path) -> None:
    await filled(home, 5)
    head = (home / "heads" / "journal.head").read_bytes()
    (home / "state" / "journal.db").unlink()
    (home / "heads" / "journal.head").unlink()
    journal = make(home)
    await journal.append(events(5, start=100))
    journal.close()
    (home / "heads" / "journal.head").write_bytes(head)
    assert check(home) == (False, 5, "entry 5 is not the one that was acknowledged")


async def test_a_journal_that_vanished_is_missed(home: Path) -> None:
    await filled(home, 5)
    (home / "state" / "journal.db").unlink()
    assert not check(home)[0]
    with pytest.raises(IntegrityError, match="entries 1 to 5"):
        make(home)


async def test_a_head_that_vanished_is_missed(home: Path) -> None:
    await filled(home, 5)
    (home / "heads" / "journal.head").unlink()
    with pytest.raises(IntegrityError, match="head file is missing"):
        make(home)


async def test_a_crash_between_commit_and_head_is_repaired_and_said(home: Path) -> None:
    await filled(home, 5)
    head = (home / "heads" / "journal.head").read_bytes()
    journal = make(home)
    await journal.append(events(1, start=6))
    await journal.append(events(1, start=7))
    journal.close()
    (home / "heads" / "journal.head").write_bytes(head)
    assert check(home)[0]
    again = make(home)
    assert again.opening.entries == 7
    assert again.opening.unacknowledged == 2
    assert "never acknowledged" in again.opening.note
    again.close()
    assert verify(home / "state" / "journal.db", home / "heads" / "journal.head").head_seq == 7


@pytest.mark.covers("R30")
@given(st.data())
async def test_a_flipped_bit_is_never_driven_over(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    home = tmp_path_factory.mktemp("flip")
    await filled(home, 12)
    file = home / "state" / "journal.db"
    content = bytearray(file.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(content)
    for side in ("journal.db-wal", "journal.db-shm"):
        (file.parent / side).unlink(missing_ok=True)
    if verify(file, home / "heads" / "journal.head").is_ok:  # the bit lay in an unused part of a page
        again = make(home)
        assert [entry.event for entry in again.read()] == events(12)
        again.close()
    else:
        with pytest.raises((IntegrityError, ConflictError, UnavailableError)):
            make(home)


@pytest.mark.covers("F29")
async def test_a_full_disk_makes_the_journal_read_only(home: Path) -> None:
    journal = make(home)
    await journal.append(events(1))
    journal._db.execute("PRAGMA max_page_count = 1")
    with pytest.raises(UnavailableError, match="read-only"):
        await journal.append(events(5000, start=2))
    with pytest.raises(UnavailableError, match="full"):
        await journal.append(events(1, start=2))
    assert journal.failure
    assert journal.head[0] == 1
    journal.close()
    again = make(home)
    assert [entry.event for entry in again.read()] == events(1)
    again.close()


async def test_a_head_that_cannot_be_written_makes_the_journal_read_only(home: Path) -> None:
    class BrokenHead(SqliteJournal):
        def _make_head_file(self, head_path: Path) -> HeadFile:
            def fail(descriptor: int) -> None:
                raise OSError(5, "Input/output error")

            return HeadFile(head_path, fail)

    journal = BrokenHead(home / "state" / "journal.db", home / "heads" / "journal.head", ManualClock())
    with pytest.raises(UnavailableError, match="Input/output"):
        await journal.append(events(1))
    assert journal.head[0] == 0
    journal.close()


async def test_a_closed_journal_refuses(home: Path) -> None:
    journal = make(home)
    journal.close()
    with pytest.raises(UnavailableError, match="closed"):
        await journal.append(events(1))


def test_a_torn_head_write_leaves_the_head_before(home: Path) -> None:
    file = HeadFile(home / "journal.head")
    file.create(Head(0, "a" * 64))
    file.write(Head(1, "b" * 64))
    file.write(Head(2, "c" * 64))
    content = (home / "journal.head").read_bytes()
    torn = content.replace(b"c" * 64, b"c" * 30 + b"a" * 34)
    assert torn != content
    (home / "journal.head").write_bytes(torn)
    assert HeadFile(home / "journal.head").read() == Head(1, "b" * 64)
    (home / "journal.head").write_bytes(b"\0" * 8192)
    with pytest.raises(IntegrityError, match="both slots"):
        HeadFile(home / "journal.head").read()

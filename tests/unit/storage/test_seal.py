"""Tampering with the journal is noticed, by those too who compute chain and head anew (R30, S5)."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.domain.errors import ConflictError, IntegrityError, UnavailableError
from stockpulse_engine.domain.events import EngineStopped
from stockpulse_engine.storage.chain import genesis, seal
from stockpulse_engine.storage.head import Head, HeadFile
from stockpulse_engine.storage.journal import SqliteJournal
from stockpulse_engine.storage.seal import HeadSeal, SealKey, seal_places
from tests.unit.storage.secrets.test_vault import MemoryRing

ENTRIES = 24
NIGHT = bool(os.environ.get("STOCKPULSE_NIGHT"))
EDITS = 10_000 if NIGHT else 300


def paths_of(home: Path) -> Paths:
    return resolve_paths(home)


def journal_of(paths: Paths) -> SqliteJournal:
    return SqliteJournal(paths.journal("sim"), paths.journal_head("sim"), ManualClock())


def sealed(paths: Paths) -> HeadSeal:
    return HeadSeal("sim", SealKey(paths, "sim"), seal_places(paths, "sim"), ManualClock())


def start(paths: Paths, *, is_restored: bool = False) -> HeadSeal:
    """What a start does: the chain against its head, then the signed heads."""
    journal = journal_of(paths)
    try:
        guard = sealed(paths)
        guard.open(journal.head[0], journal.digest_at, is_restored=is_restored)
    finally:
        journal.close()
    return guard


async def signed_home(paths: Paths) -> None:
    """A closed journal whose head was signed at the stop."""
    start(paths)
    journal = journal_of(paths)
    for number in range(1, ENTRIES + 1):
        await journal.append([EngineStopped(ts_event=number, recorded_at=number)])
    guard = sealed(paths)
    guard._secret = SealKey(paths, "sim").read()
    guard.write(journal.head)
    journal.close()
    with sqlite3.connect(paths.journal("sim")) as db:
        db.execute("PRAGMA journal_mode=DELETE")


# --- the tamperer -----------------------------------------------------------------------------------------------


def flip(db: sqlite3.Connection, dice: random.Random) -> None:
    seq = dice.randint(1, ENTRIES)
    column = dice.choice(("payload", "digest"))
    (data,) = db.execute(f"SELECT {column} FROM entries WHERE seq = ?", (seq,)).fetchone()  # noqa: S608 - one of two
    place = dice.randrange(len(data))
    changed = data[:place] + bytes([data[place] ^ (1 << dice.randrange(8))]) + data[place + 1 :]
    db.execute(f"UPDATE entries SET {column} = ? WHERE seq = ?", (changed, seq))  # noqa: S608 - one of two


def shift_time(db: sqlite3.Connection, dice: random.Random) -> None:
    db.execute("UPDATE entries SET recorded_at = recorded_at + 1 WHERE seq = ?", (dice.randint(1, ENTRIES),))


def delete(db: sqlite3.Connection, dice: random.Random) -> None:
    db.execute("DELETE FROM entries WHERE seq = ?", (dice.randint(1, ENTRIES),))


def swap(db: sqlite3.Connection, dice: random.Random) -> None:
    one, two = dice.sample(range(1, ENTRIES + 1), 2)
    for old, new in ((one, -1), (two, one), (-1, two)):
        db.execute("UPDATE entries SET seq = ? WHERE seq = ?", (new, old))


def cut(db: sqlite3.Connection, dice: random.Random) -> None:
    db.execute("DELETE FROM entries WHERE seq > ?", (dice.randint(0, ENTRIES - 1),))


def insert(db: sqlite3.Connection, dice: random.Random) -> None:
    """A made-up entry takes the place of a real one."""
    (other,) = db.execute("SELECT payload FROM entries WHERE seq = ?", (dice.randint(1, ENTRIES // 2),)).fetchone()
    db.execute("UPDATE entries SET payload = ? WHERE seq = ?", (other, dice.randint(ENTRIES // 2 + 1, ENTRIES)))


TAMPERINGS: tuple[Callable[[sqlite3.Connection, random.Random], None], ...] = (
    flip, shift_time, delete, swap, cut, insert,
)  # fmt: skip


def compute_anew(paths: Paths, db: sqlite3.Connection) -> None:
    """The clever one: numbers, digests and the head file are made to fit what is there now."""
    rows = db.execute("SELECT recorded_at, payload FROM entries ORDER BY seq").fetchall()
    db.execute("DELETE FROM entries")
    digest = genesis("sim")
    for seq, (recorded_at, payload) in enumerate(rows, 1):
        digest = seal(digest, seq, recorded_at, payload)
        db.execute(
            "INSERT INTO entries(seq, recorded_at, payload, digest) VALUES (?, ?, ?, ?)",
            (seq, recorded_at, payload, digest),
        )
    HeadFile(paths.journal_head("sim")).create(Head(len(rows), digest.hex()))


def is_noticed(paths: Paths) -> bool:
    try:
        start(paths)
    except (IntegrityError, UnavailableError, ConflictError):
        return True
    return False


@pytest.mark.covers("R30", "R32", "S5")
@pytest.mark.timeout(0 if NIGHT else 60)
async def test_every_edit_is_noticed_cut_tails_too_and_by_whoever_computes_everything_anew(tmp_path: Path) -> None:
    good = tmp_path / "good"
    await signed_home(paths_of(good))
    assert not is_noticed(paths_of(good))
    missed, dice = [], random.Random(5)
    for number in range(EDITS):
        home = tmp_path / "bad"
        shutil.copytree(good, home)
        paths, change = paths_of(home), TAMPERINGS[number % len(TAMPERINGS)]
        is_clever = bool(number // len(TAMPERINGS) % 2)
        with sqlite3.connect(paths.journal("sim")) as db:
            before = db.execute("SELECT * FROM entries ORDER BY seq").fetchall()
            change(db, dice)
            if is_clever:
                compute_anew(paths, db)
            is_changed = db.execute("SELECT * FROM entries ORDER BY seq").fetchall() != before
        db.close()
        if is_changed and not is_noticed(paths):
            missed.append((number, change.__name__, is_clever))
        shutil.rmtree(home)
    assert missed == []


@pytest.mark.covers("R30")
async def test_without_the_signature_the_clever_one_would_pass(tmp_path: Path) -> None:
    """The test sees: chain and head alone do not notice what is computed anew."""
    paths = paths_of(tmp_path)
    await signed_home(paths)
    with sqlite3.connect(paths.journal("sim")) as db:
        cut(db, random.Random(1))
        compute_anew(paths, db)
    db.close()
    journal_of(paths).close()
    with pytest.raises(IntegrityError, match="tail is cut"):
        start(paths)


@pytest.mark.covers("R30")
@pytest.mark.parametrize("place", [0, 1])
async def test_a_changed_signed_head_is_noticed_and_a_single_lost_one_is_made_again(tmp_path: Path, place: int) -> None:
    paths = paths_of(tmp_path)
    await signed_home(paths)
    file = seal_places(paths, "sim")[place]
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b'"seq":24', b'"seq":23'))
    with pytest.raises(IntegrityError, match="was changed"):
        start(paths)
    file.write_bytes(b"")
    with pytest.raises(IntegrityError, match="was changed"):
        start(paths)
    file.unlink()
    start(paths)
    assert file.exists()


@pytest.mark.covers("R30")
async def test_what_is_gone_is_not_taken_for_a_beginning(tmp_path: Path) -> None:
    paths = paths_of(tmp_path)
    await signed_home(paths)
    kept = {file: file.read_bytes() for file in seal_places(paths, "sim")}
    for file in kept:
        file.unlink()
    with pytest.raises(IntegrityError, match="both signed heads are gone"):
        start(paths)
    for file, data in kept.items():
        file.write_bytes(data)
    (paths.state / "keys" / "sim.key").unlink()
    with pytest.raises(IntegrityError, match="the key is gone"):
        start(paths)
    assert start(paths, is_restored=True).problem == "", "a restored journal begins anew"
    start(paths)


async def test_a_key_in_the_keyring_is_not_looked_for_elsewhere(tmp_path: Path) -> None:
    paths, ring = paths_of(tmp_path), MemoryRing()
    key = SealKey(paths, "live", lambda: ring)
    made = key.make()
    assert SealKey(paths, "live", lambda: ring).read() == made
    assert not (paths.state / "keys" / "live.key").exists()
    assert SealKey(paths, "live", lambda: None).read() is None
    guard = HeadSeal("live", SealKey(paths, "live", lambda: None), seal_places(paths, "live"), ManualClock())
    guard.open(0, lambda _: "")
    assert "can not be had: keyring of the system" in guard.problem

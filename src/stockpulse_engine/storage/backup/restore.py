"""Bringing a home back: everything is unpacked and checked beside it before anything is put in place."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from stockpulse_engine.base.files import fsync_dir
from stockpulse_engine.base.paths import Paths, ensure_private
from stockpulse_engine.domain.errors import ConflictError, IntegrityError, UnavailableError
from stockpulse_engine.storage.backup.archive import HISTORY, Manifest, archive_at, problem_of, unpack
from stockpulse_engine.storage.backup.objects import ObjectStore
from stockpulse_engine.storage.backup.tail import apply_tail
from stockpulse_engine.storage.restored import RestoredMark

_ALONE = "Move `objects` of its directory with it, restore another backup, or pass --no-history."


def restore_backup(
    place: Path,
    paths: Paths,
    *,
    replace_existing: bool = False,
    is_rollback: bool = False,
    with_history: bool = True,
    with_tail: bool = True,
) -> Manifest:
    """Unpack a checked backup into an empty home; `place` is an archive, or a directory whose newest is meant.

    Its journals are marked as restored, but not by a rollback, which leaves the history as it is: the engine of a
    backup may have been running, and without the mark the next start would look like one after a kill. Where a tail
    lies beside the archive, the home comes back as it was then; `made_at` of what is returned says so.

    Raises:
        NotFoundError: nothing is there.
        IntegrityError: the backup is damaged or not one of ours; nothing was changed.
        ConflictError: the home already holds worlds or history and `replace_existing` is not set.
    """
    file = archive_at(place)
    _refuse(paths.state / "worlds", replace_existing, "a journal")
    ensure_private(paths.state)
    ensure_private(paths.data)
    with (
        tempfile.TemporaryDirectory(prefix=".restore-", dir=paths.state) as scratch,
        tempfile.TemporaryDirectory(prefix=".restore-", dir=paths.data) as history,
    ):
        manifest = unpack(file, Path(scratch))
        names = [one.name for one in manifest.files]
        if with_tail and not is_rollback:
            made_at, changed = apply_tail(file, Path(scratch), manifest)
            names = list(dict.fromkeys([*names, *changed]))
            manifest = Manifest(manifest.format, made_at, manifest.files, manifest.objects, manifest.lost)
        is_wanted = with_history and not is_rollback and manifest.has_history
        if is_wanted:
            _refuse(paths.history, replace_existing, "market history")
            _gather_history(file, manifest, Path(scratch), Path(history) / "history")
            _set_aside(paths.history, manifest.made_at)
            (Path(history) / "history").replace(paths.history)
            fsync_dir(paths.data)
        _set_aside(paths.state / "worlds", manifest.made_at)
        for name in names:
            if not name.startswith(HISTORY):
                _put_in_place(name, Path(scratch), paths, 0 if is_rollback else manifest.made_at)
    fsync_dir(paths.state)
    return manifest


def _refuse(directory: Path, replace_existing: bool, what: str) -> None:
    if _is_used(directory) and not replace_existing:
        raise ConflictError(f"This home already holds {what}.", fix="Restore into an empty --home, or pass --replace.")


def _is_used(directory: Path) -> bool:
    return directory.exists() and any(directory.iterdir())


def _set_aside(directory: Path, made_at: int) -> None:
    """What is replaced is kept beside, never deleted."""
    if _is_used(directory):
        directory.rename(directory.with_name(f"{directory.name}-before-{made_at}"))
    elif directory.exists():
        directory.rmdir()


def _gather_history(file: Path, manifest: Manifest, scratch: Path, target: Path) -> None:
    """The whole history directory in `target`: from the archive and from the objects, each held against its digest."""
    ensure_private(target)
    for record in manifest.files:
        if record.name.startswith(HISTORY):
            place = target / record.name.removeprefix(HISTORY)
            ensure_private(place.parent)
            shutil.move(scratch / record.name, place)
    store = ObjectStore(file.parent)
    for record in manifest.objects:
        place = target / record.name.removeprefix(HISTORY)
        ensure_private(place.parent)
        try:
            shutil.copyfile(store.path(record.sha256), place)
        except FileNotFoundError:
            raise IntegrityError(f"{file.name}: {record.name} is not beside it.", fix=_ALONE) from None
        except OSError as error:
            raise UnavailableError(f"{place} cannot be written: {error.strerror}.", fix="Free the disk.") from error
        place.chmod(0o600)
        problem = problem_of(place, record)
        if problem:
            raise IntegrityError(f"{file.name}: {record.name} {problem}.", fix=_ALONE)


def _put_in_place(name: str, scratch: Path, paths: Paths, restored_from: int) -> None:
    root, _, inside = name.partition("/")
    destination = {"state": paths.state, "data": paths.data, "config": paths.config}[root] / inside
    ensure_private(destination.parent)
    shutil.move(scratch / name, destination)
    if destination.name == "journal.db" and restored_from:
        RestoredMark(destination.parent).set(restored_from)

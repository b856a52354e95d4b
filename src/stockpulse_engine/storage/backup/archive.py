"""The form of a backup: archive, manifest and index, and reading them with every file held against its digest."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path

import msgspec

from stockpulse_engine.domain.errors import ConflictError, IntegrityError, NotFoundError, UnavailableError

MANIFEST = "manifest.json"
FORMAT = 2
SUFFIX = ".tar.gz"
PATTERN = f"stockpulse-*{SUFFIX}"
HISTORY = "data/history/"
OBJECTS = "objects"
TAIL_SUFFIX = ".tail"
_CHUNK = 1 << 20
_ROOTS = frozenset({"state", "data", "config"})


class FileRecord(msgspec.Struct, frozen=True):
    """One file of a backup: name inside it, size, SHA-256 hex."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds. `objects` lie beside the archive; `lost` could not be copied whole from the home."""

    format: int
    made_at: int
    files: tuple[FileRecord, ...]
    objects: tuple[FileRecord, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def has_history(self) -> bool:
        """Whether market history is part of it."""
        return any(one.name.startswith(HISTORY) for one in (*self.objects, *self.files))


class Index(msgspec.Struct, frozen=True):
    """The manifest again, outside the archive, the archive's own SHA-256, and the digests of each database's pages."""

    manifest: Manifest
    sha256: str
    pages: dict[str, bytes]


def sibling(archive: Path, suffix: str) -> Path:
    """The file of the same backup with another suffix."""
    return archive.with_name(archive.name.removesuffix(SUFFIX) + suffix)


def index_file(archive: Path) -> Path:
    """Where the index of an archive lies."""
    return sibling(archive, ".index")


def read_index(archive: Path) -> Index | None:
    """The index of an archive; None when there is none that can be read."""
    try:
        return msgspec.msgpack.decode(zlib.decompress(index_file(archive).read_bytes()), type=Index)
    except (OSError, zlib.error, msgspec.DecodeError):
        return None


def encode_index(index: Index) -> bytes:
    """The index as it is written."""
    return zlib.compress(msgspec.msgpack.encode(index), 1)


def latest_backup(directory: Path) -> Path:
    """The newest archive of a directory; raises NotFoundError."""
    found = sorted(directory.glob(PATTERN))
    if not found:
        raise NotFoundError(f"There is no backup in {directory}.", fix="`sp backup` writes one.")
    return found[-1]


def archive_at(place: Path) -> Path:
    """The archive at a path: itself, or the newest of a directory; raises NotFoundError."""
    if place.is_dir():
        return latest_backup(place)
    if not place.is_file():
        raise NotFoundError(f"No backup at {place.name}.", fix="Give the path of a file that `sp backup` wrote.")
    return place


def read_manifest(file: Path) -> Manifest:
    """The manifest of an archive, every file inside it checked; raises IntegrityError."""
    with tempfile.TemporaryDirectory(prefix="sp-verify-") as scratch:
        return unpack(file, Path(scratch))


def unpack(file: Path, scratch: Path) -> Manifest:
    """Unpack a whole archive and check it.

    Raises:
        IntegrityError: it is damaged, or none of ours.
        ConflictError: a newer version of StockPulse wrote it.
        UnavailableError: the disk has no room for it.
    """
    try:
        with tarfile.open(file, "r:gz") as archive:
            members = archive.getmembers()
            _require_room(sum(one.size for one in members), scratch)
            archive.extractall(scratch, members=members, filter="data")
    except (tarfile.TarError, zlib.error, OSError, EOFError) as error:
        raise IntegrityError(f"{file.name} is damaged: {type(error).__name__}.", fix="Use another backup.") from error
    manifest = manifest_in(scratch, file)
    for record in manifest.files:
        problem = problem_of(scratch / record.name, record)
        if problem:
            raise IntegrityError(f"{file.name}: {record.name[:120]} {problem}.", fix="Use another backup.")
    return manifest


def unpack_what_can_be(file: Path, scratch: Path) -> str:
    """Unpack file after file up to where the archive is damaged; returns what is wrong there, "" when nothing is."""
    try:
        with tarfile.open(file, "r:gz") as archive:
            for member in archive:
                _require_room(member.size, scratch)
                archive.extract(member, scratch, filter="data")
        with gzip.open(file) as stream:  # a tar ends before its gzip does, and the checksum is at the end
            while stream.read(_CHUNK):
                pass
    except (tarfile.TarError, zlib.error, OSError, EOFError) as error:
        return f"it cannot be unpacked to its end ({type(error).__name__})"
    return ""


def manifest_in(scratch: Path, file: Path) -> Manifest:
    """The manifest of what was unpacked."""
    found = scratch / MANIFEST
    if not found.is_file():
        raise IntegrityError(f"{file.name} holds no manifest: not one of our backups, or cut short.")
    try:
        manifest = msgspec.json.decode(found.read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise IntegrityError(f"{file.name}: its manifest can not be read.") from error
    if manifest.format > FORMAT:
        raise ConflictError(
            f"{file.name} has format {manifest.format}, this version reads up to {FORMAT}.",
            fix="Install the newer StockPulse.",
        )
    for record in (*manifest.files, *manifest.objects):
        if record.name.split("/", 1)[0] not in _ROOTS or ".." in record.name.split("/"):
            raise IntegrityError(f"{file.name}: {record.name[:60]!r} lies outside a home.")
    return manifest


def problem_of(found: Path, record: FileRecord) -> str:
    """What is wrong with a file that should be as recorded; "" when nothing is."""
    if not found.is_file():
        return "is missing"
    size = found.stat().st_size
    if size != record.size:
        return f"has {size} bytes where {record.size} were written"
    return "" if digest_of(found) == record.sha256 else "does not match its checksum"


def digest_of(file: Path) -> str:
    """SHA-256 of a file, hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _require_room(wanted: int, directory: Path) -> None:
    free = shutil.disk_usage(directory).free
    if wanted > free:
        raise UnavailableError(
            f"It unpacks to {wanted:,} bytes and {directory} has room for {free:,}.", fix="Free the disk."
        )

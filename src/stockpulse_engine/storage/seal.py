"""The head of a journal, signed: whoever rewrites journal and head file alike still can not sign what they made.

The chain proves that nothing was changed inside, the head file that nothing is missing at the end; both can be computed
anew by anybody. A signed head can not: its key lies in the keyring of the system (world live, where there is one) or in
a private file that no backup takes along. It is written to two places, every minute and at the stop, and a start
verifies both.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.files import atomic_write, fsync_dir, write_private
from stockpulse_engine.base.paths import Paths, ensure_private
from stockpulse_engine.domain.errors import IntegrityError, StockPulseError
from stockpulse_engine.storage.secrets.systemring import Ring, RingStore, real_ring

KEYS_DIR: Final = "keys"
"""Directory of the keys below the state; backups leave it out."""
_KEY_BYTES: Final = 32
_MAX_BYTES: Final = 4096
_FIX: Final = "Keep all files for evidence; `sp log verify`, then `sp restore` of a backup you trust."


class SealedHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A head and its signature."""

    world: str
    seq: int
    digest: str
    at: int
    mac: str


class SealKey:
    """The key of one world, made once. Where it was put is remembered: it is not looked for elsewhere.

    Args:
        paths: of the home.
        world: whose.
        find_ring: finds the keyring of the system; None keeps the key in the private file.
    """

    def __init__(self, paths: Paths, world: str, find_ring: Callable[[], Ring | None] | None = None) -> None:
        self._name = world.replace(":", "-")
        self._directory = paths.state / KEYS_DIR
        self._file = self._directory / f"{self._name}.key"
        self._mark = self._directory / f"{self._name}.in-keyring"
        self._home = paths.state
        self._find_ring = find_ring or real_ring
        self._may_ask = world == "live" or find_ring is not None

    @property
    def exists(self) -> bool:
        """Whether one was made."""
        return self._file.exists() or self._mark.exists()

    @property
    def place(self) -> str:
        """Where it lies, in words."""
        return "keyring of the system" if self._mark.exists() else f"private file {self._file}"

    def read(self) -> bytes | None:
        """The key; None where it can not be had now, b"" where none was made."""
        if self._mark.exists():
            return self._from_ring()
        try:
            return bytes.fromhex(self._file.read_text(encoding="ascii").strip())
        except FileNotFoundError:
            return b""
        except (OSError, ValueError):
            return None

    def make(self) -> bytes:
        """Make it: in the keyring of the system where one answers, else in the file."""
        key = secrets.token_bytes(_KEY_BYTES)
        ensure_private(self._directory)
        ring = self._find_ring() if self._may_ask else None
        if ring is not None:
            try:
                RingStore(ring, self._home).keep(f"seal {self._name}", key.hex())
            except StockPulseError:
                ring = None
        if ring is not None:
            write_private(self._mark, b"\n")
        else:
            write_private(self._file, key.hex().encode() + b"\n")
        fsync_dir(self._directory)
        return key

    def _from_ring(self) -> bytes | None:
        ring = self._find_ring()
        if ring is None:
            return None
        try:
            return bytes.fromhex(RingStore(ring, self._home).value(f"seal {self._name}")) or None
        except (StockPulseError, ValueError):
            return None


class HeadSeal:
    """Signs heads of one world, and verifies what was signed.

    Args:
        world: whose.
        key: signs.
        places: files of the signed heads, on different directories.
        clock: wall time.
    """

    def __init__(self, world: str, key: SealKey, places: Sequence[Path], clock: Clock) -> None:
        self._world = world
        self._key = key
        self._places = tuple(places)
        self._clock = clock
        self._secret: bytes | None = None
        self.problem = ""
        """Why nothing could be verified or signed, "" when all is well; live money is not armed then."""

    def open(self, last_seq: int, digest_at: Callable[[int], str], *, is_restored: bool = False) -> None:
        """Verify at the start, or begin where nothing was ever signed; a restored journal begins anew.

        Raises:
            IntegrityError: the journal is not the one that was signed, or what signed it is gone.
        """
        self._secret = self._key.read()
        if self._secret is None:
            self.problem = f"the key of the journal's seal can not be had: {self._key.place}"
            return
        found = [_read(place) for place in self._places]
        if self._secret and not is_restored:
            self._verify(self._secret, found, last_seq, digest_at)
        elif any(found) and not is_restored:
            raise IntegrityError("The journal was signed and the key is gone.", fix=_FIX)
        self._secret = self._secret or self._key.make()
        self.write((last_seq, digest_at(last_seq) if last_seq else ""))

    def _verify(
        self, key: bytes, found: Sequence[SealedHead | None], last_seq: int, digest_at: Callable[[int], str]
    ) -> None:
        known = [one for one in found if one is not None]
        if not known:
            raise IntegrityError("The journal was signed and both signed heads are gone.", fix=_FIX)
        for one in known:
            if one.world != self._world or not hmac.compare_digest(_mac(key, one), one.mac):
                raise IntegrityError("A signed head of the journal was changed.", fix=_FIX)
            if one.seq > last_seq:
                raise IntegrityError(
                    f"The journal ends at entry {last_seq}, and entry {one.seq} was signed: its tail is cut.", fix=_FIX
                )
            if one.seq and not hmac.compare_digest(digest_at(one.seq), one.digest):
                raise IntegrityError(f"Entry {one.seq} of the journal is not the one that was signed.", fix=_FIX)

    def write(self, head: tuple[int, str]) -> None:
        """Sign a head and put it in both places; a failure is kept in `problem`, and the next time tried again."""
        if not self._secret:
            return
        bare = SealedHead(self._world, head[0], head[1], self._clock.now_ns(), "")
        data = msgspec.json.encode(msgspec.structs.replace(bare, mac=_mac(self._secret, bare))) + b"\n"
        self.problem = ""
        for place in self._places:
            try:
                ensure_private(place.parent)
                atomic_write(place, data)
            except OSError as error:
                self.problem = f"the signed head could not be written: {error.strerror}"


def seal_places(paths: Paths, world: str) -> tuple[Path, Path]:
    """Where the signed heads of a world lie: beside the head file, and in the directory of settings."""
    name = f"{world.replace(':', '-')}.sealed"
    return paths.data / "heads" / name, paths.config / "witness" / name


def _mac(key: bytes, head: SealedHead) -> str:
    signed = msgspec.json.encode((head.world, head.seq, head.digest, head.at))
    return hmac.digest(key, signed, hashlib.sha256).hex()


def _read(place: Path) -> SealedHead | None:
    """The signed head in a place; None where there is none. One that can not be read has no signature that holds."""
    try:
        with place.open("rb") as file:
            data = file.read(_MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError:
        data = b""
    try:
        return msgspec.json.decode(data, type=SealedHead)
    except msgspec.DecodeError:
        return SealedHead("", 0, "", 0, "")

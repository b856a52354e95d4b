"""One encrypted file: scrypt makes the key from a passphrase, AES-GCM seals what lies in it.

    one line `stockpulse-vault-1`, one line of JSON (the header), the sealed bytes

The header (cost, salt, nonce, a check of the passphrase) is bound to the seal: nothing of it can be changed unseen.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec

from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.domain.errors import ConfigError, ForbiddenError, IntegrityError, InvalidValueError

MAGIC: Final = b"stockpulse-vault-1\n"
MAX_BYTES: Final = 256 * 1024
SHORTEST: Final = 10
"""Letters of the shortest passphrase taken."""
_KEY: Final = 32

Secrets = dict[str, dict[str, str]]
"""Connection → name of the secret → its value."""


class Cost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one guess costs: 128 · n · r bytes of memory and as much work. Bounded, so that no file can ask for more."""

    n: Annotated[int, msgspec.Meta(ge=2**10, le=2**20)] = 2**17
    r: Annotated[int, msgspec.Meta(ge=1, le=16)] = 8
    p: Annotated[int, msgspec.Meta(ge=1, le=4)] = 1


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is needed beside the passphrase."""

    cost: Cost
    salt: str
    nonce: str
    check: str


class WrongPassphraseError(ForbiddenError):
    """The passphrase does not open the file."""

    title = "Locked"

    def __init__(self) -> None:
        super().__init__("The passphrase is wrong.", fix="Type it again; nobody can tell it to you.")


class SealedFile:
    """Reads and writes the file. Nothing of it is ever on the disk in the clear, not even for a moment."""

    def __init__(self, path: Path, cost: Cost | None = None) -> None:
        self.path = path
        self._cost = cost or Cost()

    def exists(self) -> bool:
        """Whether there is one."""
        return os.path.lexists(self.path)

    def read(self, passphrase: str) -> Secrets:
        """Open it.

        Raises:
            WrongPassphraseError: the passphrase is another.
            IntegrityError: the file is damaged.
            ConfigError: others may read it, or it is not there.
        """
        header, line, sealed = self._parts()
        key, check = _keys(passphrase, _bytes(header.salt), header.cost)
        if not hmac.compare_digest(check, _bytes(header.check)):
            raise WrongPassphraseError
        plain = _open(key, _bytes(header.nonce), sealed, MAGIC + line)
        try:
            return msgspec.json.decode(plain, type=Secrets)
        except msgspec.DecodeError:
            raise self._damaged() from None

    def write(self, held: Mapping[str, Mapping[str, str]], passphrase: str) -> None:
        """Seal with a new salt and nonce and replace the file, or leave the old one as it was."""
        if len(passphrase) < SHORTEST:
            raise InvalidValueError(
                f"A passphrase has at least {SHORTEST} letters.",
                fix="Several words are easy to keep and hard to guess.",
            )
        salt, nonce = secrets.token_bytes(32), secrets.token_bytes(12)
        key, check = _keys(passphrase, salt, self._cost)
        line = msgspec.json.encode(Header(self._cost, _text(salt), _text(nonce), _text(check)))
        sealed = _seal(key, nonce, msgspec.json.encode(held), MAGIC + line)
        ensure_private(self.path.parent)
        atomic_write(self.path, MAGIC + line + b"\n" + sealed)

    def _parts(self) -> tuple[Header, bytes, bytes]:
        data = self._bytes_on_disk()
        line, newline, sealed = data.removeprefix(MAGIC).partition(b"\n")
        if not data.startswith(MAGIC) or not newline:
            raise self._damaged()
        try:
            return msgspec.json.decode(line, type=Header), line, sealed
        except msgspec.DecodeError:
            raise self._damaged() from None

    def _bytes_on_disk(self) -> bytes:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be read: {error.strerror}.", fix="See `sp broker add`.") from error
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
                raise ConfigError(f"{self.path} is open to other users.", fix=f"chmod 600 '{self.path}'")
            return file.read(MAX_BYTES)

    def _damaged(self) -> IntegrityError:
        return IntegrityError(
            f"{self.path} is damaged.", fix="Bring it back from a backup, or remove it and run `sp broker add` again."
        )


def _keys(passphrase: str, salt: bytes, cost: Cost) -> tuple[bytes, bytes]:
    """The key, and the check that tells a wrong passphrase from a damaged file."""
    memory = 256 * cost.n * cost.r + 2**20  # twice what it needs: OpenSSL's own limit is lower
    words, cost_of = passphrase.encode(), {"n": cost.n, "r": cost.r, "p": cost.p}
    try:
        made = hashlib.scrypt(words, salt=salt, maxmem=memory, dklen=2 * _KEY, **cost_of)
    except ValueError:  # a cost that is no power of two
        raise IntegrityError("The vault's header is damaged.", fix="Bring it back from a backup.") from None
    return made[:_KEY], hashlib.sha256(b"check" + made[_KEY:]).digest()


def _seal(key: bytes, nonce: bytes, plain: bytes, bound: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key).encrypt(nonce, plain, bound)


def _open(key: bytes, nonce: bytes, sealed: bytes, bound: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(nonce, sealed, bound)
    except (InvalidTag, ValueError):
        raise IntegrityError(
            "The vault's seal does not hold: the file was changed.", fix="Bring it back from a backup."
        ) from None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise IntegrityError("The vault's header is damaged.", fix="Bring it back from a backup.") from None

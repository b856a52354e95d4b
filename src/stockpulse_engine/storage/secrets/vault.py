"""The vault: where credentials lie, opened for one run of a process and forgotten at its end or by `lock`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.nodump import forbid_dumps
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.base.redaction import forget_secret, register_secret
from stockpulse_engine.domain.errors import ForbiddenError, NotFoundError
from stockpulse_engine.storage.secrets.sealed import Cost, SealedFile, Secrets, WrongPassphraseError
from stockpulse_engine.storage.secrets.systemring import Ring, RingStore, real_ring

FREE_TRIES: Final = 3
LONGEST_WAIT_S: Final = 60
_NS: Final = 1_000_000_000


class Brake:
    """Slows guessing: after three wrong passphrases each further one waits twice as long, up to a minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wrong = 0
        self._until = 0

    def check(self) -> None:
        """Raises ForbiddenError while a wait is not over."""
        left = self._until - self._clock.monotonic_ns()
        if left > 0:
            seconds = -(-left // _NS)
            raise ForbiddenError(f"After {self._wrong} wrong passphrases wait {seconds} s.", fix="Then type it again.")

    def wrong(self) -> None:
        """One more was wrong."""
        self._wrong += 1
        if self._wrong >= FREE_TRIES:
            seconds = min(LONGEST_WAIT_S, 2 ** (self._wrong - FREE_TRIES))
            self._until = self._clock.monotonic_ns() + seconds * _NS

    def right(self) -> None:
        """It was right."""
        self._wrong = self._until = 0


class Vault:
    """Secrets of brokers. Where a vault file lies it is used; else the system's keyring; else a file is made.

    Args:
        paths: of the home.
        clock: for the wait after wrong passphrases.
        find_ring: finds the system's keyring.
        cost: of a guess at the passphrase; tests take less.
        harden: done before the first secret comes into memory.
    """

    def __init__(
        self,
        paths: Paths,
        clock: Clock,
        *,
        find_ring: Callable[[], Ring | None] = real_ring,
        cost: Cost | None = None,
        harden: Callable[[], None] = forbid_dumps,
    ) -> None:
        self._file = SealedFile(paths.vault, cost)
        self._home = paths.state
        self._ring = cache(find_ring)  # asking a desktop takes its time
        self._harden = harden
        self._brake = Brake(clock)
        self._held: Secrets = {}

    def __repr__(self) -> str:
        """Names at most: a value never gets into a trace."""
        return f"Vault({sorted(self._held)})"

    @property
    def is_file(self) -> bool:
        """Whether secrets lie (or would lie) in the encrypted file, which needs a passphrase."""
        return self._file.exists() or self._ring() is None

    @property
    def has_file(self) -> bool:
        """Whether the encrypted file is there."""
        return self._file.exists()

    @property
    def place(self) -> str:
        """Where secrets lie, in words."""
        return f"encrypted file {self._file.path}" if self.is_file else "keyring of the system"

    @property
    def unlocked(self) -> tuple[str, ...]:
        """Connections whose secrets this process holds now."""
        return tuple(sorted(self._held))

    def secrets_of(self, name: str) -> Mapping[str, str]:
        """The secrets of an unlocked connection. Raises ForbiddenError while it is locked."""
        if name not in self._held:
            raise ForbiddenError(f"The credentials of {name} are locked.", fix=f"Run `sp broker unlock {name}`.")
        return dict(self._held[name])

    def unlock(self, names: Sequence[str], passphrase: str = "") -> None:
        """Take the secrets of these connections into memory, until `lock` or the end of the process.

        Raises:
            WrongPassphraseError: the file's passphrase is another.
            ForbiddenError: too many wrong ones came before.
            NotFoundError: a connection has no secrets here; nothing was unlocked then.
        """
        self._harden()
        found = self._read_file(passphrase) if self.is_file else {name: self._store().read(name) for name in names}
        missing = [name for name in names if not found.get(name)]
        if missing:
            raise NotFoundError(
                f"There are no credentials of {', '.join(missing)}.",
                fix=f"Give them with `sp broker add {missing[0]}`.",
            )
        for name in names:
            self._hold(name, found[name])

    def check(self, passphrase: str) -> None:
        """Whether the passphrase opens the file; nothing is taken into memory. Raises as `unlock`."""
        self._read_file(passphrase)

    def lock(self, names: Sequence[str] | None = None) -> None:
        """Forget them, all without `names`."""
        for name in self.unlocked if names is None else names:
            for value in self._held.pop(name, {}).values():
                forget_secret(value)

    def put(self, name: str, values: Mapping[str, str], passphrase: str = "", *, in_file: bool = False) -> None:
        """Keep the secrets of a connection. `in_file` makes a file where the system has a keyring too.

        Raises:
            WrongPassphraseError: there is a file, and its passphrase is another.
        """
        self._harden()
        for value in values.values():
            register_secret(value)
        if not (in_file or self.is_file):
            self._store().write(name, dict(values))
            return
        held = self._read_file(passphrase) if self._file.exists() else {}
        self._file.write({**held, name: dict(values)}, passphrase)

    def drop(self, name: str, passphrase: str = "") -> None:
        """Forget the secrets of a connection for good."""
        self.lock([name])
        if not self.is_file:
            self._store().drop(name)
        elif self._file.exists():
            held = self._read_file(passphrase)
            held.pop(name, None)
            self._file.write(held, passphrase)

    def _hold(self, name: str, values: dict[str, str]) -> None:
        for value in values.values():
            register_secret(value)
        self._held[name] = values

    def _read_file(self, passphrase: str) -> Secrets:
        if not self._file.exists():
            return {}
        self._brake.check()
        try:
            held = self._file.read(passphrase)
        except WrongPassphraseError:
            self._brake.wrong()
            raise
        self._brake.right()
        return held

    def _store(self) -> RingStore:
        ring = self._ring()
        if ring is None:
            raise NotFoundError("There is no keyring here.", fix="Run `sp broker add` again: it makes a file.")
        return RingStore(ring, self._home)

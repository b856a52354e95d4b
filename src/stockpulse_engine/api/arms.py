"""Which heads may send by keys, and until when. Held in memory: a restart disarms everybody."""

from __future__ import annotations

from collections.abc import Callable

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.accounts import Account, AccountKind
from stockpulse_engine.domain.errors import ConflictError, ForbiddenError, InvalidValueError
from stockpulse_engine.domain.views import ArmView

PAPER_MINUTES = 30
LIVE_MINUTES = 8 * 60
MAX_ARMS = 256
CLI = "cli"
_MINUTE_NS = 60_000_000_000


def holder_of(head_id: str) -> str:
    """Who is armed: each screen for itself, all commands of the command line as one."""
    return CLI if head_id.startswith(f"{CLI}-") else head_id


class Arms:
    """Armed heads by account. Many may be armed for paper, at most one head for live."""

    def __init__(
        self, clock: Clock, on_change: Callable[[], None], *, is_live: Callable[[str], bool] = lambda _: False
    ) -> None:
        """`is_live` tells whether a live account is armed at the order service: without that no head is."""
        self._clock = clock
        self._on_change = on_change
        self._is_live = is_live
        self._arms: dict[tuple[str, str], tuple[ArmView, AccountKind]] = {}

    def views(self) -> tuple[ArmView, ...]:
        """Who is armed now, the first to end first."""
        self.expire()
        return tuple(sorted((arm for arm, _ in self._arms.values()), key=lambda arm: (arm.until_ns, arm.head_id)))

    def next_end_ns(self) -> int | None:
        """Wall time at which the next one ends."""
        return min((arm.until_ns for arm, _ in self._arms.values()), default=None)

    def arm(self, head_id: str, account: Account, minutes: int) -> ArmView:
        """Let the head send orders for the account by keys for some minutes.

        Raises:
            InvalidValueError: no head id, or more minutes than the account's kind allows.
            ConflictError: another head is armed for live.
        """
        head_id = holder_of(head_id)
        limit = LIVE_MINUTES if account.kind is AccountKind.LIVE else PAPER_MINUTES
        if not head_id:
            raise InvalidValueError("Only a head can be armed.", fix="Send the head's id with the request.")
        if account.kind is AccountKind.LIVE and not self._is_live(account.account_id):
            raise ForbiddenError(
                f"{account.account_id} is LIVE: it takes its amount and the account number's last letters.",
                fix="Use `sp arm` or A on the screen.",
            )
        if not 0 < minutes <= limit:
            raise InvalidValueError(f"{minutes} minutes are not between 1 and {limit}.")
        self.expire()
        if account.kind is AccountKind.LIVE:
            self._refuse_second_live(head_id)
        if len(self._arms) >= MAX_ARMS:
            raise ConflictError(f"{MAX_ARMS} heads are armed already.", fix="Disarm one.")
        view = ArmView(
            head_id=head_id, account_id=account.account_id, until_ns=self._clock.now_ns() + minutes * _MINUTE_NS
        )
        self._arms[head_id, account.account_id] = (view, account.kind)
        self._on_change()
        return view

    def disarm(self, head_id: str, account_id: str) -> None:
        """Take the head's arming away; nothing happens when it had none."""
        if self._arms.pop((holder_of(head_id), account_id), None) is not None:
            self._on_change()

    def disarm_account(self, account_id: str) -> None:
        """Take every head's arming for an account away, for all with ""."""
        gone = [key for key in self._arms if account_id in ("", key[1])]
        for key in gone:
            del self._arms[key]
        if gone:
            self._on_change()

    def disarm_all(self) -> None:
        """Take every arming away: after a halt a person decides again."""
        if self._arms:
            self._arms.clear()
            self._on_change()

    def is_armed(self, head_id: str, account_id: str) -> bool:
        """Whether the head may send for the account now."""
        self.expire()
        return (holder_of(head_id), account_id) in self._arms

    def refuse_second_live(self, head_id: str) -> None:
        """Raises ConflictError while another head is armed for live."""
        self.expire()
        self._refuse_second_live(holder_of(head_id))

    def require(self, head_id: str, account: Account) -> None:
        """Let an order for real money pass only from an armed head; paper needs no arming here.

        Raises:
            ForbiddenError: the account is live and this head is not armed for it.
        """
        if account.kind is AccountKind.LIVE and not self.is_armed(head_id, account.account_id):
            raise ForbiddenError(f"This head is not armed for {account.account_id}.", fix="Arm it, then send again.")

    def expire(self) -> bool:
        """Forget arms whose time is over; whether there were any."""
        now = self._clock.now_ns()
        over = [key for key, (arm, kind) in self._arms.items() if arm.until_ns <= now or self._is_ended(key[1], kind)]
        for key in over:
            del self._arms[key]
        if over:
            self._on_change()
        return bool(over)

    def _is_ended(self, account_id: str, kind: AccountKind) -> bool:
        return kind is AccountKind.LIVE and not self._is_live(account_id)

    def _refuse_second_live(self, head_id: str) -> None:
        for arm, kind in self._arms.values():
            if kind is AccountKind.LIVE and arm.head_id != head_id:
                raise ConflictError(f"Head {arm.head_id} is armed for live.", fix="Disarm it there first.")

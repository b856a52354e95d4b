"""What an account may be called and hold when it is opened: its id goes into files, sentences and the venue's store."""

from __future__ import annotations

import re
from typing import Final

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.accounts import Account, AccountKind
from stockpulse_engine.domain.brokers import PAPER_BROKER
from stockpulse_engine.domain.errors import ConflictError, InvalidValueError

ID_PATTERN: Final = "^[A-Za-z][A-Za-z0-9-]{0,19}$"
ID_WORDS: Final = "1 to 20 letters, digits and -, a letter first"
CURRENCY_PATTERN: Final = "^[A-Z]{3}$"
CURRENCY_WORDS: Final = "three capital letters, as USD"
MAX_ACCOUNTS: Final = 64


def require_sound(account: Account, count: int) -> None:
    """Refuse an account that can not be right; `count` are open already.

    Raises:
        InvalidValueError: id, currency or cash.
        ConflictError: no more accounts fit.
    """
    if not re.fullmatch(ID_PATTERN, account.account_id):
        raise InvalidValueError(f"{clean_line(account.account_id, 40)!r} is no account id.", fix=f"Use {ID_WORDS}.")
    if not re.fullmatch(CURRENCY_PATTERN, account.currency):
        raise InvalidValueError(f"{clean_line(account.currency, 12)!r} is no currency.", fix=f"Use {CURRENCY_WORDS}.")
    if not account.initial_cash.is_finite() or account.initial_cash < 0:
        raise InvalidValueError("initial_cash must be 0 or more.", fix="Give an amount like 100000.")
    if account.broker == PAPER_BROKER and account.kind is not AccountKind.PAPER:
        raise InvalidValueError("The paper venue holds no real money.", fix="Name the broker that does.")
    if count >= MAX_ACCOUNTS:
        raise ConflictError(f"{MAX_ACCOUNTS} accounts are open already.", fix="Use one of them.")

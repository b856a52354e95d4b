"""Everything the ledger knows of one trading account: balances, holdings, and which facts were already posted."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.errors import InvariantError
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.positions import Position
from stockpulse_engine.portfolio.entries import Book, Posting
from stockpulse_engine.portfolio.holding import Booked, Holding, HoldingState

MAX_SESSIONS = 60
"""Trading sessions whose base is kept, so that a day can be reviewed afterwards."""


class SessionBase(msgspec.Struct, frozen=True, kw_only=True):
    """Where the account stood when its trading session began: the base of day P&L.

    Attributes:
        results: instrument id → realized + unrealized P&L at the session's marks; None where a held
            instrument had no mark then, so that its day P&L is unknown rather than wrong.
        marks: instrument id → price used.
        deposits: net deposits up to then.
    """

    session_date: str
    ts_event: int
    equity: Decimal
    deposits: Decimal
    realized: Decimal
    fees: Decimal
    marks: dict[str, Decimal]
    results: dict[str, Decimal | None]


class ReconciledBase(msgspec.Struct, frozen=True, kw_only=True):
    """Outcome of the last comparison with the venue. `clean_at` is the market time of the last clean one."""

    clean_at: int = 0
    differences: tuple[str, ...] = ()


class Suspended(msgspec.Struct, frozen=True, array_like=True):
    """A difference to the broker: so much more it shows, of an instrument or ("") in cash."""

    instrument_id: str
    amount: Decimal


class AccountBook:
    """Balances of one account in its currency; changed only by the ledger."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.version = 0
        """Goes up with every event that may change it: what was derived at one version holds until the next."""
        self.balances: dict[Book, Decimal] = dict.fromkeys(Book, ZERO)
        self.holdings: dict[str, Holding] = {}
        self.booked: dict[str, Booked] = {}
        """Execution id → the fill as it stands; a corrected fill is found under all its ids."""
        self.busted: set[str] = set()
        """Execution ids the venue took back, also those whose fill never came."""
        self.movements: set[str] = set()
        self.actions: set[str] = set()
        """Corporate actions that were posted."""
        self.renamed: dict[str, str] = {}
        """What a holding was called → what it is called now."""
        self.is_adopted = False
        """Whether it was taken over from a broker with what it held."""
        self.suspense: dict[str, Suspended] = {}
        """Differences to the broker's figures that are open, or known and left standing."""
        self.explained: set[str] = set()
        """Ids of those that came to an end."""
        self.sessions: dict[str, SessionBase] = {}
        """Session date → its base, oldest first, at most MAX_SESSIONS."""
        self.reconciled = ReconciledBase()

    @property
    def session(self) -> SessionBase | None:
        """The base of the newest session; None before the first."""
        return next(reversed(self.sessions.values()), None)

    def next_session(self, session_date: str) -> SessionBase | None:
        """The base of the session after `session_date`; None when that one is the newest."""
        dates = list(self.sessions)
        after = dates[dates.index(session_date) + 1 :]
        return self.sessions[after[0]] if after else None

    def begin_session(self, base: SessionBase) -> None:
        """Remember where a session began; the first statement for a date stands."""
        if base.session_date not in self.sessions:
            self.sessions[base.session_date] = base
            while len(self.sessions) > MAX_SESSIONS:
                del self.sessions[next(iter(self.sessions))]

    @property
    def cash(self) -> Decimal:
        """Money in the account; negative is borrowed."""
        return self.balances[Book.CASH]

    @property
    def cost(self) -> Decimal:
        """Signed cost basis of everything held, as posted."""
        return self.balances[Book.SECURITIES]

    @property
    def realized(self) -> Decimal:
        """Realized P&L before fees; positive is a gain."""
        return -self.balances[Book.REALIZED]

    @property
    def fees(self) -> Decimal:
        """Fees paid; positive is a cost."""
        return self.balances[Book.FEES]

    @property
    def income(self) -> Decimal:
        """Dividends received; negative is paid."""
        return -self.balances[Book.INCOME]

    @property
    def tax(self) -> Decimal:
        """What was withheld from them at the source."""
        return self.balances[Book.TAX]

    @property
    def deposits(self) -> Decimal:
        """What came in less what went out without being earned: money, holdings taken over, accepted differences."""
        balances = self.balances
        return -(balances[Book.DEPOSITS] + balances[Book.ADOPTED] + balances[Book.SUSPENSE])

    @property
    def rounding(self) -> Decimal:
        """What rounding to 1e-8 has left over so far."""
        return self.balances[Book.ROUNDING]

    def post(self, postings: tuple[Posting, ...]) -> None:
        """Add the legs to the balances and assert that the books still balance (L1, L2)."""
        balances = self.balances
        for posting in postings:
            balances[posting.book] += posting.amount
        if sum(balances.values()) != 0:
            raise InvariantError(f"L2: the books of {self.account.account_id} do not balance.")

    def holding(self, instrument_id: str) -> Holding:
        """The holding of an instrument, made when first needed."""
        instrument_id = self.renamed.get(instrument_id, instrument_id)
        holding = self.holdings.get(instrument_id)
        if holding is None:
            holding = self.holdings[instrument_id] = Holding(instrument_id, self.account.lot_method)
        return holding

    def rename(self, old_id: str, new_id: str) -> Holding | None:
        """Let a holding go on under another id; None, and nothing done, where that one was traded here itself."""
        holding = self.holdings.get(old_id)
        if holding is None or new_id in self.holdings:
            return None
        holding.instrument_id = new_id
        self.holdings[new_id] = self.holdings.pop(old_id)
        for older in [key for key, name in self.renamed.items() if name == old_id]:
            self.renamed[older] = new_id
        self.renamed[old_id] = new_id
        return holding

    def quantity(self, instrument_id: str) -> Decimal:
        """Signed quantity held; zero when never traded."""
        instrument_id = self.renamed.get(instrument_id, instrument_id)
        holding = self.holdings.get(instrument_id)
        return holding.lots.quantity if holding is not None else ZERO

    def position(self, holding: Holding) -> Position:
        """The holding as a domain value."""
        lots = holding.lots
        return Position(
            account_id=self.account.account_id,
            instrument_id=holding.instrument_id,
            quantity=lots.quantity,
            cost=lots.cost,
            realized=holding.posted[1],
            fees=holding.fees,
            opened_at=lots.opened_at,
        )

    def dump(self) -> AccountBookState:
        """The whole state as a value."""
        return AccountBookState(
            account=self.account,
            balances={book.value: amount for book, amount in self.balances.items()},
            holdings=tuple(holding.dump() for holding in self.holdings.values()),
            aliases=tuple(
                sorted((key, booked.fill.fill_id) for key, booked in self.booked.items() if key != booked.fill.fill_id)
            ),
            busted=tuple(sorted(self.busted)),
            movements=tuple(sorted(self.movements)),
            actions=tuple(sorted(self.actions)),
            renamed=dict(self.renamed),
            is_adopted=self.is_adopted,
            suspense=dict(self.suspense),
            explained=tuple(sorted(self.explained)),
            sessions=tuple(self.sessions.values()),
            reconciled=self.reconciled,
        )

    @classmethod
    def load(cls, state: AccountBookState) -> AccountBook:
        """The inverse of `dump`."""
        book = cls(state.account)
        book.balances |= {Book(name): amount for name, amount in state.balances.items()}
        for dumped in state.holdings:
            holding = book.holdings[dumped.instrument_id] = Holding.load(dumped, state.account.lot_method)
            fills = (step for step in holding.history if isinstance(step, Booked))
            book.booked.update((booked.fill.fill_id, booked) for booked in fills)
        for alias, fill_id in state.aliases:
            book.booked[alias] = book.booked[fill_id]
        book.busted, book.movements = set(state.busted), set(state.movements)
        book.actions = set(state.actions)
        book.renamed = dict(state.renamed)
        book.is_adopted, book.suspense = state.is_adopted, dict(state.suspense)
        book.explained = set(state.explained)
        book.sessions = {base.session_date: base for base in state.sessions}
        book.reconciled = state.reconciled
        return book


class AccountBookState(msgspec.Struct, frozen=True, kw_only=True):
    """An AccountBook as a value, for snapshots."""

    account: Account
    balances: dict[str, Decimal]
    holdings: tuple[HoldingState, ...]
    aliases: tuple[tuple[str, str], ...]
    busted: tuple[str, ...]
    movements: tuple[str, ...]
    sessions: tuple[SessionBase, ...]
    reconciled: ReconciledBase
    actions: tuple[str, ...] = ()
    renamed: dict[str, str] = {}
    is_adopted: bool = False
    suspense: dict[str, Suspended] = {}
    explained: tuple[str, ...] = ()

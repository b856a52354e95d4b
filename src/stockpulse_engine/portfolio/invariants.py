"""The ledger's invariants by name: run after every step in tests, and the cheap ones live after every event.

Each check raises InvariantError with its name in front; whoever runs them live halts trading on one. L8 (what a split
keeps) is asserted by tests over splits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from stockpulse_engine.domain.errors import InvariantError
from stockpulse_engine.domain.events import Event
from stockpulse_engine.domain.money import MINOR_UNIT, ZERO, to_minor
from stockpulse_engine.portfolio.account_book import AccountBook
from stockpulse_engine.portfolio.entries import Entry, EntryKind, negated, require_balanced
from stockpulse_engine.portfolio.holding import Booked, Holding
from stockpulse_engine.portfolio.ledger import Ledger, LedgerSnapshot
from stockpulse_engine.portfolio.reservations import Claim, in_flight
from stockpulse_engine.portfolio.valuation import Balances, Valued


def check_entries(entries: Sequence[Entry]) -> None:
    """L1: entries balance, are numbered without a gap, and a reversal negates the older entry it names."""
    by_id: dict[int, Entry] = {}
    previous = entries[0].entry_id - 1 if entries else 0
    for entry in entries:
        require_balanced(entry)
        _hold(entry.entry_id == previous + 1, f"L1: entry {entry.entry_id} follows {previous}.")
        previous = entry.entry_id
        _hold(
            (entry.kind is EntryKind.REVERSAL) == bool(entry.reverses), f"L1: entry {entry.entry_id} reverses wrongly."
        )
        old = by_id.get(entry.reverses)
        if old is not None:
            _hold(
                entry.postings == negated(old.postings), f"L1: entry {entry.entry_id} does not negate {old.entry_id}."
            )
        by_id[entry.entry_id] = entry


def check_cash(book: AccountBook) -> None:
    """L2: cash + cost of positions = net deposits + realized P&L + dividends - tax - fees, up to rounding."""
    left = book.cash + book.cost
    right = book.deposits + book.realized + book.income - book.tax - book.fees - book.rounding
    _hold(left == right, f"L2: {book.account.account_id} holds {left}, its sources give {right}.")


def check_equity(balances: Balances, valued: Iterable[Valued]) -> None:
    """L3: equity = cash + market value, unrealized = market value - cost, nothing stored."""
    held = [item for item in valued if item.position.quantity]
    market_value = sum((item.value for item in held), ZERO)
    cost = sum((item.position.cost for item in held), ZERO)
    _hold(balances.equity == balances.cash + market_value, f"L3: equity {balances.equity}.")
    _hold(balances.unrealized == market_value - cost, f"L3: unrealized {balances.unrealized}.")


def check_position(holding: Holding) -> None:
    """L4: quantity = sum of the signed fills that stand, splits applied = sum of open lots."""
    fills = holding.stated
    lots = sum((lot.quantity for lot in holding.lots), ZERO)
    name = holding.instrument_id
    _hold(
        fills == lots == holding.lots.quantity, f"L4: {name} fills {fills}, lots {lots}, held {holding.lots.quantity}."
    )


def check_lots(holding: Holding) -> None:
    """L5: every lot has the position's sign and something left; lot costs add up to the position's."""
    cost = ZERO
    for lot in holding.lots:
        _hold(lot.quantity * holding.lots.quantity > 0, f"L5: lot {lot.lot_id} has {lot.quantity}.")
        cost += lot.cost
    _hold(cost == holding.lots.cost, f"L5: {holding.instrument_id} lots cost {cost}, position {holding.lots.cost}.")
    _hold(to_minor(cost) == holding.posted[0], f"L5: {holding.instrument_id} posted {holding.posted[0]} for {cost}.")


def check_once(book: AccountBook) -> None:
    """L6: each execution stands at most once, and none that was busted stands."""
    steps = [step for holding in book.holdings.values() for step in holding.history]
    standing = [step.reference for step in steps if isinstance(step, Booked)]
    _hold(len(standing) == len(set(standing)), f"L6: an execution of {book.account.account_id} stands twice.")
    _hold(book.busted.isdisjoint(standing), f"L6: a busted execution of {book.account.account_id} stands.")
    _hold(all(key in book.booked for key in standing), f"L6: {book.account.account_id} forgot an execution.")


def check_rounding(book: AccountBook) -> None:
    """L7: rounding is bounded by one minor unit per fill (the closing of a position may still owe one)."""
    fills = sum(len(holding.history) for holding in book.holdings.values())
    _hold(abs(book.rounding) <= fills * MINOR_UNIT, f"L7: rounding {book.rounding} over {fills} fills.")


def check_reserved(balances: Balances) -> None:
    """L9: what is reserved for open orders is never negative."""
    _hold(balances.reserved >= 0 and balances.pending >= 0, f"L9: reserved {balances.reserved}.")


def check_reducing(claims: Iterable[Claim], held: Decimal) -> None:
    """L10: what is in flight to reduce one position is no larger than the position."""
    sign = -1 if held > 0 else 1
    working = in_flight([claim for claim in claims if claim.is_closing], sign)
    _hold(working <= abs(held), f"L10: {working} are reducing a position of {held}.")


def check_finite(ledger: Ledger) -> None:
    """L11: no float and no NaN in any row."""
    for value in _numbers(msgspec.to_builtins(ledger.snapshot(), builtin_types=(Decimal,))):
        _hold(isinstance(value, Decimal) and value.is_finite(), f"L11: {value!r} is not an exact number.")


def check_broker(book: AccountBook, positions: Mapping[str, Decimal], cash: Decimal | None = None) -> None:
    """L14: what we hold and what is in suspense is what the broker showed when it was last compared."""
    expected = {key: holding.lots.quantity for key, holding in book.holdings.items()} | {"": book.cash}
    for one in book.suspense.values():
        expected[one.instrument_id] = expected.get(one.instrument_id, ZERO) + one.amount
    shown = dict(positions) | {"": expected[""] if cash is None else cash}
    for key in sorted({*expected, *shown}):
        ours, theirs = expected.get(key, ZERO), shown.get(key, ZERO)
        _hold(ours == theirs, f"L14: {book.account.account_id} {key or 'cash'}: {ours} here, {theirs} at the broker.")


def _numbers(value: object) -> Iterator[object]:
    """Every decimal or float inside plain containers."""
    if isinstance(value, Decimal | float):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _numbers(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers(item)


def state_bytes(ledger: Ledger) -> bytes:
    """The whole state in one canonical form; equal bytes are equal states (L12, L13)."""
    return msgspec.json.encode(ledger.snapshot(), order="sorted")


def check_replay(ledger: Ledger, events: Iterable[Event]) -> None:
    """L12: folding the same events again gives the live state, byte for byte."""
    again = Ledger()
    for event in events:
        again.apply(event)
    _hold(state_bytes(again) == state_bytes(ledger), "L12: a replay differs from the live state.")


def check_snapshot(ledger: Ledger, snapshot: bytes, tail: Iterable[Event]) -> None:
    """L13: an older snapshot (`state_bytes`) and the events since give the live state."""
    again = Ledger.restore(snapshot_from(snapshot))
    for event in tail:
        again.apply(event)
    _hold(state_bytes(again) == state_bytes(ledger), "L13: snapshot and tail differ from the live state.")


def snapshot_from(data: bytes) -> LedgerSnapshot:
    """The inverse of `state_bytes`, up to the ledger around it."""
    return msgspec.json.decode(data, type=LedgerSnapshot)


HOLDING_CHECKS: tuple[Callable[[Holding], None], ...] = (check_position, check_lots)
ACCOUNT_CHECKS: tuple[Callable[[AccountBook], None], ...] = (check_cash, check_once, check_rounding)


def check_all(ledger: Ledger) -> None:
    """Every invariant that needs only the ledger: L1, L2, L4 - L7, L11."""
    check_entries(ledger.entries)
    for account_id in ledger.account_ids:
        book = ledger.book(account_id)
        for check in ACCOUNT_CHECKS:
            check(book)
        for holding in book.holdings.values():
            for check_one in HOLDING_CHECKS:
                check_one(holding)
    check_finite(ledger)


def check_live(ledger: Ledger, account_id: str, instrument_id: str = "") -> None:
    """The cheap ones, for after every event: L2 of the account, L5 of the instrument that moved."""
    book = ledger.book(account_id)
    check_cash(book)
    holding = book.holdings.get(instrument_id)
    if holding is not None:
        check_lots(holding)


def _hold(holds: bool, message: str) -> None:
    if not holds:
        raise InvariantError(message)

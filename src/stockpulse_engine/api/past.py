"""What the API needs to answer `at=`, and the parts of a moment's books that its routes give out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Annotated, Final, Protocol

from litestar.params import QueryParameter

from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.market import Bar, BarSpec
from stockpulse_engine.domain.orders import Order, OrderStatus
from stockpulse_engine.domain.past import KnownQuote, Moment, PastBooks, PastView
from stockpulse_engine.domain.views import AccountView, Explanation, LotView, OrderLife, PortfolioView, StudyView

At = Annotated[
    str,
    QueryParameter(
        name="at",
        max_length=64,
        description="As it was known at a moment of the past: `2013-10-07 11:32`, `-5m`, `yesterday close`, or UTC "
        "nanoseconds. Without a zone it is the exchange's own time.",
    ),
]
"""The parameter of every route that can look back; "" is now."""


class PastPort(Protocol):
    """Reads of a moment of this world's past: nothing that could be known only later is in any answer."""

    def moment(self, text: str) -> Moment:
        """The moment meant; InvalidValueError for none, or one that lies ahead."""
        ...

    async def view(self, at_ns: int) -> PastView:
        """Everything a head shows of a moment, or how far it is: ask again while it is not ready."""
        ...

    async def books(self, at_ns: int) -> PastBooks:
        """Orders, money and holdings; UnavailableError while a long journal is still being read."""
        ...

    async def quotes(self, names: Sequence[str], at_ns: int) -> tuple[KnownQuote, ...]:
        """What was known of each instrument's price, and where nothing is held, that."""
        ...

    async def bars(
        self, instrument_id: str, spec: BarSpec, *, limit: int, at_ns: int, end_ns: int | None = None
    ) -> Sequence[Bar]:
        """Bars known then, the open one as it stood."""
        ...

    async def study(self, instrument_id: str, spec: BarSpec, text: str, *, limit: int, at_ns: int) -> StudyView:
        """A study over those bars and nothing else."""
        ...

    async def explain(self, name: str, instrument_id: str, at_ns: int) -> Explanation:
        """How a market cell of that moment is made."""
        ...

    async def life(self, client_order_id: str, at_ns: int) -> OrderLife:
        """What the journal knew of an order by then; NotFoundError for one made later."""
        ...


_SCOPES: Final[dict[str, Callable[[Order, int], bool]]] = {
    "working": lambda order, _: order.status.is_working,
    "unknown": lambda order, _: order.is_unknown,
    "staged": lambda order, _: order.status is OrderStatus.INITIALIZED,
    "history": lambda order, _: order.status.is_terminal,
    "today": lambda order, start: order.updated_at >= start or order.is_open or order.status is OrderStatus.INITIALIZED,
    "all": lambda *_: True,
}


def account_then(books: PastBooks, account_id: str) -> AccountView:
    """Balances of an account, of the first one opened for "".

    Raises:
        NotFoundError: it was not open then.
    """
    found = next((one for one in books.accounts if account_id in ("", one.account.account_id)), None)
    if found is None:
        raise NotFoundError(
            f"The account {account_id} was not open then." if account_id else "No account was open then.",
            fix="Ask for a later moment, or leave `at` out.",
        )
    return found


def portfolio_then(books: PastBooks, account_id: str) -> PortfolioView:
    """Account, positions and equity curve; raises like `account_then`."""
    account = account_then(books, account_id)
    name = account.account.account_id
    positions = tuple(one for one in books.positions if one.account_id == name)
    return PortfolioView(account=account, positions=positions, curve=books.curves.get(name, ()))


def lots_then(books: PastBooks, account_id: str, instrument_id: str) -> list[LotView]:
    """Open lots in the order FIFO would have closed them; raises like `account_then`."""
    name = account_then(books, account_id).account.account_id
    return [one for one in books.lots if one.lot.account_id == name and instrument_id in ("", one.lot.instrument_id)]


def orders_then(books: PastBooks, scope: str, account_id: str, limit: int) -> list[Order]:
    """Orders of a scope as they stood, newest first."""
    is_in = _SCOPES[scope]
    found = (
        one for one in books.orders if account_id in ("", one.terms.account_id) and is_in(one, books.session_start)
    )
    return list(islice(found, limit))


def order_then(books: PastBooks, text: str) -> Order:
    """One order by its id or the beginning of it.

    Raises:
        NotFoundError: none of that name was made by then.
    """
    found = [one for one in books.orders if one.client_order_id.startswith(text)] if text else []
    exact = next((one for one in found if one.client_order_id == text), None)
    if exact is None and len(found) != 1:
        raise NotFoundError(f"There was no order {text[:40]!r} then.", fix="See `sp orders --at …`.")
    return exact or found[0]


def fills_then(books: PastBooks, account_id: str, client_order_id: str, limit: int) -> list[Fill]:
    """Executions known by then, newest first."""
    found = (
        one
        for one in books.fills
        if account_id in ("", one.account_id) and client_order_id in ("", one.client_order_id)
    )
    return list(islice(found, limit))

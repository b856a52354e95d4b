"""The request as handlers see it: who asks, what the engine offers, and a body that came through the guard."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from stockpulse_engine.api.arms import Arms
from stockpulse_engine.api.ports import EngineServices
from stockpulse_engine.api.replays import Replays
from stockpulse_engine.api.roles import Caller, caller_of, require
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.past import PastBooks
from stockpulse_engine.wire import codec

_KEY = re.compile(r"[A-Za-z0-9._:-]{1,64}")
MAX_NAMED = 8
"""Accounts an error names."""
_KEY_FIELDS = ("request_id", "client_order_id")


@dataclass(frozen=True)
class Offer:
    """What the handlers translate to; one per application."""

    services: EngineServices
    arms: Arms
    replays: Replays


class EngineRequest(Request[Any, Any, Any]):
    """A request whose body was decoded by the wire's own guarded decoder."""

    @property
    def offer(self) -> Offer:
        """The engine behind the API."""
        found: Offer = self.app.state.offer
        return found

    @property
    def services(self) -> EngineServices:
        """The engine's ports."""
        return self.offer.services

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return caller_of(self.scope)

    def known_account(self, account_id: str) -> str:
        """`account_id`, which is open or "" for the default one.

        Raises:
            NotFoundError: no such account; names the nearest one, or those that are open.
        """
        known = self.services.portfolio.account_ids()
        if not account_id or not known or account_id in known:
            return account_id
        raise _no_such_account(clean_line(account_id, 64), known)

    async def held_id(self, text: str) -> str:
        """What may be looked back on: traded here, or held in history.

        Raises:
            InvalidValueError: a provider's own symbol; nobody keeps what it said.
        """
        if ":" in text:
            raise InvalidValueError(
                f"Nothing is kept of {clean_line(text, 32)}.",
                fix="Name what trades here or is held: see `sp coverage`.",
            )
        return await self.services.market.chart_id(text)

    def moment(self, text: str) -> int:
        """The moment that `at` names; InvalidValueError for none."""
        return self.services.past.moment(text).at_ns

    async def past_books(self, text: str) -> PastBooks:
        """The books of the moment that `at` names."""
        return await self.services.past.books(self.moment(text))

    async def json(self) -> Any:
        """The body as the type the handler wants."""
        field = self.route_handler.parsed_data_field
        if field is None:
            raise InvalidValueError("This route takes no body.")
        return require_key(codec.decode(await self.body(), field.annotation))


def _no_such_account(name: str, known: Sequence[str]) -> NotFoundError:
    from difflib import get_close_matches  # only a mistyped name pays for it

    folded = {one.casefold(): one for one in known}
    near = get_close_matches(name.casefold(), folded, n=1)
    hint = f"Did you mean {folded[near[0]]}?" if near else f"Open accounts: {', '.join(known[:MAX_NAMED])}."
    return NotFoundError(f"There is no account {name!r}.", fix=hint)


def require_key(body: Any) -> Any:
    """Return `body` if its idempotency key is well formed (R07).

    Raises:
        InvalidValueError: the key is empty, too long, or has other characters.
    """
    for name in _KEY_FIELDS:
        key = getattr(body, name, None)
        if key is not None and not _KEY.fullmatch(key):
            raise InvalidValueError(
                f"{name} must be 1 to 64 letters, digits or . _ : -", fix=f"Mint one {name} per intent."
            )
    return body


def check_role(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Litestar's guard for every route: only what `allow` opened is open."""
    require(caller_of(connection.scope), handler.fn)

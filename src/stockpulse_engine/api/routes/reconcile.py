"""Our figures against the brokers': how they stand, compare now, say which is right, take an account over."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromQuery, JSONBody

from stockpulse_engine.api.auth import Role
from stockpulse_engine.api.requests import EngineRequest
from stockpulse_engine.api.roles import allow
from stockpulse_engine.domain.accounts import Account, AccountType
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.events import SuspenseEnd
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.views import AccountView, ReconcileView
from stockpulse_engine.wire.rest import AdoptAccount, ExplainSuspense, ReconcileNow

_HOW = {"accept": SuspenseEnd.ACCEPT, "ignore": SuspenseEnd.IGNORE}


@get("/v1/reconcile")
@allow(Role.VIEWER)
async def get_reconciliation(request: EngineRequest, account: FromQuery[str] = "") -> list[ReconcileView]:
    """How the last comparison of one account, or of all, stands: ours, theirs, and what is in suspense."""
    return list(request.services.trading.comparing.views(request.known_account(account) if account else ""))


@post("/v1/reconcile", status_code=200)
@allow(Role.TRADER, mutates=True)
async def reconcile_now(request: EngineRequest, data: JSONBody[ReconcileNow]) -> list[ReconcileView]:
    """Compare with the broker now; what cannot be compared says why."""
    # Never from memory: whoever asks wants to know how it is now, and comparing twice posts nothing new.
    account_id = request.known_account(data.account_id) if data.account_id else ""
    return list(await request.services.trading.comparing.run(account_id))


@post("/v1/reconcile/explain", status_code=200)
@allow(Role.TRADER, mutates=True)
async def explain_suspense(request: EngineRequest, data: JSONBody[ExplainSuspense]) -> list[ReconcileView]:
    """Say which side of a difference is right: `accept` the broker's figure (word ACCEPT) or `ignore` it (IGNORE)."""
    how = _HOW.get(data.how)
    if how is None:
        raise InvalidValueError(f"{data.how[:24]!r} is no answer.", fix="Use accept or ignore.")

    async def act() -> list[ReconcileView]:
        explained = await request.services.trading.comparing.explain(
            data.suspense_id, how, reason=data.reason, word=data.word, price=data.price, actor=request.caller.actor
        )
        return list(explained)

    return await request.offer.replays.once("explain", data.request_id, data, act)


@post("/v1/accounts/adopt", status_code=201)
@allow(Role.ADMIN, mutates=True)
async def adopt_account(request: EngineRequest, data: JSONBody[AdoptAccount]) -> AccountView:
    """Open an account that exists at a broker already, with the cash and the holdings it has there."""
    types = {one.value: one for one in AccountType}
    if data.account_type not in types:
        raise InvalidValueError(f"{data.account_type[:24]!r} is no account type.", fix=f"Use {', '.join(types)}.")
    found = next((one for one in await request.services.brokers.views() if one.name == data.broker), None)
    if found is None:
        raise NotFoundError(f"There is no connection {data.broker[:40]!r}.", fix="See `sp broker list`.")
    account = Account(
        account_id=data.account_id,
        kind=found.mode,
        account_type=types[data.account_type],
        currency=data.currency,
        initial_cash=ZERO,
        broker=found.name,
    )

    async def act() -> AccountView:
        return await request.services.trading.adopt(account, None, request.caller.actor)

    return await request.offer.replays.once("adopt", data.request_id, data, act)


HANDLERS = (get_reconciliation, reconcile_now, explain_suspense, adopt_account)

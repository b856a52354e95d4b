"""Accounts, positions, lots, the day's review, arming, and the trading state."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromQuery, JSONBody

from stockpulse_engine.api.auth import Role
from stockpulse_engine.api.past import At, account_then, lots_then, portfolio_then
from stockpulse_engine.api.requests import EngineRequest
from stockpulse_engine.api.roles import allow
from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType, LotMethod
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.views import (
    AccountView,
    ArmView,
    DayReview,
    HaltView,
    LotView,
    PortfolioView,
    PositionView,
)
from stockpulse_engine.wire.rest import ArmRequest, HaltRequest, OpenAccount

HALT_ACTIONS = ("halt", "reduce", "flatten", "resume")


@get("/v1/positions")
@allow(Role.VIEWER)
async def get_positions(request: EngineRequest, account: FromQuery[str] = "", at: At = "") -> list[PositionView]:
    """Open positions at the marks, largest first."""
    if at:
        return list(portfolio_then(await request.past_books(at), account).positions)
    return list(request.services.portfolio.positions(request.known_account(account)))


@get("/v1/lots")
@allow(Role.VIEWER)
async def get_lots(
    request: EngineRequest, account: FromQuery[str] = "", instrument: FromQuery[str] = "", at: At = ""
) -> list[LotView]:
    """Open lots in the order the account's method would close them."""
    if at:
        held = await request.held_id(instrument) if instrument else ""
        return lots_then(await request.past_books(at), account, held)
    wanted = request.services.market.resolve(instrument).instrument_id if instrument else ""
    return list(request.services.portfolio.lots(request.known_account(account), wanted))


@get("/v1/portfolio")
@allow(Role.VIEWER)
async def get_portfolio(request: EngineRequest, account: FromQuery[str] = "", at: At = "") -> PortfolioView:
    """Account, positions and equity curve."""
    if at:
        return portfolio_then(await request.past_books(at), account)
    return request.services.portfolio.portfolio(request.known_account(account))


@get("/v1/account")
@allow(Role.VIEWER)
async def get_account(request: EngineRequest, account: FromQuery[str] = "", at: At = "") -> AccountView:
    """Balances of one account, the default one when none is named."""
    if at:
        return account_then(await request.past_books(at), account)
    return request.services.portfolio.account(request.known_account(account))


@get("/v1/accounts")
@allow(Role.VIEWER)
async def get_accounts(request: EngineRequest, at: At = "") -> list[AccountView]:
    """Balances of every open account, the default first."""
    if at:
        return list((await request.past_books(at)).accounts)
    portfolio = request.services.portfolio
    return [portfolio.account(account_id) for account_id in portfolio.account_ids()]


@post("/v1/accounts", status_code=201)
@allow(Role.ADMIN, mutates=True)
async def open_account(request: EngineRequest, data: JSONBody[OpenAccount]) -> AccountView:
    """Open a paper account."""
    account = _paper_account(data)

    async def act() -> AccountView:
        return await request.services.trading.open_account(account, request.caller.actor)

    return await request.offer.replays.once("accounts", data.request_id, data, act)


@get("/v1/day")
@allow(Role.VIEWER)
async def get_day(request: EngineRequest, account: FromQuery[str] = "", date: FromQuery[str] = "") -> DayReview:
    """The session as its trader would review it; the current one when no date is named."""
    return request.services.portfolio.day(request.known_account(account), date)


@get("/v1/arms")
@allow(Role.VIEWER)
async def get_arms(request: EngineRequest) -> list[ArmView]:
    """Heads that are armed now."""
    return list(request.offer.arms.views())


@post("/v1/arm", status_code=200)
@allow(Role.TRADER, mutates=True)
async def arm_head(request: EngineRequest, data: JSONBody[ArmRequest]) -> list[ArmView]:
    """Arm the calling head for some minutes, or disarm it with 0; answers who is armed."""
    arms, head_id = request.offer.arms, request.caller.head_id

    async def act() -> list[ArmView]:
        if data.minutes:
            account_id = request.known_account(data.account_id)
            arms.arm(head_id, request.services.portfolio.account(account_id).account, data.minutes)
        else:
            arms.disarm(head_id, data.account_id)
        return list(arms.views())

    if not data.minutes and _is_live_money(request, data.account_id):
        await request.services.trading.live.disarm(
            data.account_id, reason=f"asked for by {request.caller.actor}", actor=request.caller.actor
        )
    if not data.minutes:  # taking a permission away must never be answered from memory
        return await act()
    return await request.offer.replays.once(f"arm {head_id}", data.request_id, data, act)


@get("/v1/halt")
@allow(Role.VIEWER)
async def get_halt(request: EngineRequest) -> HaltView:
    """The trading state with who, why and when."""
    return request.services.trading.halt_view()


@post("/v1/halt", status_code=200)
@allow(Role.TRADER, mutates=True)
async def set_halt(request: EngineRequest, data: JSONBody[HaltRequest]) -> HaltView:
    """halt, reduce, flatten (word FLATTEN) or resume (word RESUME)."""
    if data.action not in HALT_ACTIONS:
        raise InvalidValueError(f"{data.action[:20]!r} is no action.", fix=f"Use one of: {', '.join(HALT_ACTIONS)}.")

    account_id = _braked(request, data)

    async def act() -> HaltView:
        return await request.services.trading.change_state(
            data.action, reason=data.reason, word=data.word, account_id=account_id, actor=request.caller.actor
        )

    if data.action == "halt":  # a halt is done every time it is asked for, never answered from memory
        return await act()
    return await request.offer.replays.once("halt", data.request_id, data, act)


def _is_live_money(request: EngineRequest, account_id: str) -> bool:
    return any(view.account_id == account_id for view in request.services.trading.live.views())


def _braked(request: EngineRequest, data: HaltRequest) -> str:
    """The account whose orders the brake cancels; a halt with a mistyped one cancels everybody's."""
    if data.action != "halt":
        return request.known_account(data.account_id)
    return data.account_id if data.account_id in request.services.portfolio.account_ids() else ""


def _paper_account(data: JSONBody[OpenAccount]) -> Account:
    if data.account_type not in AccountType.__members__:
        raise InvalidValueError(f"{data.account_type[:20]!r} is no account type.", fix="Use CASH or MARGIN.")
    if data.lot_method not in LotMethod.__members__:
        raise InvalidValueError(f"{data.lot_method[:20]!r} is no lot method.", fix="Use FIFO, LIFO or HIFO.")
    return Account(
        account_id=data.account_id,
        kind=AccountKind.PAPER,
        account_type=AccountType[data.account_type],
        currency=data.currency,
        initial_cash=data.initial_cash,
        lot_method=LotMethod[data.lot_method],
    )


HANDLERS = (
    get_positions,
    get_lots,
    get_portfolio,
    get_account,
    get_accounts,
    open_account,
    get_day,
    get_arms,
    arm_head,
    get_halt,
    set_halt,
)

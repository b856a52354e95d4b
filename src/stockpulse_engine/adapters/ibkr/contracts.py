"""Which contract an instrument is, and back, as the gateway says it: asked once for each."""

from __future__ import annotations

from typing import Final

from ib_async.contract import Contract, ContractDetails

from stockpulse_engine.adapters.ibkr.session import Session
from stockpulse_engine.adapters.ibkr.symbols import EXCHANGES, SMART, STOCK, contract_of, instrument_of
from stockpulse_engine.trading.ports import RejectedByBrokerError

MOST: Final = 20_000


class Contracts:
    """The memory of one login."""

    def __init__(self, session: Session, currency: str) -> None:
        self._session = session
        self._currency = currency
        self._contracts: dict[str, Contract] = {}
        self._names: dict[int, str] = {}

    async def require(self, instrument_id: str) -> Contract:
        """The contract of an instrument.

        Raises:
            RejectedByBrokerError: there is none, or more than one: which was meant is not for us to guess.
            UnavailableError: the gateway does not say.
        """
        if found := self._contracts.get(instrument_id):
            return found
        wanted = contract_of(instrument_id, self._currency)
        if wanted is None:
            raise RejectedByBrokerError(f"{instrument_id} is no share that we know there", "NO_CONTRACT")
        rows = {row.contract.conId: row for row in await self._session.contracts(wanted) if row.contract is not None}
        if len(rows) != 1:
            words = "no contract" if not rows else f"{len(rows)} contracts"
            raise RejectedByBrokerError(f"Interactive Brokers has {words} for {instrument_id}", "NO_CONTRACT")
        (row,) = rows.values()
        self._keep(instrument_id, row)
        return self._contracts[instrument_id]

    def name(self, contract: Contract) -> str:
        """Our name of a contract; "" for one that has to be asked for."""
        return self._names.get(contract.conId, "")

    async def learn(self, contract: Contract) -> str:
        """Our name of any contract, asked for when it is new: what is no share in our currency goes by its number."""
        if name := self.name(contract):
            return name
        name = ""
        if contract.secType in ("", STOCK) and contract.currency in ("", self._currency):
            rows = await self._session.contracts(Contract(conId=contract.conId, exchange=SMART))
            primary = next((row.contract.primaryExchange for row in rows if row.contract is not None), "")
            name = instrument_of(contract.symbol, primary if primary in EXCHANGES.values() else contract.exchange)
        name = name or f"CON{contract.conId}.XXXX"
        self._names[contract.conId] = name
        return name

    def _keep(self, instrument_id: str, row: ContractDetails) -> None:
        assert row.contract is not None
        if len(self._contracts) > MOST:
            self._contracts.clear()
        row.contract.exchange = SMART
        self._contracts[instrument_id] = row.contract
        self._names[row.contract.conId] = instrument_id

"""A template for the adapter of a broker: small, working, and spoken to nobody.

It speaks to an imaginary broker that takes single market and limit orders as JSON. To make an adapter of your own:

1. Copy this directory to `adapters/NAME/` and give `registry.ADAPTERS` a row: the secrets it needs, what the broker
   does itself, the hosts it may speak to, and what you never tried against the real service.
2. `wire.py`: how bytes get there and back. One attempt, never a second one by itself (F01).
3. `errors.py`: which answers prove what. What proves nothing is an AmbiguousOutcomeError (F07); only a definite answer
   of the broker is a RejectedByBrokerError, and only "nothing could have left" is an UnavailableError.
4. `parse.py`: the broker's words and numbers as ours. Decimals from text; an unknown word is SUSPEND, never a guess.
5. `broker.py`: the port `trading.ports.Broker`, which joins the three.
6. Subclass `tests/contract/broker_contract.py` with a stage that plays your broker, and make every case pass.

Interactive logins, withdrawals and transfers have no place in an adapter.
"""

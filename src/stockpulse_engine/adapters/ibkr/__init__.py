"""Interactive Brokers: orders through a TWS or IB Gateway on this machine, over the socket that `ib_async` speaks."""

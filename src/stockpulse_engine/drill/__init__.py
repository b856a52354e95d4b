"""Proof by breaking things: the fault vocabulary, simulated brokers on real sockets, and the drill over both."""

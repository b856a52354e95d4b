"""Simulated brokers on real sockets of this machine: each speaks as one broker does, and fails when told to."""

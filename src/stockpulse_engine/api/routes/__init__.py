"""Handlers by subject. They translate between wire and ports, and decide nothing."""

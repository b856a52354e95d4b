"""Alpaca's trading API through the broker port: a thin client on httpx and websockets. A POST leaves once, always."""

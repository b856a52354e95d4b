"""Adapters to outside systems, each against a stand-in that checks what we send."""

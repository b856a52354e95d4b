"""Protocol version of requests and frames. A head of another version becomes read-only (R09)."""

PROTOCOL_VERSION = 1
"""Raise on every change that an older head could misread."""

VERSION_HEADER = "x-stockpulse-protocol"
"""Sent with every request; answers carry the engine's own."""
HEAD_HEADER = "x-stockpulse-head"
"""Id of the head (one per running client), for audit and arming."""

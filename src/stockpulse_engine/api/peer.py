"""Who is at the other end of a Unix socket: the kernel's word, not the caller's (R01)."""

from __future__ import annotations

import os
import socket
import struct
import sys

_LINUX = struct.Struct("3i")
"""struct ucred: pid, uid, gid."""
_DARWIN = struct.Struct("IIh")
"""The first fields of struct xucred: version, uid, number of groups."""
_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES = 0, 1, 76


def peer_uid(descriptor: int) -> int | None:
    """The user id of the peer; None when the system does not tell.

    The descriptor is duplicated, so that the loop's own socket stays untouched.
    """
    try:
        with socket.socket(fileno=os.dup(descriptor)) as copy:
            return _read(copy)
    except OSError:
        return None


def _read(peer: socket.socket) -> int | None:
    if sys.platform == "darwin":
        raw = peer.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES)
        return int(_DARWIN.unpack_from(raw)[1])
    if hasattr(socket, "SO_PEERCRED"):
        raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _LINUX.size)
        return int(_LINUX.unpack(raw)[1])
    return None

"""The token of a role, read from its file at the moment it is needed."""

from __future__ import annotations

from stockpulse_engine.base.paths import Paths
from stockpulse_engine.domain.errors import UnavailableError

ROLES = ("viewer", "trader", "admin")


def read_token(paths: Paths, role: str) -> str:
    """The role's token.

    Raises:
        UnavailableError: the engine has never run here, or the file can not be read.
    """
    if role not in ROLES:
        raise ValueError(f"{role} is no role")
    try:
        return (paths.tokens / role).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        raise UnavailableError(f"There is no {role} token here.", fix="Start the engine: `sp engine start`.") from None

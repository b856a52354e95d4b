"""`sp token`: the secrets that heads show to the engine."""

from __future__ import annotations

from typing import Annotated

import typer

from stockpulse_engine.cli.link import paths
from stockpulse_engine.cli.output import emit
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.domain.errors import InvalidValueError

token_app = typer.Typer(help="Tokens: one file per role, which a head must show.", no_args_is_help=True)


def rotate(role: Annotated[str, typer.Argument(metavar="ROLE", help="viewer, trader or admin.")]) -> None:
    """Replace a role's token: from the next request on the old one opens nothing, with the engine up or down.

    Example: sp token rotate viewer
    """
    from stockpulse_engine.api.auth import Role, rotate_token

    found = next((one for one in Role if one.file_name == role.lower()), None)
    if found is None:
        names = ", ".join(one.file_name for one in Role)
        raise InvalidValueError(f"{role[:24]!r} is no role.", fix=f"Use one of: {names}.")
    rotate_token(paths().tokens, found)
    emit(f"{paths().tokens / found.file_name}  replaced")


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    add_command(token_app, rotate)
    app.add_typer(token_app, name="token")

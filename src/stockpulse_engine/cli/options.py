"""Options that many commands share."""

from __future__ import annotations

from typing import Annotated

import typer

JsonFlag = Annotated[bool, typer.Option("--json", help="Print stable JSON on stdout.")]
YesFlag = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AccountName = Annotated[
    str, typer.Option("--account", "-a", metavar="NAME", help="Account; the default one if left out.")
]

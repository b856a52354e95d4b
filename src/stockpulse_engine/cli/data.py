"""Commands on the record: log, log verify."""

from __future__ import annotations

from typing import Annotated

import typer

from stockpulse_engine.cli.link import engine
from stockpulse_engine.cli.options import JsonFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_table
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.domain.errors import IntegrityError

log_app = typer.Typer(help="The journal: what was commanded and what happened, in order.", no_args_is_help=False)


@log_app.callback(invoke_without_command=True)
def log(
    context: typer.Context,
    after: Annotated[int, typer.Option("--after", min=0, help="Only entries after this seq.")] = 0,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=5000, help="How many.")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """The last journal entries, or those after a seq.

    Example: sp log -n 20
    """
    if context.invoked_subcommand:
        return
    entries = engine().log(after or max(0, engine().health().journal_seq - limit), limit)
    if as_json:
        emit_json(entries)
    elif not entries:
        emit("The journal is empty.")
    else:
        from stockpulse_engine.render.format import iso_utc

        rows = [[str(one.seq), iso_utc(one.recorded_at), one.kind, one.subject, one.sentence] for one in entries]
        emit_table(("seq", "recorded (utc)", "kind", "subject", "what"), rows, left=(1, 2, 3, 4))


def verify(as_json: JsonFlag = False) -> None:
    """Walk the whole hash chain against its external head; exit code 8 when it is broken.

    Example: sp log verify
    """
    result = engine().verify_log()
    if as_json:
        emit_json(result)
    else:
        state = "verified" if result.is_ok else f"BROKEN at seq {result.broken_at}"
        emit(f"journal {state}: {result.entries:,} entries, head {result.head_seq:,}")
    if not result.is_ok:
        raise IntegrityError(result.problem or "The journal does not verify.", fix="Restore a backup: sp restore FILE.")


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    add_command(log_app, verify)
    app.add_typer(log_app, name="log")

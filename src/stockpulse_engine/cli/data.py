"""Commands on the record: log, log verify."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from stockpulse_engine.base.lock import lock_holder
from stockpulse_engine.cli.link import engine, paths
from stockpulse_engine.cli.options import JsonFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_table
from stockpulse_engine.cli.register import add_command, help_text
from stockpulse_engine.domain.errors import IntegrityError

log_app = typer.Typer(no_args_is_help=False)


def log(
    context: typer.Context,
    after: Annotated[int, typer.Option("--after", min=0, help="Only entries after this seq.")] = 0,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=5000, help="How many.")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """The journal: what was commanded and what happened, in order; the last entries, or those after a seq.

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


def verify(
    world: Annotated[str, typer.Option("--world", help="Whose journal, with the engine down.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Walk the whole hash chain against its external head; exit code 8 when it is broken. Works with the engine down.

    Example: sp log verify
    """
    if lock_holder(paths().lock) is None:  # a journal that does not hold is one that no engine starts on
        from stockpulse_engine.bootstrap.offline import verify_journal
        from stockpulse_engine.settings import load_settings

        result = verify_journal(paths(), world or load_settings(paths(), os.environ).engine.world)
    else:
        result = engine().verify_log()
    if as_json:
        emit_json(result)
    else:
        state = "verified" if result.is_ok else f"BROKEN at seq {result.broken_at}"
        emit(f"journal {state}: {result.entries:,} entries, head {result.head_seq:,}")
    if not result.is_ok:
        raise IntegrityError(
            _sentence(result.problem or "the journal does not verify"), fix="Restore a backup: sp restore FILE."
        )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    log_app.callback(invoke_without_command=True, help=help_text(log))(log)
    add_command(log_app, verify)
    app.add_typer(log_app, name="log")

"""Commands on this home: config, doctor."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from stockpulse_engine.cli.link import paths
from stockpulse_engine.cli.options import JsonFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_table, say
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.domain.errors import StockPulseError

config_app = typer.Typer(help="Settings: what each is, and where it comes from.", no_args_is_help=True)


def config_show(
    key: Annotated[str, typer.Argument(metavar="[KEY]", help="Only keys that begin so.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Every setting with its value, source and default.

    Example: sp config show ui
    """
    from stockpulse_engine.settings import describe, load_settings

    rows = [row for row in describe(load_settings(paths(), os.environ)) if row.key.startswith(key)]
    if as_json:
        emit_json(rows)
    elif not rows:
        emit(f"No setting begins with {key!r}.")
    else:
        emit_table(
            ("key", "value", "source", "default"),
            [[r.key, r.value, r.source, r.default] for r in rows],
            left=(0, 1, 2, 3),
        )


def config_check() -> None:
    """Read all settings; exit code 9 names the file, the key and the nearest spelling.

    Example: sp config check
    """
    from stockpulse_engine.settings import describe, load_settings

    emit(f"{len(describe(load_settings(paths(), os.environ)))} settings are right.")


def config_path(as_json: JsonFlag = False) -> None:
    """Files that are read, in order; later wins.

    Example: sp config path
    """
    from stockpulse_engine.settings import config_files

    files = [(str(file), file.is_file()) for file in config_files(paths())]
    if as_json:
        emit_json([{"file": file, "exists": exists} for file, exists in files])
    else:
        emit_table(("file", "there"), [[file, "yes" if exists else "no"] for file, exists in files], left=(0, 1))


def doctor(as_json: JsonFlag = False) -> None:
    """Say what is wrong with this installation, and the fix; exit code 1 when something is.

    Example: sp doctor
    """
    from stockpulse_engine.cli.doctor import examine

    findings = examine(paths())
    if as_json:
        emit_json(findings)
    else:
        emit_table(("", "check", "found"), [[f.verdict, f.name, f.found] for f in findings], left=(0, 1, 2))
        for finding in findings:
            if finding.fix:
                say(f"{finding.name}: {finding.fix}")
    wrong = sum(finding.verdict == "!!" for finding in findings)
    if wrong:
        raise StockPulseError(f"{wrong} of {len(findings)} checks failed.")


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    add_command(config_app, config_show, name="show")
    add_command(config_app, config_check, name="check")
    add_command(config_app, config_path, name="path")
    app.add_typer(config_app, name="config")
    add_command(app, doctor)

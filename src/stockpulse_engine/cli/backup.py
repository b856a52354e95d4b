"""Commands on backups: write, verify, restore. They work with the engine up or down."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from stockpulse_engine.cli.link import paths
from stockpulse_engine.cli.options import JsonFlag, YesFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_table, say
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.domain.errors import ConflictError, IntegrityError
from stockpulse_engine.wire.rest import BackupAnswer

WRITE, LATEST = "write", "latest"
SECOND = 1_000_000_000


class _WriteByDefault(TyperGroup):
    """`sp backup FILE` means `sp backup write FILE`."""

    default_command = WRITE

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the word in that people leave out."""
        is_asking = bool(args) and args[0] in {"-h", "--help"}
        named = args if is_asking or (args and args[0] in self.commands) else [self.default_command, *args]
        return super().parse_args(ctx, named)


backup_app = typer.Typer(cls=_WriteByDefault, help="Backups of this home: write one, verify one.")


def backup(
    target: Annotated[
        str, typer.Argument(metavar="[FILE]", help="A file that holds everything, or a directory of backups.")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Write a checked, consistent backup of this home, history included; the engine may run.

    The word `write` may be left out. Without FILE it goes where the hourly ones go: journals into an archive, each file
    of the history beside it, copied once for all backups.

    Example: sp backup
    Example: sp backup ~/stockpulse.tar.gz
    """
    from stockpulse_engine.base.paths import ensure_private
    from stockpulse_engine.bootstrap.offline import backup_directory, backup_to

    place = Path(target).expanduser().absolute() if target else ensure_private(backup_directory(paths()))
    file, size = backup_to(paths(), place)
    seq, digest = _journal_now()
    answer = BackupAnswer(file=str(file), bytes=size, journal_seq=seq, journal_digest=digest)
    if as_json:
        emit_json(answer)
    else:
        emit(f"{answer.file}  {answer.bytes:,} bytes")


def verify(
    place: Annotated[
        str, typer.Argument(metavar="[PATH|latest]", help="An archive, or a directory of them: its newest.")
    ] = LATEST,
    as_json: JsonFlag = False,
) -> None:
    """Check a backup: every file, the chain of each journal, the catalog against its segments. Exit code 8 on damage.

    Nothing is unpacked into this home. Each damaged file is named with what is wrong.

    Example: sp backup verify
    Example: sp backup verify ~/stockpulse.tar.gz
    """
    from stockpulse_engine.bootstrap.offline import backup_directory, verified
    from stockpulse_engine.render.format import iso_utc

    chosen = backup_directory(paths()) if place == LATEST else Path(place).expanduser().absolute()
    found = verified(chosen)
    if as_json:
        emit_json(
            {
                "file": str(found.archive),
                "restores_to_ns": found.made_at,
                "files": found.files,
                "history_files": found.objects,
                "bytes": found.bytes,
                "damaged": [{"name": one.name, "problem": one.problem} for one in found.damaged],
            }
        )
    elif found.damaged:
        emit_table(("damaged", "how"), [[one.name, one.problem] for one in found.damaged], left=(0, 1))
    else:
        emit(
            f"{found.archive.name} is whole: {found.files} files, {found.objects} of history, {found.bytes:,} bytes;"
            f" it brings a home back to {iso_utc(found.made_at)[:19]}Z."
        )
    if found.damaged:
        count = len(found.damaged)
        raise IntegrityError(
            f"{found.archive.name}: {count} {'file is' if count == 1 else 'files are'} damaged.",
            fix="Write a new one with `sp backup`; restore another one if you need one now.",
        )


def restore(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What `sp backup` wrote; of a directory the newest.")],
    replace: Annotated[bool, typer.Option("--replace", help="Set this home's worlds and history aside first.")] = False,
    no_history: Annotated[bool, typer.Option("--no-history", help="Leave the market history out.")] = False,
    no_tail: Annotated[
        bool, typer.Option("--no-tail", help="The full copy alone, without what came in the minutes after it.")
    ] = False,
    yes: YesFlag = False,
) -> None:
    """Restore a backup into an empty home; the engine must be stopped.

    Example: sp --home /tmp/fresh restore stockpulse.tar.gz
    Example: sp --home /tmp/fresh restore /mnt/backups
    """
    from stockpulse_engine.base.lock import lock_holder
    from stockpulse_engine.bootstrap.offline import restore_from
    from stockpulse_engine.render.format import iso_utc

    holder = lock_holder(paths().lock)
    if holder is not None:
        raise ConflictError(f"The engine of this home runs (process {holder.pid}).", fix="sp engine stop, then again.")
    if replace and not yes:
        typer.confirm("Set the worlds and the history of this home aside and restore?", abort=True, err=True)
    place = Path(file).expanduser().absolute()
    manifest = restore_from(
        place, paths(), replace_existing=replace, with_history=not no_history, with_tail=not no_tail
    )
    count = len(manifest.files) + (0 if no_history else len(manifest.objects))
    emit(f"Restored {count} files, as of {iso_utc(manifest.made_at)[:19]}Z.")
    if manifest.lost:
        say(f"{len(manifest.lost)} files of the history were damaged before and are not in it: sp store verify")


def _journal_now() -> tuple[int, str]:
    """The journal's end, of the engine that runs; none is started for that."""
    from stockpulse_engine.base.lock import lock_holder
    from stockpulse_engine.client.blocking import BlockingClient

    if lock_holder(paths().lock) is None:
        return 0, ""
    with BlockingClient(paths()) as engine:
        health = engine.health()
    return health.journal_seq, health.journal_digest


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    add_command(backup_app, backup, name=WRITE)
    add_command(backup_app, verify)
    app.add_typer(backup_app, name="backup")
    add_command(app, restore)

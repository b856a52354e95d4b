"""Backup and restore of a home: archives taken while the engine runs, checked when they are made and when asked.

A backup in a directory is a small archive of journals, heads and the venue's store, an index beside it, and the files
of market history by their SHA-256 in `objects`, where each lies once for all backups. Between two archives a tail says
what changed since the newer one. A backup to one file holds everything inside it.
"""

from stockpulse_engine.storage.backup.archive import FileRecord, Manifest, latest_backup, read_manifest
from stockpulse_engine.storage.backup.keep import drop_backups
from stockpulse_engine.storage.backup.restore import restore_backup
from stockpulse_engine.storage.backup.tail import write_tail
from stockpulse_engine.storage.backup.verify import Verified, verify_backup
from stockpulse_engine.storage.backup.write import write_backup

__all__ = [
    "FileRecord",
    "Manifest",
    "Verified",
    "drop_backups",
    "latest_backup",
    "read_manifest",
    "restore_backup",
    "verify_backup",
    "write_backup",
    "write_tail",
]

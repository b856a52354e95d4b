"""A module that does at import what none of ours may: the probe must catch it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

VERSION = sqlite3.sqlite_version

Path(os.devnull).write_text("", encoding="utf-8")

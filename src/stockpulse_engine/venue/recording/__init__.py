"""Recorded sessions: every event a venue's market made, written as it is told, and played again."""

from __future__ import annotations

"""A reader was slower than a merge."""

from __future__ import annotations


class SegmentGoneError(Exception):
    """A segment's file is not there: it was merged away since the catalog was read, or somebody removed it."""

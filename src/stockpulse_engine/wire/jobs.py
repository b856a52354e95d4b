"""Requests about batch jobs as they cross the wire."""

from __future__ import annotations

import msgspec


class RunJob(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Start what is due of a job; with `is_again` its newest run once more when nothing is."""

    request_id: str
    is_again: bool = False

"""Requests about limits as they cross the wire."""

from __future__ import annotations

import msgspec


class SetLimit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Set one limit: `value` as in limits.toml, "default" for what the files say.

    `scope` is "" for everybody's, else account, strategy or instrument, and `name` says which.
    """

    request_id: str
    key: str
    value: str
    scope: str = ""
    name: str = ""
    reason: str = ""


class WithdrawLimit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Take back a raise that is not in force yet."""

    request_id: str
    change_id: str


class ReleaseLoss(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Let an account open positions again although a loss limit acted; needs the word RELEASE."""

    request_id: str
    word: str
    account_id: str = ""
    reason: str = ""

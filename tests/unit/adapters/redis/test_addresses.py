"""Addresses: where they lead is told, their passwords never, however they are written."""

from __future__ import annotations

import pytest

from stockpulse_engine.adapters.redis.mirror import RedisMirror, address_of, secrets_of
from stockpulse_engine.bus.bridge import MirrorBatch, MirrorError

SECRET = "hunter2/#?x"
URLS = (
    f"redis://ann:{SECRET}@127.0.0.1:1/0",
    f"redis://:{SECRET}@127.0.0.1:1/0",
    f"redis://ann:{SECRET}@127.0.0.1:notaport/0",
    f"redis://ann:{SECRET}@[::1",
    f"rediss://ann:{SECRET}@127.0.0.1:1",
    "redis://ann:hunter2%2F@127.0.0.1:1/zero",
    "unix:///nowhere/redis.sock?password=hunter2",
    "unix:///nowhere/redis.sock?db=x",
    "redis://127.0.0.1:1?protocol=x",
)


@pytest.mark.parametrize("url", URLS)
async def test_a_url_that_leads_nowhere_is_told_in_words_without_its_password(url: str) -> None:
    mirror = RedisMirror(url, prefix="p", world="sim")
    with pytest.raises(MirrorError) as told:
        await mirror.write(MirrorBatch(key="R:1", at_ns=1))
    assert told.value.__suppress_context__
    assert "hunter2" not in str(told.value)
    assert "x@" not in str(told.value)
    await mirror.close()


def test_the_place_is_named_without_user_and_password() -> None:
    assert address_of("redis://ann:p@ss@db.example:6379/0?db=1") == "db.example:6379/0"
    assert address_of("unix:///run/redis.sock?password=x") == "/run/redis.sock"


def test_passwords_are_found_as_written_and_as_meant() -> None:
    assert secrets_of("redis://ann:a%2Fb@h:1") == {"a%2Fb", "a/b"}
    assert secrets_of("unix:///s?password=secret&db=1") == {"secret"}
    assert secrets_of("redis://h:1/0") == set()

"""OAuth 1.0a with HMAC-SHA1, verified for real: the server's side of it, for brokers that still want it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

SKEW_S: Final = 300
"""How far a request's time may be from ours."""
MAX_NONCES: Final = 100_000


class OAuthError(Exception):
    """The request is not signed as it must be; the words say how."""


class Verifier:
    """Checks signatures, times and nonces of one consumer."""

    def __init__(self, consumer_key: str, consumer_secret: str) -> None:
        self._key = consumer_key
        self._secret = consumer_secret
        self._nonces: set[tuple[str, str]] = set()

    def check(self, method: str, url: str, header: str, secrets: Mapping[str, str], now_s: float) -> Mapping[str, str]:
        """The OAuth fields of a request that holds.

        Args:
            method: of the request.
            url: as the client had it, query included.
            header: `Authorization`.
            secrets: token → its secret; "" → "" for requests without a token.
            now_s: UTC seconds.

        Raises:
            OAuthError: it does not hold.
        """
        fields = parse_header(header)
        if fields.get("oauth_signature_method") != "HMAC-SHA1":
            raise OAuthError("the method of the signature is not HMAC-SHA1")
        if fields.get("oauth_consumer_key") != self._key:
            raise OAuthError("invalid Consumer key")
        token = fields.get("oauth_token", "")
        if token not in secrets:
            raise OAuthError("token_rejected")
        self._check_moment(fields, now_s)
        wanted = sign(method, url, fields, f"{_escaped(self._secret)}&{_escaped(secrets[token])}")
        if not hmac.compare_digest(wanted, fields.get("oauth_signature", "")):
            raise OAuthError("signature_invalid")
        return fields

    def _check_moment(self, fields: Mapping[str, str], now_s: float) -> None:
        stamp, nonce = fields.get("oauth_timestamp", ""), fields.get("oauth_nonce", "")
        if not stamp.isdigit() or abs(int(stamp) - now_s) > SKEW_S:
            raise OAuthError("timestamp_refused")
        if not nonce or (stamp, nonce) in self._nonces or len(self._nonces) >= MAX_NONCES:
            raise OAuthError("nonce_used")
        self._nonces.add((stamp, nonce))


def parse_header(header: str) -> dict[str, str]:
    """Fields of `Authorization: OAuth a="b", …`, decoded; the realm left out."""
    kind, _, rest = header.partition(" ")
    if kind.lower() != "oauth":
        raise OAuthError("there is no OAuth header")
    found = {}
    for part in rest.split(","):
        name, _, value = part.strip().partition("=")
        if name and name != "realm":
            found[unquote(name)] = unquote(value.strip('"'))
    return found


def sign(method: str, url: str, fields: Mapping[str, str], key: str) -> str:
    """The signature of a request: base string of method, plain URL and every parameter in order."""
    plain, _, query = url.partition("?")
    own = ((name, value) for name, value in fields.items() if name != "oauth_signature")
    pairs = [*own, *parse_qsl(query, keep_blank_values=True)]
    base = "&".join(map(_escaped, (method.upper(), plain, _joined(pairs))))
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()


def _joined(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in sorted((_escaped(a), _escaped(b)) for a, b in pairs))


def _escaped(text: str) -> str:
    return quote(text, safe="~")

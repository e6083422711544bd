"""Signed tokens (JWT, RFC 7519) of our own making: access tokens and tickets, each with its own key and audience.

Rules: one algorithm (HS256) and one header; a token whose header differs by a byte is not ours and is not looked at further, which leaves
`alg`, `kid`, `jwk`, `jku` and `crit` nothing to say. `exp` is mandatory and holds to the second, the whole life is bounded; only the time
of issue may lie a little ahead (clocks of replicas). `ver` is the user's token_version: changing the password or suspending the user ends
every token given out before. Only the canonical spelling of a signature is accepted.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from typing import Final

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from antiphon.accounts.secrets import Keyring, Purpose
from antiphon.core.errors import Unauthenticated
from antiphon.storage.ids import new_id

ISSUER: Final = "antiphon"
SKEW_SECONDS: Final = 30
LONGEST_TOKEN: Final = 2_048
LONGEST_LIFE: Final[dict[Purpose, int]] = {"access-token": 7 * 24 * 3600, "ticket": 60}

_HEADER: Final = {"alg": "HS256", "typ": "JWT"}
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}", re.ASCII)


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a token says. sub: user id. ver: the user's token_version. iat, exp: seconds since the epoch.

    key: the API key a ticket was made with. about: what a ticket is for.
    """

    iss: str
    aud: str
    sub: str
    ver: int
    iat: int
    exp: int
    jti: str
    key: str | None = None
    about: str | None = None


class TokenSigner:
    """Issues and verifies the tokens of one purpose. clock: seconds since the epoch."""

    def __init__(self, keyring: Keyring, purpose: Purpose, clock: Callable[[], float] = time.time) -> None:
        self._key = OctKey.import_key(keyring.key(purpose))
        self._start = jwt.encode(dict(_HEADER), {}, self._key).partition(".")[0] + "."
        self._purpose = purpose
        self._longest = LONGEST_LIFE[purpose]
        self._clock = clock

    def issue(self, subject: str, version: int, seconds: int, *, key: str | None = None, about: str | None = None) -> tuple[str, Claims]:
        """A token that lives for `seconds`, or for the longest life allowed if that is less."""
        now = int(self._clock())
        claims = Claims(ISSUER, self._purpose, subject, version, now, now + min(seconds, self._longest), new_id("tok"), key, about)
        return jwt.encode(dict(_HEADER), msgspec.to_builtins(claims), self._key), claims

    def verify(self, token: str, *, grace: int = 0) -> Claims:
        """Raises Unauthenticated for everything but an unexpired token that this signer issued. grace: seconds added to its life."""
        if len(token) > LONGEST_TOKEN or not token.startswith(self._start) or _SHAPE.fullmatch(token) is None:
            raise _refused()
        if not _canonical(token):
            raise _refused()
        try:
            claims = msgspec.convert(jwt.decode(token, self._key, algorithms=["HS256"]).claims, Claims)
        except (JoseError, msgspec.ValidationError, ValueError, RecursionError):
            raise _refused() from None
        now = self._clock()
        life = claims.exp - claims.iat
        if claims.iss != ISSUER or claims.aud != self._purpose or not 0 < life <= self._longest:
            raise _refused()
        if now >= claims.exp + grace or now < claims.iat - SKEW_SECONDS:
            raise _refused()
        return claims


def _canonical(token: str) -> bool:
    """Whether the signature is spelled the one right way; base64 has several for 32 bytes."""
    signature = token.rsplit(".", 1)[1]
    return base64.urlsafe_b64encode(base64.urlsafe_b64decode(signature + "=")).rstrip(b"=").decode() == signature


def _refused() -> Unauthenticated:
    return Unauthenticated("The token is expired, withdrawn or not one of ours.", code="invalid_credential")

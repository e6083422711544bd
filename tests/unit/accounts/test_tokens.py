from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.accounts.secrets import Keyring
from antiphon.accounts.tokens import LONGEST_LIFE, SKEW_SECONDS, TokenSigner
from antiphon.core.errors import Unauthenticated

NOW = 1_800_000_000
KEYRING = Keyring(bytes(range(32)))
KEY = KEYRING.key("access-token")
SIGNER = TokenSigner(KEYRING, "access-token", clock=lambda: NOW)
TOKEN, _ = SIGNER.issue("user_1", 3, 3600)


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: object, claims: object, key: bytes = KEY, digest: str = "sha256") -> str:
    text = f"{part(header)}.{part(claims)}"
    return f"{text}.{part(hmac.digest(key, text.encode(), digest))}"


HEADER = {"typ": "JWT", "alg": "HS256"}
CLAIMS: dict[str, Any] = {
    "iss": "antiphon",
    "aud": "access-token",
    "sub": "user_1",
    "ver": 3,
    "iat": NOW,
    "exp": NOW + 3600,
    "jti": "tok_1",
}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in CLAIMS.items() if key != name}


def test_a_token_says_whose_it_is() -> None:
    claims = SIGNER.verify(TOKEN)
    assert (claims.sub, claims.ver, claims.exp) == ("user_1", 3, NOW + 3600)


def test_the_forgeries_below_fail_for_their_fault_alone() -> None:
    assert SIGNER.verify(signed(HEADER, CLAIMS)).sub == "user_1"


head, body, signature = TOKEN.split(".")
FORGED: dict[str, str] = {
    "empty": "",
    "dots": "..",
    "one part": head,
    "two parts": f"{head}.{body}",
    "no signature": f"{head}.{body}.",
    "four parts": f"{TOKEN}.x",
    "five parts (JWE)": f"{TOKEN}.x.y",
    "appended character": TOKEN + "5",
    "padding": TOKEN + "=",
    "leading space": " " + TOKEN,
    "trailing newline": TOKEN + "\n",
    "not ascii": TOKEN[:-1] + "é",
    "lone surrogate": TOKEN[:-1] + "\ud800",
    "NUL": TOKEN + "\0",
    "very long": TOKEN + "A" * 100_000,
    "other signature": f"{head}.{body}.{part(bytes(32))}",
    "alg none": f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
    "alg none, kept signature": f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.{signature}",
    "alg None in capitals": signed({"alg": "NONE", "typ": "JWT"}, CLAIMS),
    "alg missing": signed({"typ": "JWT"}, CLAIMS),
    "alg a list": signed({"alg": ["HS256"], "typ": "JWT"}, CLAIMS),
    "HS384": signed({"alg": "HS384", "typ": "JWT"}, CLAIMS, digest="sha384"),
    "HS512": signed({"alg": "HS512", "typ": "JWT"}, CLAIMS, digest="sha512"),
    "RS256": signed({"alg": "RS256", "typ": "JWT"}, CLAIMS),
    "ES256": signed({"alg": "ES256", "typ": "JWT"}, CLAIMS),
    "kid path": signed(HEADER | {"kid": "../../../../dev/null"}, CLAIMS),
    "kid path, its empty key": signed(HEADER | {"kid": "/dev/null"}, CLAIMS, key=b""),
    "kid SQL": signed(HEADER | {"kid": "x' UNION SELECT 'k"}, CLAIMS),
    "own jwk": signed(HEADER | {"jwk": {"kty": "oct", "k": part(b"k" * 32)}}, CLAIMS, key=b"k" * 32),
    "jku": signed(HEADER | {"jku": "https://example.org/keys"}, CLAIMS),
    "x5u": signed(HEADER | {"x5u": "https://example.org/cert"}, CLAIMS),
    "unknown crit": signed(HEADER | {"crit": ["exp"]}, CLAIMS),
    "unencoded payload": signed(HEADER | {"b64": False, "crit": ["b64"]}, CLAIMS),
    "header order": signed({"alg": "HS256", "typ": "JWT"}, CLAIMS),
    "header not JSON": signed(b"{", CLAIMS),
    "key guessed empty": signed(HEADER, CLAIMS, key=b""),
    "key guessed root": signed(HEADER, CLAIMS, key=bytes(range(32))),
    "key of tickets": signed(HEADER, CLAIMS, key=KEYRING.key("ticket")),
    "key of another server": signed(HEADER, CLAIMS, key=Keyring(bytes(32)).key("access-token")),
    "audience ticket": signed(HEADER, CLAIMS | {"aud": "ticket"}),
    "audience a list": signed(HEADER, CLAIMS | {"aud": ["access-token"]}),
    "no audience": signed(HEADER, without("aud")),
    "other issuer": signed(HEADER, CLAIMS | {"iss": "someone"}),
    "no issuer": signed(HEADER, without("iss")),
    "no subject": signed(HEADER, without("sub")),
    "subject a number": signed(HEADER, CLAIMS | {"sub": 1}),
    "no expiry": signed(HEADER, without("exp")),
    "expiry null": signed(HEADER, CLAIMS | {"exp": None}),
    "expiry text": signed(HEADER, CLAIMS | {"exp": str(NOW + 3600)}),
    "expiry NaN": signed(HEADER, json.dumps(CLAIMS).replace(str(NOW + 3600), "NaN").encode()),
    "expiry infinite": signed(HEADER, json.dumps(CLAIMS).replace(str(NOW + 3600), "1e999").encode()),
    "expired": signed(HEADER, CLAIMS | {"iat": NOW - 3600, "exp": NOW}),
    "life too long": signed(HEADER, CLAIMS | {"exp": NOW + LONGEST_LIFE["access-token"] + 1}),
    "ends before it begins": signed(HEADER, CLAIMS | {"iat": NOW + 20, "exp": NOW + 10}),
    "issued in the future": signed(HEADER, CLAIMS | {"iat": NOW + SKEW_SECONDS + 1}),
    "no version": signed(HEADER, without("ver")),
    "unknown claim": signed(HEADER, CLAIMS | {"admin": True}),
    "claims a list": signed(HEADER, [CLAIMS]),
    "claims not JSON": signed(HEADER, b"{"),
    "claims not UTF-8": signed(HEADER, b'{"sub":"\xff"}'),
    "claims nested deeply": signed(HEADER, b"[" * 1500),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged(name: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        SIGNER.verify(FORGED[name])
    assert refused.value.code == "invalid_credential"


@given(st.integers(0, len(TOKEN) - 1), st.integers(0, 7))
def test_any_flipped_bit_ends_it(position: int, bit: int) -> None:
    flipped = TOKEN[:position] + chr(ord(TOKEN[position]) ^ (1 << bit)) + TOKEN[position + 1 :]
    with pytest.raises(Unauthenticated):
        SIGNER.verify(flipped)


@given(st.text(max_size=200))
def test_any_text_is_refused_cleanly(text: str) -> None:
    with pytest.raises(Unauthenticated):
        SIGNER.verify(text)


def at(seconds: int) -> Callable[[], float]:
    return lambda: NOW + seconds


@pytest.mark.parametrize(
    ("seconds", "holds"), [(-SKEW_SECONDS, True), (-SKEW_SECONDS - 1, False), (3599, True), (3600, False), (3661, False)]
)
def test_time(seconds: int, holds: bool) -> None:
    signer = TokenSigner(KEYRING, "access-token", clock=at(seconds))
    if holds:
        assert signer.verify(TOKEN).sub == "user_1"
    else:
        with pytest.raises(Unauthenticated):
            signer.verify(TOKEN)


def test_life_is_capped_when_issued() -> None:
    _, claims = SIGNER.issue("user_1", 0, 10**9)
    assert claims.exp == NOW + LONGEST_LIFE["access-token"]


def test_two_tokens_never_share_a_fingerprint() -> None:
    tokens = [SIGNER.issue("user_1", 3, 3600)[0] for _ in range(50)]
    assert len({hashlib.sha256(token.encode()).digest() for token in tokens}) == 50

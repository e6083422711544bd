"""Signed-in pages: the session cookie, and proof that a request comes from our own page.

Rules: the cookie is HttpOnly, SameSite=Lax and on https Secure; a new one at every sign-in. Dialects' routes never look at it. An act that
changes something needs, besides the cookie, the browser's own word (Sec-Fetch-Site or Origin) that our page asked for it.
Source: RFC 6265bis, Fetch Metadata Request Headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

COOKIE: Final = "antiphon_session"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Page(msgspec.Struct, frozen=True):
    """Where a cookie is accepted. origins: what our own pages are called, as `https://host[:port]`."""

    method: str
    origins: frozenset[str]


def from_own_page(headers: Mapping[str, str], page: Page) -> bool:
    """Whether a request may act on the strength of a cookie. headers have lower-case names."""
    if page.method in SAFE_METHODS:
        return True
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None and origin is None:
        return False
    return site in (None, "same-origin") and (origin is None or origin in page.origins)


def read_cookie(headers: Mapping[str, str]) -> str | None:
    """The session's secret; None when there is none, or two different ones (somebody planted one)."""
    found = set()
    for pair in headers.get("cookie", "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE and value:
            found.add(value)
    return found.pop() if len(found) == 1 else None


def set_cookie(secret: str, seconds: int, *, secure: bool, path: str = "/") -> str:
    """Value of a Set-Cookie header. seconds: 0 takes the cookie away."""
    return f"{COOKIE}={secret}; Path={path or '/'}; Max-Age={seconds}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"

"""What may be the name of a model or of a model server, and what may be its address. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from antiphon.core.errors import BadRequest
from antiphon.core.target import BUILT_IN

_NAME = re.compile(r"[^\s/?#%\x00-\x1f\x7f][^\s?#%\x00-\x1f\x7f]{0,127}")
_VERSION = re.compile(r"/v\d+[a-z0-9]*(?:/|$)")


def model_name(name: str) -> str:
    """Raises BadRequest. A slash is allowed: some servers name their models so."""
    if not _NAME.fullmatch(name):
        raise BadRequest("A model's name has 1 to 128 characters without white space, '?', '#' or '%'.", param="name", code="bad_name")
    return name


def backend_name(name: str) -> str:
    """Raises BadRequest. No slash, because `server/model` is how a model is named in full."""
    if not _NAME.fullmatch(name) or "/" in name or name in BUILT_IN:
        raise BadRequest(
            f"A model server's name has 1 to 128 characters without white space, '/', '?', '#' or '%', and is not {' or '.join(BUILT_IN)}.",
            param="name",
            code="bad_name",
        )
    return name


def address(url: str) -> str:
    """A base URL in one spelling: with a scheme (http where none was given), without a trailing slash. Raises BadRequest."""
    text = url.strip()
    text = (text if "://" in text else "http://" + text).rstrip("/")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or not text.startswith(("http://", "https://")) or any(character in text for character in "@?#\\ \t\r\n"):
        raise BadRequest("A base URL is http(s)://HOST[:PORT][/PATH], without user, query or fragment.", param="base_url", code="bad_url")
    return text.replace("//0.0.0.0", "//127.0.0.1", 1).removesuffix("/chat/completions")


def roots(base_url: str) -> tuple[str, ...]:
    """Where the API may begin, in the order to try: people give base URLs with and without /v1, and a few servers have none."""
    base = address(base_url)
    if _VERSION.search(urlsplit(base).path):
        return (base,)
    return (base + "/v1", base)

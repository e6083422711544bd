"""Sites: where a widget may stand. A slug (the widget's tokenSlug), one collection, a bot, the origins of its pages, limits.

A site is a subject of grants: making one public lets `site:<slug>` read its collection and, where it names a bot of its own, ask it. The
bot's model must be open to the site too; that stays an administrator's own decision, because answers may cost money.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from antiphon.core.errors import BadRequest

MAX_ORIGINS: Final = 100
SLUG: Final = re.compile(r"[^\s/?#%&\x00-\x1f\x7f]{1,100}")


class SiteLimits(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """per_minute: answers that one visitor may ask for in a minute; None for the setting."""

    per_minute: Annotated[int, Meta(ge=1, le=10_000)] | None = None


class Site(msgspec.Struct, frozen=True):
    """collection: its id (a name is taken too when saving). bot: a bot's or a model's name, None for the default."""

    slug: str
    collection: str
    bot: str | None = None
    origins: tuple[str, ...] = ()
    limits: SiteLimits = SiteLimits()
    public: bool = False
    created_at: int = 0

    @property
    def per_minute(self) -> int | None:
        return self.limits.per_minute


def origins_of(given: Iterable[str]) -> tuple[str, ...]:
    """Origins as browsers spell them (RFC 6454): lower case, without a default port or a path. Raises BadRequest."""
    origins = tuple(dict.fromkeys(_origin(text) for text in given))
    if len(origins) > MAX_ORIGINS:
        raise BadRequest(f"A site has at most {MAX_ORIGINS} origins.", param="origins")
    return origins


def _origin(text: str) -> str:
    wrong = BadRequest(f"{text!r} is not an origin like https://docs.example.org", param="origins", code="bad_origin")
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    default = {"http": 80, "https": 443}.get(parts.scheme)
    extra = parts.path.removeprefix("/") or parts.query or parts.fragment
    if default is None or not host or extra or "@" in parts.netloc:
        raise wrong
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port in (None, default) else f":{port}")

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
import sqlalchemy as sa
from msgspec import Meta

from antiphon.bots.store import collection_ids, find_bot
from antiphon.core.errors import BadRequest, NotFound
from antiphon.permissions import grants
from antiphon.storage.ids import now_ms
from antiphon.storage.tables.models import sites

MAX_ORIGINS: Final = 100
_SLUG = re.compile(r"[^\s/?#%&\x00-\x1f\x7f]{1,100}")


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


_COLUMNS: Final = [sites.c[name] for name in Site.__struct_fields__]


def list_sites(connection: sa.Connection) -> list[Site]:
    return [_site(row) for row in connection.execute(sa.select(*_COLUMNS).order_by(sites.c.slug))]


def find_site(connection: sa.Connection, slug: str) -> Site | None:
    row = connection.execute(sa.select(*_COLUMNS).where(sites.c.slug == slug)).first()
    return None if row is None else _site(row)


def all_origins(connection: sa.Connection) -> frozenset[str]:
    """The union over all sites, for preflights, which do not say which site is meant."""
    return frozenset(origin for site in list_sites(connection) for origin in site.origins)


def _site(row: sa.Row[*tuple[object, ...]]) -> Site:
    return msgspec.convert(dict(zip(Site.__struct_fields__, row, strict=True)), Site)


def save_site(connection: sa.Connection, site: Site, *, owner: str | None = None) -> Site:
    """Make or replace the site of this slug, with its grants. Raises BadRequest, NotFound for its collection."""
    if not _SLUG.fullmatch(site.slug):
        raise BadRequest("A site's slug has 1 to 100 characters without white space or any of / ? # % &.", param="slug", code="bad_name")
    (collection,) = collection_ids(connection, [site.collection])
    site = msgspec.structs.replace(site, collection=collection, origins=origins_of(site.origins))
    before = find_site(connection, site.slug)
    values = {
        "collection": collection,
        "bot": site.bot or None,
        "origins": list(site.origins),
        "limits": msgspec.to_builtins(site.limits),
        "public": site.public,
        "updated_at": now_ms(),
    }
    if before is None:
        connection.execute(sites.insert().values(slug=site.slug, created_at=now_ms(), **values))
        grants.establish(connection, "site", site.slug, owner, "members")
    else:
        connection.execute(sites.update().where(sites.c.slug == site.slug).values(**values))
        _ungrant(connection, before)
    _grant(connection, site)
    return site


def remove_site(connection: sa.Connection, slug: str) -> None:
    """Raises NotFound."""
    if connection.execute(sites.delete().where(sites.c.slug == slug)).rowcount == 0:
        raise NotFound("There is no such site.", code="unknown_site")
    grants.forget(connection, "site", slug)
    grants.forget_subject(connection, f"site:{slug}")


def _grant(connection: sa.Connection, site: Site) -> None:
    if not site.public:
        return
    grants.give(connection, "collection", site.collection, f"site:{site.slug}", "reader")
    if site.bot is not None and find_bot(connection, site.bot) is not None:
        grants.give(connection, "bot", site.bot, f"site:{site.slug}", "reader")


def _ungrant(connection: sa.Connection, site: Site) -> None:
    grants.take(connection, "collection", site.collection, f"site:{site.slug}")
    if site.bot is not None:
        grants.take(connection, "bot", site.bot, f"site:{site.slug}")


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

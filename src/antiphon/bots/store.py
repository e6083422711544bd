"""Rows of bots (a model, a persona, collections, parameters) and of sites, and their validation; who may is asked by the caller."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
import sqlalchemy as sa
from msgspec import Meta

from antiphon.bots.sites import SLUG, Site, origins_of
from antiphon.core.errors import BadRequest, Conflict, NotFound
from antiphon.core.request import Sampling
from antiphon.core.target import BUILT_IN
from antiphon.permissions import grants
from antiphon.permissions.grants import Visibility
from antiphon.storage.ids import new_id, now_ms
from antiphon.storage.tables.documents import collections
from antiphon.storage.tables.models import bots, models, sites

ANTIPHON: Final = "antiphon"
RESERVED: Final = frozenset({ANTIPHON, *BUILT_IN})
MAX_PERSONA: Final = 32_000
_NAME = re.compile(r"[^\s/?#%\x00-\x1f\x7f]{1,100}")


class Parameters(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a bot asks of its model and of search; None leaves it to the settings. strict: say that nothing was found rather than ask."""

    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None
    stop: Annotated[tuple[str, ...], Meta(max_length=16)] = ()
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    top_k: Annotated[int, Meta(ge=1, le=100)] | None = None
    min_score: Annotated[float, Meta(ge=0, le=1)] | None = None
    hybrid: bool | None = None
    strict: bool = False

    @property
    def sampling(self) -> Sampling:
        return Sampling(**{name: getattr(self, name) for name in Sampling.__struct_fields__})


class Bot(msgspec.Struct, frozen=True):
    """collections: ids (or names, when saving); None for all that the asker may read, () for none. model: None for the default."""

    name: str
    description: str = ""
    model: str | None = None
    persona: str | None = None
    collections: tuple[str, ...] | None = None
    parameters: Parameters = Parameters()
    hidden: bool = False
    created_at: int = 0


_BOT: Final = [bots.c[name] for name in Bot.__struct_fields__]
_SITE: Final = [sites.c[name] for name in Site.__struct_fields__]
_BOT_NAMED: Final = sa.select(*_BOT).where(bots.c.name == sa.bindparam("wanted"))


def parameters_of(raw: object) -> Parameters:
    """From JSON values. Raises BadRequest naming the field."""
    try:
        return msgspec.convert(raw, Parameters)
    except msgspec.ValidationError as error:
        raise BadRequest(f"A bot's parameters cannot be used: {error}", param="parameters") from None


def list_bots(connection: sa.Connection, readable: sa.Select[str] | None = None) -> list[Bot]:
    """By name; those of `readable` only, when it is given."""
    query = sa.select(*_BOT).order_by(bots.c.name)
    if readable is not None:
        query = query.where(bots.c.name.in_(readable))
    return [_bot(row) for row in connection.execute(query)]


def find_bot(connection: sa.Connection, name: str) -> Bot | None:
    row = connection.execute(_BOT_NAMED, {"wanted": name}).first()
    return None if row is None else _bot(row)


def _bot(row: sa.Row[*tuple[object, ...]]) -> Bot:
    return msgspec.convert(dict(zip(Bot.__struct_fields__, row, strict=True)), Bot)


def add_bot(connection: sa.Connection, bot: Bot, *, owner: str | None = None, visibility: Visibility = "members") -> None:
    """Raises BadRequest, Conflict (also for a model's name: one of the two could not be reached any more), NotFound for a collection."""
    _check(bot)
    taken = find_bot(connection, bot.name) or connection.execute(sa.select(models.c.name).where(models.c.name == bot.name)).first()
    if taken is not None or bot.name in RESERVED:
        raise Conflict(f"The name {bot.name!r} is taken.", param="name", code="name_taken")
    connection.execute(bots.insert().values(id=new_id("bot"), name=bot.name, created_at=now_ms(), **_values(connection, bot)))
    grants.establish(connection, "bot", bot.name, owner, visibility)


def change_bot(connection: sa.Connection, name: str, bot: Bot) -> None:
    """Replace everything but the name. Raises BadRequest, NotFound."""
    _check(bot)
    if connection.execute(bots.update().where(bots.c.name == name).values(**_values(connection, bot))).rowcount == 0:
        raise NotFound("There is no such bot.", code="bot_not_found")


def remove_bot(connection: sa.Connection, name: str) -> None:
    """Raises NotFound."""
    if connection.execute(bots.delete().where(bots.c.name == name)).rowcount == 0:
        raise NotFound("There is no such bot.", code="bot_not_found")
    grants.forget(connection, "bot", name)


def collection_ids(connection: sa.Connection, names: Sequence[str]) -> tuple[str, ...]:
    """Ids for names or ids, in their order. Raises NotFound."""
    found: list[str] = []
    for name in names:
        id = connection.scalar(sa.select(collections.c.id).where(sa.or_(collections.c.name == name, collections.c.id == name)))
        if id is None:
            raise NotFound(f"There is no collection {name!r}.", code="collection_not_found", param="collections")
        found.append(str(id))
    return tuple(dict.fromkeys(found))


def _check(bot: Bot) -> None:
    if not _NAME.fullmatch(bot.name):
        raise BadRequest("A bot's name has 1 to 100 characters without white space, '/', '?', '#' or '%'.", param="name", code="bad_name")
    if len(bot.persona or "") > MAX_PERSONA:
        raise BadRequest(f"A persona has at most {MAX_PERSONA} characters.", param="persona")
    parameters_of(msgspec.to_builtins(bot.parameters))


def _values(connection: sa.Connection, bot: Bot) -> dict[str, object]:
    return {
        "description": bot.description,
        "model": bot.model or None,
        "persona": bot.persona or None,
        "collections": sa.null() if bot.collections is None else list(collection_ids(connection, bot.collections)),
        "parameters": msgspec.to_builtins(bot.parameters),
        "hidden": bot.hidden,
        "updated_at": now_ms(),
    }


_SITE_NAMED: Final = sa.select(*_SITE).where(sites.c.slug == sa.bindparam("wanted"))


def list_sites(connection: sa.Connection) -> list[Site]:
    return [_site(row) for row in connection.execute(sa.select(*_SITE).order_by(sites.c.slug))]


def find_site(connection: sa.Connection, slug: str) -> Site | None:
    row = connection.execute(_SITE_NAMED, {"wanted": slug}).first()
    return None if row is None else _site(row)


def all_origins(connection: sa.Connection) -> frozenset[str]:
    """The union over all sites, for preflights, which do not say which site is meant."""
    return frozenset(origin for site in list_sites(connection) for origin in site.origins)


def _site(row: sa.Row[*tuple[object, ...]]) -> Site:
    return msgspec.convert(dict(zip(Site.__struct_fields__, row, strict=True)), Site)


def save_site(connection: sa.Connection, site: Site, *, owner: str | None = None) -> Site:
    """Make or replace the site of this slug, with its grants. Raises BadRequest, NotFound for its collection."""
    if not SLUG.fullmatch(site.slug):
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
        _close_to_visitors(connection, before)
    _open_to_visitors(connection, site)
    return site


def remove_site(connection: sa.Connection, slug: str) -> None:
    """Raises NotFound."""
    if connection.execute(sites.delete().where(sites.c.slug == slug)).rowcount == 0:
        raise NotFound("There is no such site.", code="unknown_site")
    grants.forget(connection, "site", slug)
    grants.forget_subject(connection, f"site:{slug}")


def _open_to_visitors(connection: sa.Connection, site: Site) -> None:
    if not site.public:
        return
    grants.give(connection, "collection", site.collection, f"site:{site.slug}", "reader")
    if site.bot is not None and find_bot(connection, site.bot) is not None:
        grants.give(connection, "bot", site.bot, f"site:{site.slug}", "reader")


def _close_to_visitors(connection: sa.Connection, site: Site) -> None:
    grants.take(connection, "collection", site.collection, f"site:{site.slug}")
    if site.bot is not None:
        grants.take(connection, "bot", site.bot, f"site:{site.slug}")

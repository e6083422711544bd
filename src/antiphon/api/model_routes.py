"""Models and their servers, bots, sites: what may be asked by name, and where."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from fastapi import APIRouter, Response
from pydantic import Field

from antiphon.api.management import Asker, Given, Input, Json, Route, needs
from antiphon.bots import store
from antiphon.bots.sites import Site, SiteLimits
from antiphon.bots.store import Bot, parameters_of
from antiphon.core.errors import BadRequest, NotFound
from antiphon.models.service import NewServer
from antiphon.permissions.readable import check, readable

router = APIRouter(prefix="/api", tags=["models"], route_class=Route)

Visibility = Literal["private", "members", "public"]


class NewModel(Input):
    """A model at an address. With discover, every model that its server lists is offered; else the one called `name` (upstream: there)."""

    name: str = Field(max_length=128)
    base_url: str = Field(max_length=2_000)
    provider: Literal["openai-compatible"] = "openai-compatible"
    api_key: str | None = Field(default=None, max_length=4_096)
    api_key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")
    upstream: str | None = Field(default=None, max_length=200)
    headers: dict[str, str] = Field(default={}, max_length=50)
    streams: bool = True
    discover: bool = False
    visibility: Visibility = "members"
    context_tokens: int | None = Field(default=None, ge=256)
    input_price: float | None = Field(default=None, ge=0)
    output_price: float | None = Field(default=None, ge=0)


class ModelChange(Input):
    """What is left out stays."""

    visibility: Visibility | None = None
    api_key: str | None = Field(default=None, max_length=4_096)


class BotBody(Input):
    description: str = Field(default="", max_length=2_000)
    model: str | None = Field(default=None, max_length=200)
    persona: str | None = None
    collections: list[str] | None = None
    parameters: dict[str, Any] = Field(default={}, max_length=50)
    hidden: bool = False
    visibility: Visibility = "members"


class SiteBody(Input):
    """What is left out stays as it was, or is the default of a new site."""

    collection: str | None = Field(default=None, max_length=200)
    bot: str | None = Field(default=None, max_length=200)
    origins: list[str] | None = Field(default=None, max_length=100)
    per_minute: int | None = Field(default=None, ge=1, le=10_000)
    public: bool | None = None


@router.get("/models", dependencies=[needs("read", "server")])
async def list_servers(services: Given) -> Response:
    """Where models come from; of a key only whether there is one."""
    return Json({"servers": await services.models.views()})


@router.post("/models", dependencies=[needs("create", "model")], status_code=201)
async def add_model(body: NewModel, services: Given) -> Response:
    new = NewServer(
        name=body.name,
        base_url=body.base_url,
        provider=body.provider,
        key=body.api_key,
        key_variable=body.api_key_env,
        upstream=body.upstream,
        headers=body.headers,
        streams=body.streams,
        discover=body.discover,
        visibility=body.visibility,
        context_tokens=body.context_tokens,
        input_price=body.input_price,
        output_price=body.output_price,
    )
    await services.models.add(new)
    return Json({"name": body.name}, 201)


@router.patch("/models/{name}", dependencies=[needs("create", "model")])
async def change_model(name: str, body: ModelChange, services: Given) -> Response:
    if body.api_key is None and body.visibility is None:
        raise BadRequest("Say what to change: visibility or api_key.")
    if body.api_key is not None:
        await services.models.set_key(name, body.api_key)
    if body.visibility is not None:
        await services.models.show(name, body.visibility)
    return Json({"name": name})


@router.delete("/models/{name}", dependencies=[needs("create", "model")], status_code=204)
async def remove_model(name: str, services: Given) -> Response:
    await services.models.remove(name)
    return Response(status_code=204)


@router.get("/bots", dependencies=[needs("read", "bot")])
async def list_bots(services: Given, actor: Asker) -> Response:
    """Names and descriptions; a bot's persona and parameters are for those who may change it."""
    found = await services.db.read(store.list_bots, readable(actor, "bot"))
    return Json({"bots": [{"name": bot.name, "description": bot.description} for bot in found]})


@router.get("/bots/{name}", dependencies=[needs("manage", "bot")])
async def read_bot(name: str, services: Given, actor: Asker) -> Response:
    await services.db.read(check, actor, "manage", "bot", name)
    return Json(await services.db.read(store.find_bot, name))


@router.put("/bots/{name}", dependencies=[needs("create", "bot")])
async def save_bot(name: str, body: BotBody, services: Given, actor: Asker) -> Response:
    """Make or replace a bot."""
    bot = Bot(
        name=name,
        description=body.description,
        model=body.model,
        persona=body.persona,
        collections=None if body.collections is None else tuple(body.collections),
        parameters=parameters_of(body.parameters),
        hidden=body.hidden,
    )
    if await services.db.read(store.find_bot, name) is None:
        owner = None if actor.carrier == "local-token" else actor.user
        await services.db.write(store.add_bot, bot, owner=owner, visibility=body.visibility)
    else:
        await services.db.write(store.change_bot, name, bot)
    return Json(bot)


@router.delete("/bots/{name}", dependencies=[needs("manage", "bot")], status_code=204)
async def remove_bot(name: str, services: Given, actor: Asker) -> Response:
    await services.db.read(check, actor, "manage", "bot", name)
    await services.db.write(store.remove_bot, name)
    return Response(status_code=204)


@router.get("/sites", dependencies=[needs("create", "site")])
async def list_sites(services: Given) -> Response:
    return Json({"sites": await services.db.read(store.list_sites)})


@router.get("/sites/{slug}", dependencies=[needs("create", "site")])
async def read_site(slug: str, services: Given) -> Response:
    found = await services.db.read(store.find_site, slug)
    if found is None:
        raise NotFound("There is no such site.", code="unknown_site")
    return Json(_shown(found))


@router.put("/sites/{slug}", dependencies=[needs("create", "site")])
async def save_site(slug: str, body: SiteBody, services: Given) -> Response:
    """Make or change a site; a new one needs its collection, by default the one of its own name."""
    before = await services.db.read(store.find_site, slug) or Site(slug, body.collection or slug)
    site = msgspec.structs.replace(
        before,
        collection=body.collection or before.collection,
        bot=before.bot if body.bot is None else body.bot or None,
        origins=before.origins if body.origins is None else tuple(body.origins),
        limits=before.limits if body.per_minute is None else SiteLimits(body.per_minute),
        public=before.public if body.public is None else body.public,
    )
    return Json(_shown(await services.db.write(store.save_site, site)))


@router.delete("/sites/{slug}", dependencies=[needs("create", "site")], status_code=204)
async def remove_site(slug: str, services: Given) -> Response:
    await services.db.write(store.remove_site, slug)
    return Response(status_code=204)


def _shown(site: Site) -> dict[str, Any]:
    return {
        "slug": site.slug,
        "collection": site.collection,
        "bot": site.bot,
        "origins": site.origins,
        "per_minute": site.per_minute,
        "public": site.public,
    }

"""What may be asked by name, for whom: bots first, then models. The adapter behind chat.ports.Catalogue.

A bot hides a model of the same name (such a model can still be reached as `server/model`). A bot answers only those who may use both the
bot and its model. Only the built-in bot `antiphon` steps down: for whoever may not use the default model, it answers by `quote`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec
import sqlalchemy as sa

from antiphon.bots.sites import Site
from antiphon.bots.store import ANTIPHON, Bot, all_origins, find_bot, find_site, list_bots
from antiphon.core.actor import Actor
from antiphon.core.errors import NotFound
from antiphon.core.target import QUOTE, Listed, Target
from antiphon.permissions.readable import held, may
from antiphon.storage.database import Database


class Models(Protocol):
    """models.catalogue.ModelCatalogue, by shape. The methods with a connection run in a database thread."""

    @property
    def settled(self) -> bool: ...

    async def settle(self) -> None: ...

    def find(self, connection: sa.Connection, actor: Actor, name: str) -> Target | None: ...

    def listed(self, connection: sa.Connection, actor: Actor) -> list[Listed]: ...


class Defaults(msgspec.Struct, frozen=True):
    """The settings that decide where a bot, or a caller, leaves something open. dialects: who answers on a dialect when nobody is named."""

    model: str | None = None
    dialects: Mapping[str, str] = {}
    top_k: int = 5
    min_score: float = 0.5
    hybrid: bool = True


class Catalogue:
    """`defaults` may be replaced at any time."""

    def __init__(self, db: Database, models: Models, defaults: Defaults) -> None:
        self.defaults = defaults
        self._db = db
        self._models = models

    async def resolve(self, actor: Actor, name: str | None, dialect: str) -> Target:
        """Raises NotFound for a name that is unknown or not the actor's to use."""
        target = await self._db.read(self._find, actor, name, dialect)
        if target is None and not self._models.settled:
            await self._models.settle()
            target = await self._db.read(self._find, actor, name, dialect)
        if target is None:
            raise NotFound(f"The model {name!r} does not exist or is not yours to use.", code="model_not_found", param="model")
        return target

    async def listing(self, actor: Actor) -> list[Listed]:
        """Bots, then models, that this actor may ask. Does not wait for servers that have not listed theirs yet."""
        return await self._db.read(self._listing, actor)

    async def site(self, slug: str) -> Site | None:
        return await self._db.read(find_site, slug)

    async def site_origins(self) -> frozenset[str]:
        """Origins of all sites together."""
        return await self._db.read(all_origins)

    def _find(self, connection: sa.Connection, actor: Actor, name: str | None, dialect: str) -> Target | None:
        if name:
            return self._named(connection, actor, name)
        preset = self.defaults.dialects.get(dialect, ANTIPHON)
        return self._named(connection, actor, preset) or self._built_in(connection, actor)

    def _named(self, connection: sa.Connection, actor: Actor, name: str) -> Target | None:
        if name == ANTIPHON:
            return self._built_in(connection, actor)
        bot = find_bot(connection, name)
        if bot is None or not may(connection, actor, "read", "bot", name):
            model = self._models.find(connection, actor, name)
            return None if model is None else self._with_defaults(model)
        model = self._model(connection, actor, bot.model)
        return None if model is None else self._as_bot(bot, model)

    def _built_in(self, connection: sa.Connection, actor: Actor) -> Target | None:
        model = self._model(connection, actor, None) or self._models.find(connection, actor, QUOTE)
        return None if model is None else self._as_bot(Bot(ANTIPHON), model)

    def _model(self, connection: sa.Connection, actor: Actor, name: str | None) -> Target | None:
        return self._models.find(connection, actor, name or self.defaults.model or QUOTE)

    def _with_defaults(self, model: Target) -> Target:
        defaults = self.defaults
        return msgspec.structs.replace(model, top_k=defaults.top_k, min_score=defaults.min_score, hybrid=defaults.hybrid)

    def _as_bot(self, bot: Bot, model: Target) -> Target:
        defaults, chosen = self.defaults, bot.parameters
        return msgspec.structs.replace(
            model,
            bot=bot.name,
            persona=bot.persona,
            grounded=bot.collections != (),
            collections=bot.collections,
            sampling=chosen.sampling,
            top_k=defaults.top_k if chosen.top_k is None else chosen.top_k,
            min_score=defaults.min_score if chosen.min_score is None else chosen.min_score,
            hybrid=defaults.hybrid if chosen.hybrid is None else chosen.hybrid,
            strict=chosen.strict,
        )

    def _listing(self, connection: sa.Connection, actor: Actor) -> list[Listed]:
        models = self._models.listed(connection, actor)
        allowed = held(connection, actor, "bot")
        found = [Listed(ANTIPHON, models[0].created, ANTIPHON, True)] if models and self._built_in(connection, actor) else []
        found += [
            Listed(bot.name, bot.created_at // 1000, ANTIPHON, True, bot.description)
            for bot in list_bots(connection)
            if bot.name in allowed and not bot.hidden and self._model(connection, actor, bot.model)
        ]
        taken = {item.name for item in found}
        return found + [item for item in models if item.name not in taken]

"""Adding, changing and removing model servers and models, for administrators. Who may is asked by the caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
import sqlalchemy as sa

from antiphon.core.errors import BadRequest, Conflict, NotFound
from antiphon.core.target import BUILT_IN
from antiphon.models import store
from antiphon.models.catalogue import establish
from antiphon.models.discovery import Discovery
from antiphon.models.names import address, backend_name, model_name
from antiphon.models.servers import OPENAI_COMPATIBLE, Origin, Servers
from antiphon.permissions import grants
from antiphon.permissions.grants import Visibility
from antiphon.storage.database import Database

MAX_KEY: Final = 4096


class NewServer(msgspec.Struct, frozen=True):
    """A server to add. Of key and key_variable (the environment variable that holds it) at most one.

    discover: offer all models that it lists; otherwise one model is named after the server (upstream: the server's own name for it).
    """

    name: str
    base_url: str
    provider: str = OPENAI_COMPATIBLE
    key: str | None = None
    key_variable: str | None = None
    upstream: str | None = None
    headers: Mapping[str, str] = {}
    streams: bool = True
    discover: bool = False
    visibility: Visibility = "members"
    context_tokens: int | None = None
    input_price: float | None = None
    output_price: float | None = None

    def __repr__(self) -> str:
        return f"NewServer(name={self.name!r}, base_url={self.base_url!r})"


class ServerView(msgspec.Struct, frozen=True):
    """A server as administrators see it; of its key only whether there is one."""

    name: str
    origin: Origin
    base_url: str
    has_key: bool
    key_variable: str | None
    discover: bool
    visibility: Visibility
    models: tuple[str, ...]


class ModelService:
    def __init__(self, db: Database, servers: Servers, discovery: Discovery) -> None:
        self._db = db
        self._servers = servers
        self._discovery = discovery

    async def establish(self, *, environment_public: bool) -> None:
        """Give what was found at start its grants; again when the setting changes."""
        await self._db.write(establish, self._servers.given, environment_public=environment_public)

    async def add(self, new: NewServer) -> None:
        """Raises BadRequest, Conflict."""
        backend_name(new.name)
        if new.provider != OPENAI_COMPATIBLE:
            raise BadRequest(f"The provider must be {OPENAI_COMPATIBLE!r}.", param="provider", code="unknown_provider")
        if new.key is not None and new.key_variable is not None:
            raise BadRequest("Give the key or the variable that holds it, not both.", param="key")
        await self._db.write(self._add, new, address(new.base_url))
        self._discovery.again()

    def _add(self, connection: sa.Connection, new: NewServer, url: str) -> None:
        id = store.new_backend_id()
        store.add_backend(
            connection,
            id,
            new.name,
            provider=new.provider,
            base_url=url,
            sealed_key=None if new.key is None else self._servers.seal(_key(new.key), id),
            key_variable=new.key_variable,
            headers=dict(new.headers),
            streams=new.streams,
            discover=new.discover,
        )
        if not new.discover or new.upstream is not None:
            prices = {"context_tokens": new.context_tokens, "input_price": new.input_price, "output_price": new.output_price}
            store.add_model(connection, new.name, new.name, upstream=new.upstream, **prices)
        grants.establish(connection, "model", new.name, None, new.visibility)

    async def add_model(
        self,
        name: str,
        backend: str,
        *,
        upstream: str | None = None,
        context_tokens: int | None = None,
        input_price: float | None = None,
        output_price: float | None = None,
    ) -> None:
        """Name one more model of a stored server. Raises BadRequest, Conflict, NotFound."""
        if model_name(name) in BUILT_IN:
            raise Conflict(f"{name!r} is built in.", param="name", code="name_taken")
        prices = {"context_tokens": context_tokens, "input_price": input_price, "output_price": output_price}
        await self._db.write(store.add_model, name, backend, upstream=upstream, **prices)

    async def remove(self, name: str) -> None:
        """A server with all its models, else a model. Raises NotFound."""
        await self._db.write(self._remove, name)
        self._discovery.again()

    def _remove(self, connection: sa.Connection, name: str) -> None:
        if store.find_backend(connection, name) is None:
            store.remove_model(connection, name)
            return
        store.remove_backend(connection, name)
        if all(name != item.name for item in self._servers.given):
            grants.forget(connection, "model", name)

    async def set_key(self, name: str, key: str) -> None:
        """Raises BadRequest, NotFound."""
        await self._db.write(self._set_key, name, _key(key))
        self._discovery.again()

    def _set_key(self, connection: sa.Connection, name: str, key: str) -> None:
        row = store.find_backend(connection, name)
        sealed = None if row is None else self._servers.seal(key, row.id)
        store.change_backend(connection, name, sealed_key=sealed, key_variable=None)

    async def show(self, name: str, visibility: Visibility) -> None:
        """Who may use a server's models, or a built-in one's. Raises BadRequest, NotFound."""
        if visibility == "public" and any(item.name == name and item.origin == "environment" for item in self._servers.given):
            raise BadRequest(
                "What a key in the environment may serve is said by the setting access.environment_key_public.", param="visibility"
            )
        await self._db.write(self._show, name, visibility)

    def _show(self, connection: sa.Connection, name: str, visibility: Visibility) -> None:
        if not grants.held(connection, "model", name):
            raise NotFound(f"There is no model server named {name!r}.", code="backend_not_found")
        grants.show(connection, "model", name, visibility)

    async def views(self) -> list[ServerView]:
        return await self._db.read(self._views)

    def _views(self, connection: sa.Connection) -> list[ServerView]:
        named: dict[str, list[str]] = {}
        for row in store.list_models(connection):
            named.setdefault(row.backend, []).append(row.name)
        variables = {row.name: row.key_variable for row in store.list_backends(connection)}
        views = []
        for server in self._servers.all(connection):
            listed = self._discovery.listed.get(server.name, ())
            if server.origin == "local" and not listed:
                continue
            views.append(
                ServerView(
                    server.name,
                    server.origin,
                    server.server.bases[0],
                    server.server.key is not None,
                    variables.get(server.name),
                    server.discover,
                    grants.visibility(connection, "model", server.name),
                    tuple(dict.fromkeys([*named.get(server.name, ()), *listed])),
                )
            )
        return views


def _key(key: str) -> str:
    """Raises BadRequest. A key travels in a header, so it is visible ASCII."""
    text = key.strip()
    if not text or len(text) > MAX_KEY or not text.isascii() or not text.isprintable() or " " in text:
        raise BadRequest("That cannot be an API key.", param="key", code="bad_key")
    return text

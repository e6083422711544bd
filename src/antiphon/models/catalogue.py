"""Which model a name means, for whom, and which models there are to list.

A name is looked for in this order: built-in models; models that an administrator named; models that a server lists, servers in the order of
`Servers.all`; `server/model`. Whoever may not use a server does not see its models at all: for him the name is looked for further on.
Rule: permission is asked of `readable` for each look-up; nothing about it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
import sqlalchemy as sa

from antiphon.core.actor import Actor
from antiphon.core.target import ECHO, QUOTE, Listed, Provider, Target
from antiphon.models.discovery import Discovery
from antiphon.models.servers import ModelServer, Servers
from antiphon.models.store import ModelRow, find_model, list_models
from antiphon.permissions import grants
from antiphon.permissions.readable import held, may


class ModelCatalogue:
    """Models by name. built_in: providers that need no server, by model name: `quote`, `echo`."""

    def __init__(self, servers: Servers, discovery: Discovery, built_in: Mapping[str, Provider]) -> None:
        self._servers = servers
        self._discovery = discovery
        self._built_in = built_in

    @property
    def settled(self) -> bool:
        return self._discovery.settled

    async def settle(self) -> None:
        """Wait until servers were asked for their models once."""
        await self._discovery.settle()

    def find(self, connection: sa.Connection, actor: Actor, name: str) -> Target | None:
        """The model that the name means for this actor; None for one that is unknown or not his to use."""
        provider = self._built_in.get(name)
        if provider is not None:
            return _built_in(name, provider) if may(connection, actor, "read", "model", name) else None
        row = find_model(connection, name)
        if row is not None and may(connection, actor, "read", "model", row.backend):
            server = self._servers.find(connection, row.backend)
            return None if server is None else self._named(row, server)
        allowed = self._allowed(connection, actor)
        for server in allowed:
            if name in self._discovery.listed.get(server.name, ()):
                return self._target(name, name, server)
        prefix, slash, upstream = name.partition("/")
        for server in allowed:
            if slash and upstream and server.name == prefix and server.discover:
                return self._target(name, upstream, server)
        return None

    def listed(self, connection: sa.Connection, actor: Actor) -> list[Listed]:
        """What this actor may name, without repetition: of two models of one name the second is listed as `server/model`."""
        allowed = held(connection, actor, "model")
        since = self._discovery.since
        found = [Listed(name, since, "antiphon") for name in self._built_in if name in allowed]
        found += [Listed(row.name, row.created_at // 1000, row.backend) for row in list_models(connection) if row.backend in allowed]
        taken = {item.name for item in found}
        for server in self._servers.all(connection):
            if server.name not in allowed:
                continue
            for name in self._discovery.listed.get(server.name, ()):
                full = name if name not in taken else f"{server.name}/{name}"
                if full not in taken:
                    taken.add(full)
                    found.append(Listed(full, since, server.name))
        return found

    def _allowed(self, connection: sa.Connection, actor: Actor) -> list[ModelServer]:
        allowed = held(connection, actor, "model")
        return [server for server in self._servers.all(connection) if server.name in allowed]

    def _named(self, row: ModelRow, server: ModelServer) -> Target:
        listed = self._discovery.listed.get(server.name, ())
        upstream = row.upstream or (listed[0] if len(listed) == 1 else row.name)
        target = self._target(row.name, upstream, server)
        return msgspec.structs.replace(
            target, context_tokens=row.context_tokens, input_price=row.input_price, output_price=row.output_price
        )

    def _target(self, name: str, upstream: str, server: ModelServer) -> Target:
        return Target(name, self._servers.provider(server), upstream)


def _built_in(name: str, provider: Provider) -> Target:
    """`quote` could say nothing without passages, so it is grounded even when asked by its own name."""
    if name == QUOTE:
        return Target(name, provider, name, grounded=True, collections=None)
    return Target(name, provider, name)


def establish(connection: sa.Connection, servers: Iterable[ModelServer], *, environment_public: bool) -> None:
    """The first grants of what nobody added: `quote` is everyone's, `echo` the administrators', found servers are the members'.

    environment_public: whether those of the environment serve the nameless too; what the setting says now counts, not what it said before.
    """
    grants.establish(connection, "model", QUOTE, None, "public")
    grants.establish(connection, "model", ECHO, None, "private")
    for server in servers:
        grants.establish(connection, "model", server.name, None, "members")
        if server.origin != "environment":
            continue
        if environment_public:
            grants.give(connection, "model", server.name, grants.EVERYONE, "reader")
        else:
            grants.take(connection, "model", server.name, grants.EVERYONE)

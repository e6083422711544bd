"""The model servers there are: those of the environment, a local Ollama, and those that an administrator added; and a provider for each.

A stored server hides one of the environment with the same name. A provider lives as long as its server's row stays as it is, because it
remembers what it learned about the server. Keys are opened here, when a provider is made, and go nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, Protocol
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa

from antiphon.core.errors import BadRequest, OurError
from antiphon.core.target import Provider
from antiphon.models.environment import Found
from antiphon.models.names import roots
from antiphon.models.store import BackendRow, find_backend, list_backends
from antiphon.providers.openai_compatible.encode import MaxTokensField
from antiphon.providers.openai_compatible.provider import OpenAICompatible, Server
from antiphon.providers.transport import Limits, Transport

OPENAI_COMPATIBLE: Final = "openai-compatible"
OLLAMA: Final = "ollama"
DEFAULT_LIMITS: Final = Limits()
Origin = Literal["environment", "local", "stored"]


class Cipher(Protocol):
    """accounts.secrets.SecretBox, by shape."""

    def seal(self, secret: str, context: str) -> str: ...

    def open(self, sealed: str, context: str) -> str: ...


class ModelServer(msgspec.Struct, frozen=True):
    """One server. discover: all models that it lists are offered. revision: changes when its row does."""

    name: str
    origin: Origin
    server: Server
    discover: bool = True
    revision: int = 0


class Servers:
    """Looks servers up by name. Methods that take a connection run in a database thread."""

    def __init__(
        self,
        transport: Transport,
        box: Cipher,
        variable: Callable[[str], str | None],
        *,
        found: Sequence[Found] = (),
        ollama_url: str = "",
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        """variable: the value of an environment variable that a stored server names. ollama_url: '' looks for none."""
        self.transport = transport
        self.notices: list[str] = []
        self._box = box
        self._variable = variable
        self._limits = limits
        self._providers: dict[str, tuple[int, OpenAICompatible]] = {}
        self._given: dict[str, ModelServer] = {}
        for item in found:
            self._give(item.name, "environment", item.base_url, item.key, item.headers)
        if ollama_url and OLLAMA not in self._given:
            self._give(OLLAMA, "local", ollama_url, None, {})

    def _give(self, name: str, origin: Origin, url: str, key: str | None, headers: Mapping[str, str]) -> None:
        try:
            self._given[name] = ModelServer(name, origin, self._server(url, key, headers, streams=True))
        except BadRequest as error:
            self.notices.append(f"The address of the model server {name!r} cannot be used: {error.message}")

    @property
    def given(self) -> tuple[ModelServer, ...]:
        """Those that nobody added: of the environment, then the local one, whether or not it answers."""
        return tuple(self._given.values())

    def set_limits(self, limits: Limits) -> None:
        """From the next call on."""
        self._limits = limits
        self._given = {
            name: msgspec.structs.replace(item, server=msgspec.structs.replace(item.server, limits=limits))
            for name, item in self._given.items()
        }
        self._providers = {}

    def all(self, connection: sa.Connection) -> list[ModelServer]:
        """In the order in which a name that several of them serve is looked for: stored ones by name, then the others."""
        stored = [self._stored(row) for row in list_backends(connection)]
        names = {item.name for item in stored}
        return stored + [item for item in self.given if item.name not in names]

    def find(self, connection: sa.Connection, name: str) -> ModelServer | None:
        row = find_backend(connection, name)
        return self._given.get(name) if row is None else self._stored(row)

    def provider(self, server: ModelServer) -> Provider:
        known = self._providers.get(server.name)
        if known is not None and known[0] == server.revision:
            return known[1]
        provider = OpenAICompatible(self.transport, server.server)
        self._providers[server.name] = (server.revision, provider)
        return provider

    def seal(self, key: str, backend: str) -> str:
        """backend: the row's id, to which the sealed key is bound."""
        return self._box.seal(key, backend)

    def _stored(self, row: BackendRow) -> ModelServer:
        key = None
        if row.sealed_key is not None:
            try:
                key = self._box.open(row.sealed_key, row.id)
            except OurError:
                key = None  # the server will refuse us, and its error says that credentials must be renewed
        elif row.key_variable is not None:
            key = self._variable(row.key_variable)
        server = self._server(row.base_url, key, row.headers, streams=row.streams)
        return ModelServer(row.name, "stored", server, row.discover, row.updated_at)

    def _server(self, url: str, key: str | None, headers: Mapping[str, str], *, streams: bool) -> Server:
        bases = roots(url)
        return Server(bases, key, dict(headers), streams, _max_tokens_field(bases[0]), self._limits)


def _max_tokens_field(url: str) -> MaxTokensField:
    """OpenAI's own servers refuse the older name for newer models; others may not know the newer one."""
    host = urlsplit(url).hostname or ""
    own = host == "api.openai.com" or host.endswith((".openai.azure.com", ".cognitiveservices.azure.com"))
    return "max_completion_tokens" if own else "max_tokens"

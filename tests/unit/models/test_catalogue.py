from __future__ import annotations

from collections.abc import Mapping

import pytest
import sqlalchemy as sa

from antiphon.core.actor import ANONYMOUS, SYSTEM, Actor
from antiphon.core.target import Target
from antiphon.models import store
from antiphon.models.catalogue import ModelCatalogue, establish
from antiphon.models.discovery import Discovery
from antiphon.models.environment import Found
from antiphon.models.servers import Cipher, Servers
from antiphon.permissions import grants
from antiphon.providers.echo.provider import Echo
from antiphon.providers.openai_compatible.provider import OpenAICompatible
from antiphon.providers.transport import Transport
from antiphon.storage.database import Database
from antiphon.storage.tables.models import backends

pytestmark = pytest.mark.anyio

MEMBER = Actor(kind="user", user="user_1", name="ann")
LOCAL = Actor(kind="local")
VISITOR = Actor(kind="visitor", site="docs")
SEARCH_KEY = Actor(kind="key", user="user_1", key="key_1", scopes=frozenset({"search"}))
FOUND = (Found("openai", "https://api.openai.com/v1", "sk-of-the-environment", ("OPENAI_API_KEY",)),)


class World:
    """A database, its catalogue, and what its servers list."""

    def __init__(self, db: Database, servers: Servers, discovery: Discovery) -> None:
        self.db, self.servers, self.discovery = db, servers, discovery
        self.catalogue = ModelCatalogue(servers, discovery, {"quote": Echo(), "echo": Echo()})

    async def target(self, actor: Actor, name: str) -> Target | None:
        return await self.db.read(self.catalogue.find, actor, name)

    async def names(self, actor: Actor) -> list[str]:
        return [item.name for item in await self.db.read(self.catalogue.listed, actor)]

    def list(self, listed: Mapping[str, tuple[str, ...]]) -> None:
        self.discovery.listed = dict(listed)


@pytest.fixture
async def world(db: Database, transport: Transport, box: Cipher) -> World:
    servers = Servers(transport, box, {"LAB_KEY": "sk-of-the-lab"}.get, found=FOUND, ollama_url="localhost:11434")

    async def none() -> tuple[()]:
        return ()

    await db.write(establish, servers.given, environment_public=False)
    return World(db, servers, Discovery(transport, none))


def add(
    connection: sa.Connection,
    name: str,
    model: str | None = None,
    visibility: grants.Visibility = "members",
    *,
    discover: bool = False,
    sealed_key: str | None = None,
    key_variable: str | None = None,
) -> None:
    keys = {"sealed_key": sealed_key, "key_variable": key_variable}
    store.add_backend(
        connection, f"backend_{name}", name, provider="openai-compatible", base_url="http://lab", headers={}, discover=discover, **keys
    )
    if model is not None:
        store.add_model(connection, model, name)
    grants.establish(connection, "model", name, None, visibility)


def asked(target: Target | None) -> tuple[str, str | None]:
    """First base URL and key of the server that a target leads to."""
    assert target is not None
    assert isinstance(target.provider, OpenAICompatible)
    return target.provider.server.bases[0], target.provider.server.key


@pytest.mark.parametrize("actor", [ANONYMOUS, LOCAL, VISITOR, MEMBER, SYSTEM])
async def test_quote_is_everyones_and_grounded(actor: Actor, world: World) -> None:
    target = await world.target(actor, "quote")
    assert target is not None
    assert (target.grounded, target.collections, target.upstream) == (True, None, "quote")


async def test_echo_is_the_administrators(world: World) -> None:
    assert await world.target(SYSTEM, "echo") is not None
    assert await world.target(MEMBER, "echo") is None


async def test_a_key_found_in_the_environment_serves_members_only(world: World) -> None:
    world.list({"openai": ("gpt",)})
    assert asked(await world.target(MEMBER, "gpt")) == ("https://api.openai.com/v1", "sk-of-the-environment")
    for actor in (ANONYMOUS, LOCAL, VISITOR, SEARCH_KEY):
        assert await world.target(actor, "gpt") is None
        assert await world.target(actor, "openai/gpt") is None
        assert "gpt" not in await world.names(actor)


async def test_until_the_setting_says_otherwise_and_no_longer(world: World) -> None:
    world.list({"openai": ("gpt",)})
    await world.db.write(establish, world.servers.given, environment_public=True)
    assert await world.target(VISITOR, "gpt") is not None
    await world.db.write(establish, world.servers.given, environment_public=False)
    assert await world.target(VISITOR, "gpt") is None
    assert await world.target(MEMBER, "gpt") is not None


async def test_a_model_can_be_named_in_full_even_unlisted(world: World) -> None:
    target = await world.target(MEMBER, "openai/new-model")
    assert target is not None
    assert (target.model, target.upstream) == ("openai/new-model", "new-model")
    assert await world.target(MEMBER, "new-model") is None


async def test_a_named_model_goes_before_a_listed_one(world: World) -> None:
    await world.db.write(add, "lab", model="gpt")
    world.list({"openai": ("gpt", "other")})
    assert asked(await world.target(MEMBER, "gpt"))[0] == "http://lab/v1"
    assert asked(await world.target(MEMBER, "openai/gpt"))[0] == "https://api.openai.com/v1"
    assert await world.names(MEMBER) == ["quote", "gpt", "openai/gpt", "other"]


async def test_what_one_may_not_use_hides_nothing(world: World) -> None:
    await world.db.write(add, "lab", model="gpt", visibility="private")
    world.list({"openai": ("gpt",)})
    assert asked(await world.target(MEMBER, "gpt"))[0] == "https://api.openai.com/v1"
    assert asked(await world.target(SYSTEM, "gpt"))[0] == "http://lab/v1"


async def test_a_stored_server_hides_a_found_one_of_its_name(world: World) -> None:
    await world.db.write(add, "openai", discover=True)
    world.list({"openai": ("gpt",)})
    assert asked(await world.target(MEMBER, "gpt")) == ("http://lab/v1", None)


async def test_the_only_model_of_a_server_needs_no_name_of_its_own(world: World) -> None:
    await world.db.write(add, "lab", model="mine")
    for listed, upstream in (((), "mine"), (("x.gguf",), "x.gguf"), (("a", "b"), "mine")):
        world.list({"lab": listed})
        target = await world.target(MEMBER, "mine")
        assert target is not None
        assert target.upstream == upstream


async def test_keys_are_opened_where_they_belong(world: World, box: Cipher) -> None:
    await world.db.write(add, "sealed", model="a", sealed_key=box.seal("sk-secret", "backend_sealed"))
    await world.db.write(add, "moved", model="b", sealed_key=box.seal("sk-secret", "backend_sealed"))
    await world.db.write(add, "lab", model="c", key_variable="LAB_KEY")
    await world.db.write(add, "unset", model="d", key_variable="NOT_SET")
    assert [asked(await world.target(MEMBER, name))[1] for name in "abcd"] == ["sk-secret", None, "sk-of-the-lab", None]


async def test_a_provider_lives_until_its_row_changes(world: World) -> None:
    await world.db.write(add, "lab", model="a")
    first, second = await world.target(MEMBER, "a"), await world.target(MEMBER, "a")
    assert first is not None
    assert second is not None
    assert first.provider is second.provider
    row = await world.db.read(store.find_backend, "lab")
    assert row is not None
    await world.db.write(touch, row.updated_at + 1)
    assert asked(await world.target(MEMBER, "a"))[0] == "http://elsewhere/v1"


def touch(connection: sa.Connection, at: int) -> None:
    connection.execute(backends.update().values(base_url="http://elsewhere", updated_at=at))


async def test_openai_itself_wants_the_newer_name_of_max_tokens(world: World) -> None:
    await world.db.write(add, "lab", model="mine")
    world.list({"openai": ("gpt",)})
    fields = []
    for name in ("gpt", "mine"):
        target = await world.target(MEMBER, name)
        assert target is not None
        assert isinstance(target.provider, OpenAICompatible)
        fields.append(target.provider.server.max_tokens_field)
    assert fields == ["max_completion_tokens", "max_tokens"]


async def test_nobody_shows_a_key_by_accident(world: World, box: Cipher) -> None:
    await world.db.write(add, "lab", model="a", sealed_key=box.seal("sk-secret", "backend_lab"))
    target = await world.target(MEMBER, "a")
    assert target is not None
    assert isinstance(target.provider, OpenAICompatible)
    row = await world.db.read(store.find_backend, "lab")
    shown = repr(target) + repr(target.provider.server) + repr(row) + repr(world.servers.given) + repr(FOUND)
    assert "sk-" not in shown

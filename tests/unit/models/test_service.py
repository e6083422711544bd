from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from antiphon.core.actor import Actor
from antiphon.core.errors import BadRequest, Conflict, NotFound
from antiphon.models.catalogue import ModelCatalogue
from antiphon.models.discovery import Discovery
from antiphon.models.environment import Found
from antiphon.models.servers import Cipher, ModelServer, Servers
from antiphon.models.service import ModelService, NewServer, ServerView
from antiphon.permissions import grants
from antiphon.providers.openai_compatible.provider import OpenAICompatible
from antiphon.providers.transport import Limits, Transport
from antiphon.storage.database import Database
from antiphon.storage.tables.models import backends
from tests.support.replies import BENIGN, FAULTS
from tests.support.upstream import FakeUpstream, closed_port

pytestmark = pytest.mark.anyio

MEMBER = Actor(kind="user", user="user_1", name="ann")
VISITOR = Actor(kind="visitor", site="docs")
FOUND = (Found("openai", "https://api.openai.com/v1", "sk-of-the-environment", ("OPENAI_API_KEY",)),)


class World:
    def __init__(self, db: Database, transport: Transport, box: Cipher) -> None:
        self.db = db
        self.servers = Servers(transport, box, lambda name: None, found=FOUND, ollama_url=f"http://127.0.0.1:{closed_port()}")
        self.discovery = Discovery(transport, self.stored)
        self.service = ModelService(db, self.servers, self.discovery)
        self.catalogue = ModelCatalogue(self.servers, self.discovery, {})

    async def stored(self) -> list[ModelServer]:
        """All but the one of the environment, which is on the internet."""
        return [server for server in await self.db.read(self.servers.all) if server.origin != "environment"]

    async def provider(self, actor: Actor, name: str) -> OpenAICompatible | None:
        target = await self.db.read(self.catalogue.find, actor, name)
        assert target is None or isinstance(target.provider, OpenAICompatible)
        return None if target is None else target.provider  # type: ignore[return-value]

    async def view(self, name: str) -> ServerView:
        return next(view for view in await self.service.views() if view.name == name)


@pytest.fixture
async def world(db: Database, transport: Transport, box: Cipher) -> AsyncIterator[World]:
    made = World(db, transport, box)
    await made.service.establish(environment_public=False)
    yield made
    await made.discovery.stop()


async def test_an_added_server_is_a_model_of_its_name(world: World) -> None:
    await world.service.add(NewServer("lab", "http://lab:8000", key="sk-secret"))
    provider = await world.provider(MEMBER, "lab")
    assert provider is not None
    assert (provider.server.bases, provider.server.key) == (("http://lab:8000/v1", "http://lab:8000"), "sk-secret")
    assert await world.provider(VISITOR, "lab") is None


async def test_its_key_is_sealed_at_rest_and_never_viewed(world: World) -> None:
    await world.service.add(NewServer("lab", "http://lab", key="sk-secret"))

    def columns(connection: sa.Connection) -> list[Any]:
        return [value for row in connection.execute(sa.select(backends)) for value in row]

    assert not any("sk-secret" in str(value) for value in await world.db.read(columns))
    assert "sk-secret" not in repr(await world.service.views())
    assert (await world.view("lab")).has_key


async def test_a_discovering_server_offers_all_it_lists(world: World, upstream: FakeUpstream) -> None:
    world.discovery.start()
    await world.discovery.settle()
    await world.service.add(NewServer("lab", upstream.url, discover=True))
    await upstream.wait_for(lambda: bool(upstream.requests))
    await world.discovery.ask_all()
    assert await world.provider(MEMBER, "plain") is not None
    assert await world.provider(MEMBER, "lab") is None
    assert set((await world.view("lab")).models) == {"m", *FAULTS, *BENIGN}


@pytest.mark.parametrize(
    "new",
    [
        NewServer("a b", "http://lab"),
        NewServer("quote", "http://lab"),
        NewServer("lab", "nonsense://lab"),
        NewServer("lab", "http://lab", provider="magic"),
        NewServer("lab", "http://lab", key="a", key_variable="B"),
        NewServer("lab", "http://lab", key="with\nnewline"),
        NewServer("lab", "http://lab", key=" "),
        NewServer("lab", "http://lab", key="ключ"),
    ],
)
async def test_what_cannot_be_added(new: NewServer, world: World) -> None:
    with pytest.raises(BadRequest):
        await world.service.add(new)
    assert [view.name for view in await world.service.views()] == ["openai"]


async def test_names_are_given_once(world: World) -> None:
    await world.service.add(NewServer("lab", "http://lab"))
    with pytest.raises(Conflict):
        await world.service.add(NewServer("lab", "http://other"))
    await world.service.add_model("more", "lab", upstream="x")
    with pytest.raises(Conflict):
        await world.service.add_model("more", "lab")
    with pytest.raises(Conflict):
        await world.service.add_model("quote", "lab")
    with pytest.raises(NotFound):
        await world.service.add_model("other", "nowhere")
    assert (await world.view("lab")).models == ("lab", "more")


async def test_removing_a_model_leaves_its_server_and_removing_that_leaves_nothing(world: World) -> None:
    await world.service.add(NewServer("lab", "http://lab"))
    await world.service.add_model("more", "lab")
    await world.service.remove("more")
    assert await world.provider(MEMBER, "more") is None
    assert await world.provider(MEMBER, "lab") is not None
    await world.service.remove("lab")
    assert await world.provider(MEMBER, "lab") is None
    assert await world.db.read(grants.held, "model", "lab") == []
    with pytest.raises(NotFound):
        await world.service.remove("lab")


async def test_a_removed_server_that_hid_the_environments_leaves_that_its_grants(world: World) -> None:
    await world.service.add(NewServer("openai", "http://lab"))
    await world.service.remove("openai")
    provider = await world.provider(MEMBER, "openai/gpt")
    assert provider is not None
    assert provider.server.key == "sk-of-the-environment"


async def test_a_new_key_is_used_at_once(world: World) -> None:
    await world.service.add(NewServer("lab", "http://lab", key_variable="OLD"))
    await world.service.set_key("lab", "sk-new")
    provider = await world.provider(MEMBER, "lab")
    assert provider is not None
    assert provider.server.key == "sk-new"
    with pytest.raises(NotFound):
        await world.service.set_key("nowhere", "sk-new")


async def test_visibility_is_an_administrators_word(world: World) -> None:
    await world.service.add(NewServer("lab", "http://lab", visibility="private"))
    assert await world.provider(MEMBER, "lab") is None
    await world.service.show("lab", "public")
    assert await world.provider(VISITOR, "lab") is not None
    with pytest.raises(NotFound):
        await world.service.show("nowhere", "public")


async def test_only_the_setting_opens_the_environments_key_to_everyone(world: World) -> None:
    with pytest.raises(BadRequest):
        await world.service.show("openai", "public")
    await world.service.show("openai", "private")
    assert await world.provider(MEMBER, "openai/gpt") is None


async def test_a_local_server_that_does_not_answer_is_not_there(world: World) -> None:
    await world.discovery.ask_all()
    assert "ollama" not in [view.name for view in await world.service.views()]


async def test_new_limits_hold_from_the_next_call(world: World) -> None:
    await world.service.add(NewServer("lab", "http://lab"))
    await world.provider(MEMBER, "lab")
    world.servers.set_limits(Limits(idle=7))
    for name in ("lab", "openai/gpt"):
        provider = await world.provider(MEMBER, name)
        assert provider is not None
        assert provider.server.limits.idle == 7

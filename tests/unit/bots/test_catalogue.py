from __future__ import annotations

import pytest
import sqlalchemy as sa

from antiphon.bots.catalogue import Catalogue, Defaults
from antiphon.bots.sites import Site
from antiphon.bots.store import Bot, Parameters, add_bot, save_site
from antiphon.core.actor import Actor
from antiphon.core.errors import NotFound
from antiphon.core.request import Sampling
from antiphon.core.target import Listed, Target
from antiphon.providers.echo.provider import Echo
from antiphon.storage.database import Database

pytestmark = pytest.mark.anyio

MEMBER = Actor(kind="user", user="user_1", name="ann")
ADMIN = Actor(kind="user", user="user_2", name="root", admin=True)
LOCAL = Actor(kind="local")
VISITOR = Actor(kind="visitor", site="docs")


class Models:
    """`quote` for everyone, `gpt` for those who signed in, `late` for them too, once settled."""

    def __init__(self) -> None:
        self.settled = True

    async def settle(self) -> None:
        self.settled = True

    def find(self, connection: sa.Connection, actor: Actor, name: str) -> Target | None:
        if name not in self._names(actor):
            return None
        return Target(name, Echo(), name, grounded=name == "quote", collections=None if name == "quote" else ())

    def listed(self, connection: sa.Connection, actor: Actor) -> list[Listed]:
        return [Listed(name, 1, "test") for name in self._names(actor)]

    def _names(self, actor: Actor) -> tuple[str, ...]:
        known = ("quote", "gpt", "late") if self.settled else ("quote", "gpt")
        return known if actor.kind == "user" else ("quote",)


@pytest.fixture
def models() -> Models:
    return Models()


@pytest.fixture
def catalogue(db: Database, models: Models) -> Catalogue:
    return Catalogue(db, models, Defaults(top_k=4, min_score=0.6))


async def names(catalogue: Catalogue, actor: Actor) -> list[str]:
    return [item.name for item in await catalogue.listing(actor)]


async def test_a_model_passes_through_untouched(catalogue: Catalogue) -> None:
    target = await catalogue.resolve(MEMBER, "gpt", "openai-chat")
    assert (target.model, target.bot, target.persona, target.grounded, target.collections, target.sampling) == (
        "gpt",
        None,
        None,
        False,
        (),
        Sampling(),
    )


async def test_a_bot_is_grounded_on_its_collections_with_its_parameters(catalogue: Catalogue, db: Database) -> None:
    parameters = Parameters(temperature=0.1, min_score=0.2, strict=True)
    await db.write(add_bot, Bot("help", model="gpt", persona="Be brief.", collections=("docs",), parameters=parameters))
    target = await catalogue.resolve(MEMBER, "help", "openai-chat")
    assert (target.model, target.upstream, target.bot, target.persona) == ("gpt", "gpt", "help", "Be brief.")
    assert (target.grounded, target.collections, target.strict) == (True, ("col_docs",), True)
    assert (target.sampling, target.top_k, target.min_score) == (Sampling(temperature=0.1), 4, 0.2)


async def test_a_bot_without_collections_is_not_grounded(catalogue: Catalogue, db: Database) -> None:
    await db.write(add_bot, Bot("pal", model="gpt", collections=()))
    assert not (await catalogue.resolve(MEMBER, "pal", "openai-chat")).grounded


@pytest.mark.parametrize("name", [None, "", "antiphon"])
async def test_nobody_named_is_the_built_in_bot(name: str | None, catalogue: Catalogue) -> None:
    target = await catalogue.resolve(MEMBER, name, "ask")
    assert (target.bot, target.model, target.grounded, target.collections) == ("antiphon", "quote", True, None)


async def test_the_built_in_bot_steps_down_to_quote_for_whoever_may_not_use_the_default_model(catalogue: Catalogue) -> None:
    catalogue.defaults = Defaults(model="gpt")
    assert [(await catalogue.resolve(actor, None, "ask")).model for actor in (MEMBER, LOCAL, VISITOR)] == ["gpt", "quote", "quote"]


async def test_who_answers_on_a_dialect_is_a_setting(catalogue: Catalogue, db: Database) -> None:
    await db.write(add_bot, Bot("help", model="gpt"))
    catalogue.defaults = Defaults(dialects={"kuwa": "help", "ask": "gpt", "xiaozhi": "nobody"})
    assert (await catalogue.resolve(MEMBER, None, "kuwa")).bot == "help"
    assert (await catalogue.resolve(MEMBER, None, "ask")).model == "gpt"
    assert (await catalogue.resolve(MEMBER, None, "xiaozhi")).bot == "antiphon"
    assert (await catalogue.resolve(LOCAL, None, "kuwa")).bot == "antiphon"


@pytest.mark.parametrize("actor", [LOCAL, VISITOR])
async def test_a_bot_never_lends_its_model(actor: Actor, catalogue: Catalogue, db: Database) -> None:
    await db.write(add_bot, Bot("help", model="gpt"), visibility="public")
    with pytest.raises(NotFound):
        await catalogue.resolve(actor, "help", "openai-chat")
    assert await names(catalogue, actor) == ["antiphon", "quote"]


async def test_unknown_and_forbidden_are_the_same_answer(catalogue: Catalogue, db: Database) -> None:
    await db.write(add_bot, Bot("mine"), visibility="private", owner="user_9")
    errors = []
    for name in ("mine", "none"):
        with pytest.raises(NotFound) as caught:
            await catalogue.resolve(MEMBER, name, "openai-chat")
        errors.append((caught.value.code, caught.value.status, caught.value.message.replace(name, "")))
    assert errors[0] == errors[1]
    assert (await catalogue.resolve(ADMIN, "mine", "openai-chat")).bot == "mine"


async def test_a_bot_hides_a_model_of_its_name(catalogue: Catalogue, db: Database) -> None:
    await db.write(add_bot, Bot("gpt", model="quote"))
    assert (await catalogue.resolve(MEMBER, "gpt", "openai-chat")).bot == "gpt"
    assert (await names(catalogue, MEMBER)).count("gpt") == 1


async def test_hidden_bots_answer_but_are_not_listed(catalogue: Catalogue, db: Database) -> None:
    await db.write(add_bot, Bot("help", "Helps"))
    await db.write(add_bot, Bot("ghost", hidden=True))
    assert await names(catalogue, MEMBER) == ["antiphon", "help", "quote", "gpt", "late"]
    assert (await catalogue.resolve(MEMBER, "ghost", "openai-chat")).bot == "ghost"
    assert [item.description for item in await catalogue.listing(MEMBER) if item.bot] == ["", "Helps"]


async def test_an_unknown_name_waits_for_the_servers_to_be_asked(catalogue: Catalogue, models: Models) -> None:
    models.settled = False
    assert (await catalogue.resolve(MEMBER, "gpt", "openai-chat")).model == "gpt"
    assert not models.settled
    assert (await catalogue.resolve(MEMBER, "late", "openai-chat")).model == "late"


async def test_sites(catalogue: Catalogue, db: Database) -> None:
    await db.write(save_site, Site("docs", "docs", origins=("https://a.example",), public=True))
    site = await catalogue.site("docs")
    assert site is not None
    assert site.collection == "col_docs"
    assert await catalogue.site("none") is None
    assert await catalogue.site_origins() == {"https://a.example"}
    assert (await catalogue.resolve(VISITOR, site.bot, "qa-widget")).model == "quote"

from __future__ import annotations

import msgspec
import pytest

from antiphon.bots import store
from antiphon.bots.store import Bot, Parameters, parameters_of
from antiphon.core.errors import BadRequest, Conflict, NotFound
from antiphon.core.request import Sampling
from antiphon.permissions import grants
from antiphon.storage.database import Database

HELP = Bot("help", "Helps", "gpt", "You help.", ("docs",), Parameters(temperature=0.5, top_k=3, stop=("x",), strict=True))


def test_what_was_added_is_found(db: Database) -> None:
    db.write_now(store.add_bot, HELP, owner="user_1")
    found = db.read_now(store.find_bot, "help")
    assert found is not None
    assert found.created_at > 0
    assert msgspec.structs.replace(found, created_at=0) == msgspec.structs.replace(HELP, collections=("col_docs",))
    assert [grant.role for grant in db.read_now(grants.held, "bot", "help")] == ["reader", "owner"]


@pytest.mark.parametrize("collections", [None, (), ("docs", "col_secret")])
def test_all_no_and_some_collections_are_three_things(collections: tuple[str, ...] | None, db: Database) -> None:
    db.write_now(store.add_bot, Bot("help", collections=collections))
    found = db.read_now(store.find_bot, "help")
    assert found is not None
    assert found.collections == (("col_docs", "col_secret") if collections else collections)


@pytest.mark.parametrize("name", ["antiphon", "quote", "echo", "help"])
def test_a_name_is_given_once(name: str, db: Database) -> None:
    db.write_now(store.add_bot, HELP)
    with pytest.raises(Conflict):
        db.write_now(store.add_bot, Bot(name))


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a?", "a\x00", "a" * 101])
def test_what_is_no_name(name: str, db: Database) -> None:
    with pytest.raises(BadRequest):
        db.write_now(store.add_bot, Bot(name))


def test_a_collection_must_exist(db: Database) -> None:
    with pytest.raises(NotFound):
        db.write_now(store.add_bot, Bot("help", collections=("nowhere",)))
    assert db.read_now(store.list_bots) == []


def test_changing_replaces_everything_but_the_name(db: Database) -> None:
    db.write_now(store.add_bot, HELP)
    db.write_now(store.change_bot, "help", Bot("help", persona="Be brief.", hidden=True))
    found = db.read_now(store.find_bot, "help")
    assert found is not None
    assert (found.persona, found.model, found.hidden, found.parameters, found.collections) == ("Be brief.", None, True, Parameters(), None)
    with pytest.raises(NotFound):
        db.write_now(store.change_bot, "nobody", HELP)


def test_removing_leaves_nothing(db: Database) -> None:
    db.write_now(store.add_bot, HELP)
    db.write_now(store.remove_bot, "help")
    assert db.read_now(store.find_bot, "help") is None
    assert db.read_now(grants.held, "bot", "help") == []
    with pytest.raises(NotFound):
        db.write_now(store.remove_bot, "help")


@pytest.mark.parametrize(
    "raw", [{"temperature": 3}, {"top_k": 0}, {"min_score": 2}, {"nonsense": 1}, {"seed": 1.5}, {"stop": "x"}, {"max_tokens": 0}, 5, None]
)
def test_parameters_out_of_range_are_refused(raw: object) -> None:
    with pytest.raises(BadRequest):
        parameters_of(raw)


def test_a_bot_made_in_code_is_checked_too(db: Database) -> None:
    with pytest.raises(BadRequest):
        db.write_now(store.add_bot, Bot("help", parameters=Parameters(top_k=0)))


def test_sampling_is_the_part_for_the_model() -> None:
    assert HELP.parameters.sampling == Sampling(temperature=0.5, stop=("x",))

from __future__ import annotations

import msgspec
import pytest

from antiphon.bots import store
from antiphon.bots.sites import Site, SiteLimits, origins_of
from antiphon.bots.store import Bot, add_bot
from antiphon.core.actor import Actor
from antiphon.core.errors import BadRequest, NotFound
from antiphon.permissions import grants
from antiphon.permissions.readable import may
from antiphon.storage.database import Database

VISITOR = Actor(kind="visitor", site="docs")
DOCS = Site("docs", "docs", "help", ("https://docs.example.org",), SiteLimits(7), True)


@pytest.fixture
def site_db(db: Database) -> Database:
    db.write_now(add_bot, Bot("help"), visibility="private")
    return db


def open_to_visitors(db: Database) -> tuple[bool, bool, bool]:
    """Whether visitors of `docs` may read the two collections, and ask the bot."""
    return (
        db.read_now(may, VISITOR, "read", "collection", "col_docs"),
        db.read_now(may, VISITOR, "read", "collection", "col_secret"),
        db.read_now(may, VISITOR, "read", "bot", "help"),
    )


def test_what_was_saved_is_found(site_db: Database) -> None:
    site_db.write_now(store.save_site, DOCS)
    found = site_db.read_now(store.find_site, "docs")
    assert found is not None
    assert msgspec.structs.replace(found, created_at=0) == msgspec.structs.replace(DOCS, collection="col_docs")
    assert found.per_minute == 7
    assert site_db.read_now(store.find_site, "other") is None


def test_a_public_site_opens_its_own_collection_and_bot_and_no_other(site_db: Database) -> None:
    assert open_to_visitors(site_db) == (False, False, False)
    site_db.write_now(store.save_site, DOCS)
    assert open_to_visitors(site_db) == (True, False, True)
    assert not site_db.read_now(may, Actor(kind="visitor", site="other"), "read", "collection", "col_docs")


def test_what_a_site_no_longer_names_is_closed_again(site_db: Database) -> None:
    site_db.write_now(store.save_site, DOCS)
    site_db.write_now(store.save_site, msgspec.structs.replace(DOCS, collection="secret", bot=None))
    assert open_to_visitors(site_db) == (False, True, False)
    site_db.write_now(store.save_site, msgspec.structs.replace(DOCS, public=False))
    assert open_to_visitors(site_db) == (False, False, False)


def test_removing_leaves_nothing(site_db: Database) -> None:
    site_db.write_now(store.save_site, DOCS)
    site_db.write_now(store.remove_site, "docs")
    assert site_db.read_now(store.list_sites) == []
    assert open_to_visitors(site_db) == (False, False, False)
    assert site_db.read_now(grants.held, "site", "docs") == []
    with pytest.raises(NotFound):
        site_db.write_now(store.remove_site, "docs")


def test_the_union_of_origins(site_db: Database) -> None:
    site_db.write_now(store.save_site, DOCS)
    site_db.write_now(store.save_site, Site("two", "docs", origins=("https://docs.example.org", "http://localhost:3000")))
    assert site_db.read_now(store.all_origins) == {"https://docs.example.org", "http://localhost:3000"}


def test_a_collection_must_exist(site_db: Database) -> None:
    with pytest.raises(NotFound):
        site_db.write_now(store.save_site, Site("docs", "nowhere"))


@pytest.mark.parametrize("slug", ["", "a b", "a/b", "a?b", "a&b", "a" * 101])
def test_what_is_no_slug(slug: str, site_db: Database) -> None:
    with pytest.raises(BadRequest):
        site_db.write_now(store.save_site, Site(slug, "docs"))


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://Docs.Example.org/", "https://docs.example.org"),
        ("https://docs.example.org:443", "https://docs.example.org"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_origins_are_spelt_as_browsers_do(given: str, origin: str) -> None:
    assert origins_of([given, given]) == (origin,)


@pytest.mark.parametrize(
    "given",
    ["*", "null", "docs.example.org", "https://", "https://h/path", "https://h?x", "https://u@h", "ftp://h", "http://[::1", "http://h:x"],
)
def test_what_is_no_origin(given: str) -> None:
    with pytest.raises(BadRequest):
        origins_of([given])

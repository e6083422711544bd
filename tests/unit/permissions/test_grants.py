from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from antiphon.permissions import grants
from antiphon.permissions.grants import Grant, Visibility
from tests.support.database import new_database


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    database = new_database(tmp_path)
    with database.engine.connect() as connection, connection.begin():
        yield connection
    database.close()


def test_one_role_for_each_subject(connection: sa.Connection) -> None:
    grants.give(connection, "collection", "c", "user:u", "reader")
    grants.give(connection, "collection", "c", "user:u", "owner")
    assert grants.held(connection, "collection", "c") == [Grant("user:u", "owner")]
    assert grants.take(connection, "collection", "c", "user:u")
    assert not grants.take(connection, "collection", "c", "user:u")


@pytest.mark.parametrize("first", ["private", "members", "public"])
@pytest.mark.parametrize("second", ["private", "members", "public"])
def test_visibility_changes_and_leaves_the_other_rows(connection: sa.Connection, first: Visibility, second: Visibility) -> None:
    grants.establish(connection, "collection", "c", "u", first)
    grants.give(connection, "collection", "c", "user:guest", "writer")
    assert grants.visibility(connection, "collection", "c") == first
    grants.show(connection, "collection", "c", second)
    assert grants.visibility(connection, "collection", "c") == second
    assert {Grant("user:u", "owner"), Grant("user:guest", "writer")} <= set(grants.held(connection, "collection", "c"))


def test_establishing_twice_changes_nothing(connection: sa.Connection) -> None:
    grants.establish(connection, "model", "quote", None, "public")
    grants.show(connection, "model", "quote", "private")
    grants.establish(connection, "model", "quote", None, "public")
    assert grants.held(connection, "model", "quote") == [Grant(grants.SERVER, "owner")]


def test_a_thing_that_is_made_again_starts_with_nothing(connection: sa.Connection) -> None:
    grants.establish(connection, "collection", "c", "u", "public")
    grants.establish(connection, "bot", "c", "u", "public")
    grants.forget(connection, "collection", "c")
    assert grants.held(connection, "collection", "c") == []
    assert grants.visibility(connection, "bot", "c") == "public"


def test_what_somebody_owned_alone_becomes_the_servers(connection: sa.Connection) -> None:
    grants.establish(connection, "collection", "alone", "u", "private")
    grants.establish(connection, "collection", "shared", "u", "private")
    grants.give(connection, "collection", "shared", "user:other", "owner")
    grants.give(connection, "collection", "guest", "user:u", "reader")
    grants.forget_subject(connection, "user:u")
    assert grants.held(connection, "collection", "alone") == [Grant(grants.SERVER, "owner")]
    assert grants.held(connection, "collection", "shared") == [Grant("user:other", "owner")]
    assert grants.held(connection, "collection", "guest") == []

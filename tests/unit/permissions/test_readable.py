"""Rights on things, compared with a model of a few lines that knows no SQL."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon.core.actor import ANONYMOUS, SYSTEM, Actor
from antiphon.core.errors import NotFound, Refused
from antiphon.permissions import grants
from antiphon.permissions.kinds import KINDS, Action, Kind, Role
from antiphon.permissions.readable import check, may, readable
from antiphon.storage.database import Database
from antiphon.storage.tables.accounts import api_keys, users
from antiphon.storage.tables.conversations import conversations, runs
from antiphon.storage.tables.documents import collections, documents
from antiphon.storage.tables.grants import grants as rows
from tests.support.database import new_database

LOCAL = Actor(kind="local", client="127.0.0.1")
ADA = Actor(kind="user", user="user_ada")
BOB = Actor(kind="user", user="user_bob")
ROOT = Actor(kind="user", user="user_root", admin=True)
VISITOR = Actor(kind="visitor", site="docs")
STRANGER = Actor(kind="visitor", site="other")
ADA_KEY = Actor(kind="key", user="user_ada", key="key_ada")
ADA_CHAT = Actor(kind="key", user="user_ada", key="key_ada", scopes=frozenset({"chat"}))
ROOT_CHAT = Actor(kind="key", user="user_root", key="key_root", scopes=frozenset({"chat"}))
ACTORS = (ANONYMOUS, LOCAL, ADA, BOB, ROOT, VISITOR, STRANGER, ADA_KEY, ADA_CHAT, ROOT_CHAT, SYSTEM)
NAMES = ("one", "two", "three")
SUBJECTS = ("everyone", "members", "user:user_ada", "user:user_bob", "site:docs")
ACTIONS: tuple[Action, ...] = ("read", "write", "manage")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    directory: Path = tmp_path_factory.mktemp("rights")
    database = new_database(directory)
    database.write_now(_furnish)
    yield database
    database.close()


def _furnish(connection: sa.Connection) -> None:
    for name in ("ada", "bob", "root"):
        role = "admin" if name == "root" else "member"
        connection.execute(users.insert().values(id=f"user_{name}", name=name, name_key=name, role=role, created_at=0))
        key: dict[str, object] = {
            "id": f"key_{name}",
            "user": f"user_{name}",
            "name": "k",
            "hash": name,
            "prefix": "sk-",
            "scopes": [],
            "created_at": 0,
        }
        connection.execute(api_keys.insert(), key)
        talk = {"id": f"conv_{name}", "owner": f"user_{name}", "created_at": 0, "updated_at": 0}
        connection.execute(conversations.insert(), talk)
        for subject in (f"user_{name}", f"key_{name}"):
            connection.execute(runs.insert().values(id=f"run_{subject}", subject=subject, dialect="ask", model="m", started_at=0))
    connection.execute(runs.insert().values(id="run_nameless", subject="anonymous:", dialect="ask", model="m", started_at=0))
    connection.execute(conversations.insert().values(id="conv_visit", site="docs", session="s", created_at=0, updated_at=0))
    for number, name in enumerate(NAMES):
        row = {"id": name, "number": number, "name": name, "settings": {}, "created_at": 0, "updated_at": 0}
        connection.execute(collections.insert(), row)
        document = {"id": f"doc_{name}", "collection": name, "source": name, "status": "ready", "created_at": 0, "updated_at": 0}
        connection.execute(documents.insert(), document)


def ids(connection: sa.Connection, actor: Actor, kind: Kind, action: Action = "read") -> set[str]:
    found = connection.scalars(readable(actor, kind, action)).all()
    assert len(found) == len(set(found))
    return set(found)


Given = dict[tuple[str, str], Role]
GRANTS = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(SUBJECTS)), st.sampled_from(("reader", "writer", "owner")), max_size=8
)


def expected(actor: Actor, kind: Kind, action: Action, given: Given) -> set[str]:
    """The model."""
    if actor.scopes == {"chat"} and action != "read":
        return set()
    if actor.admin:
        return {name for name, _ in given}
    names = {"everyone"}
    if actor.kind in ("user", "key"):
        names |= {"members", f"user:{actor.user}"}
    if actor.kind == "local" and kind != "model":
        names.add("members")
    if actor.kind == "visitor":
        names.add(f"site:{actor.site}")
    enough = {"read": ("reader", "writer", "owner"), "write": ("writer", "owner"), "manage": ("owner",)}[action]
    return {name for (name, subject), role in given.items() if subject in names and role in enough}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=GRANTS)
def test_grants_against_the_model(database: Database, given: Given) -> None:
    def compare(connection: sa.Connection) -> None:
        connection.execute(rows.delete())
        for kind in ("collection", "model"):
            for (name, subject), role in given.items():
                grants.give(connection, kind, name, subject, role)
        for actor, action in product(ACTORS, ACTIONS):
            found = ids(connection, actor, "collection", action)
            assert found == expected(actor, "collection", action, given)
            if action != "manage":
                assert ids(connection, actor, "document", action) == {f"doc_{name}" for name in found}
            if action != "write":
                assert ids(connection, actor, "model", action) == expected(actor, "model", action, given)
            for name in (*NAMES, "unknown", ""):
                assert may(connection, actor, action, "collection", name) is (name in found)
        assert ids(connection, ROOT, "bot") == set()

    database.write_now(compare)


OWN: dict[str, tuple[Actor, dict[Kind, set[str]]]] = {
    "anonymous": (ANONYMOUS, {}),
    "local": (LOCAL, {}),
    "visitor": (VISITOR, {}),
    "ada": (ADA, {"user": {"user_ada"}, "key": {"key_ada"}, "run": {"run_user_ada", "run_key_ada"}, "conversation": {"conv_ada"}}),
    "ada's key": (ADA_KEY, {"user": {"user_ada"}, "key": {"key_ada"}, "run": {"run_key_ada"}, "conversation": {"conv_ada"}}),
    "ada's chat key": (ADA_CHAT, {"run": {"run_key_ada"}, "conversation": {"conv_ada"}}),
    "root": (
        ROOT,
        {
            "user": {"user_ada", "user_bob", "user_root"},
            "key": {"key_ada", "key_bob", "key_root"},
            "run": {"run_user_root", "run_key_root"},
            "conversation": {"conv_root"},
        },
    ),
    "root's chat key": (ROOT_CHAT, {"run": {"run_key_root"}, "conversation": {"conv_root"}}),
}


@pytest.mark.parametrize("name", OWN)
def test_what_is_ones_own(database: Database, name: str) -> None:
    actor, things = OWN[name]
    for kind in ("user", "key", "run", "conversation"):
        assert database.read_now(ids, actor, kind) == things.get(kind, set())


def test_deleted_conversations_are_nobodys(database: Database) -> None:
    def delete(connection: sa.Connection) -> set[str]:
        connection.execute(conversations.insert().values(id="conv_gone", owner="user_ada", created_at=0, updated_at=0, deleted_at=1))
        return ids(connection, ADA, "conversation")

    assert "conv_gone" not in database.write_now(delete)


@pytest.mark.parametrize(
    "kind", sorted(set(KINDS) - {"collection", "document", "model", "bot", "site", "user", "key", "run", "conversation"})
)
def test_kinds_without_things_list_nothing(database: Database, kind: Kind) -> None:
    for actor, action in product(ACTORS, ACTIONS):
        assert database.read_now(ids, actor, kind, action) == set()


def test_unknown_and_forbidden_are_the_same_answer(database: Database) -> None:
    def answers(connection: sa.Connection) -> set[tuple[str, str, str | None]]:
        connection.execute(rows.delete())
        grants.establish(connection, "collection", "one", "user_bob", "private")
        found = set()
        for actor, action, id in product((ANONYMOUS, LOCAL, ADA, VISITOR), ACTIONS, ("one", "unknown", "' OR 1=1")):
            with pytest.raises(NotFound) as refused:
                check(connection, actor, action, "collection", id)
            found.add((refused.value.code, refused.value.message, refused.value.param))
        check(connection, BOB, "manage", "collection", "one")
        return found

    assert len(database.write_now(answers)) == 1


def test_what_may_be_read_but_not_changed_is_refused_openly(database: Database) -> None:
    def act(connection: sa.Connection) -> None:
        connection.execute(rows.delete())
        grants.establish(connection, "collection", "one", "user_bob", "members")
        check(connection, ADA, "read", "collection", "one")
        for actor in (ADA, ADA_KEY, ADA_CHAT, LOCAL):
            with pytest.raises(Refused):
                check(connection, actor, "write", "collection", "one")

    database.write_now(act)


def test_what_is_withdrawn_is_gone_for_the_next_query(database: Database) -> None:
    def act(connection: sa.Connection) -> None:
        connection.execute(rows.delete())
        grants.give(connection, "collection", "one", "user:user_ada", "writer")
        assert ids(connection, ADA, "document") == {"doc_one"}
        assert grants.take(connection, "collection", "one", "user:user_ada")
        assert ids(connection, ADA, "document") == set()

    database.write_now(act)

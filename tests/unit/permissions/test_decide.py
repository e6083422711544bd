from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from antiphon.core.actor import ANONYMOUS, SYSTEM, Actor
from antiphon.core.errors import Refused, Unauthenticated
from antiphon.permissions.decide import POLICY, decide, require, within_scopes
from antiphon.permissions.kinds import ACTIONS, GRANTED, KINDS, ROLES, SCOPE_COVERS, SCOPES, Action, Kind

LOCAL = Actor(kind="local", client="127.0.0.1")
VISITOR = Actor(kind="visitor", site="docs")
MEMBER = Actor(kind="user", user="user_1")
ADMIN = Actor(kind="user", user="user_2", admin=True)
KEY = Actor(kind="key", user="user_1", key="key_1")
ADMIN_KEY = Actor(kind="key", user="user_2", key="key_2", admin=True)
ACTORS = {
    "anonymous": ANONYMOUS,
    "local": LOCAL,
    "visitor": VISITOR,
    "member": MEMBER,
    "key": KEY,
    "admin": ADMIN,
    "admin key": ADMIN_KEY,
    "system": SYSTEM,
}

# One row for each rule: anonymous, local, visitor, member (and his key), admin (and his key, and the server itself).
TABLE: dict[tuple[Kind, Action], str] = {
    ("chat", "ask"): "- + - + +",
    ("search", "ask"): "- + - + +",
    ("ticket", "create"): "- + - + +",
    ("collection", "create"): "- - - + +",
    ("collection", "read"): "? ? ? ? +",
    ("collection", "write"): "? ? ? ? +",
    ("collection", "manage"): "? ? ? ? +",
    ("document", "read"): "? ? ? ? +",
    ("document", "write"): "? ? ? ? +",
    ("model", "create"): "- - - - +",
    ("model", "read"): "? ? ? ? +",
    ("model", "manage"): "? ? ? ? +",
    ("bot", "create"): "- - - - +",
    ("bot", "read"): "? ? ? ? +",
    ("bot", "manage"): "? ? ? ? +",
    ("site", "create"): "- - - - +",
    ("site", "ask"): "+ + + + +",
    ("site", "read"): "? ? ? ? +",
    ("site", "manage"): "? ? ? ? +",
    ("user", "create"): "- - - - +",
    ("user", "read"): "- - - ? +",
    ("user", "write"): "- - - ? +",
    ("user", "manage"): "- - - - +",
    ("key", "create"): "- - - + +",
    ("key", "read"): "- - - ? +",
    ("key", "manage"): "- - - ? +",
    ("run", "read"): "- - - ? ?",
    ("run", "write"): "- - - ? ?",
    ("conversation", "read"): "- - - ? ?",
    ("conversation", "write"): "- - - ? ?",
    ("setting", "read"): "- - - - +",
    ("setting", "write"): "- - - - +",
    ("server", "ask"): "+ + + + +",
    ("server", "read"): "- + - - +",
    ("server", "write"): "- - - - +",
}
COLUMNS = {"anonymous": 0, "local": 1, "visitor": 2, "member": 3, "key": 3, "admin": 4, "admin key": 4, "system": 4}
VERDICTS = {"+": "allow", "-": "deny", "?": "rows"}


def test_every_rule_has_its_row_here() -> None:
    assert TABLE.keys() == POLICY.keys()


@pytest.mark.parametrize("name", ACTORS)
@pytest.mark.parametrize("rule", TABLE, ids=".".join)
def test_the_table(rule: tuple[Kind, Action], name: str) -> None:
    kind, action = rule
    assert decide(ACTORS[name], action, kind) == VERDICTS[TABLE[rule].split()[COLUMNS[name]]]


@pytest.mark.parametrize("name", ACTORS)
def test_what_is_not_in_the_table_is_denied(name: str) -> None:
    for kind, action in set(product(KINDS, ACTIONS)) - POLICY.keys():
        assert decide(ACTORS[name], action, kind) == "deny"
    assert decide(ACTORS[name], "fly", "moon") == "deny"  # type: ignore[arg-type]


def test_anonymous_callers_only_where_the_server_is_open() -> None:
    assert decide(ANONYMOUS, "ask", "chat", anonymous=True) == "allow"
    assert decide(ANONYMOUS, "ask", "chat") == "deny"
    opened = {rule for rule in POLICY if decide(ANONYMOUS, rule[1], rule[0], anonymous=True) != decide(ANONYMOUS, rule[1], rule[0])}
    assert opened == {("chat", "ask"), ("search", "ask"), ("ticket", "create")}


RANK = {"deny": 0, "rows": 1, "allow": 2}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("user", [MEMBER, ADMIN], ids=["member", "admin"])
def test_a_scoped_key_has_never_more_than_its_user(user: Actor, scope: str) -> None:
    key = Actor(kind="key", user=user.user, key="key_1", scopes=frozenset({scope}), admin=user.admin and scope == "admin")
    for kind, action in product(KINDS, ACTIONS):
        assert RANK[decide(key, action, kind)] <= RANK[decide(user, action, kind)]


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("chat", {("chat", "ask"), ("ticket", "create")}),
        ("search", {("search", "ask")}),
        ("ingest", {("collection", "create")}),
        ("unknown", set()),
    ],
)
def test_what_a_scope_allows_beyond_things(scope: str, allowed: set[tuple[Kind, Action]]) -> None:
    key = Actor(kind="key", user="user_1", key="key_1", scopes=frozenset({scope}))
    found = {rule for rule in POLICY if decide(key, rule[1], rule[0]) == "allow"}
    assert found - {("site", "ask"), ("server", "ask")} == allowed


def test_scopes_add_up() -> None:
    both = Actor(kind="key", user="user_1", key="key_1", scopes=frozenset({"search", "ingest"}))
    assert within_scopes(both, "ask", "search")
    assert within_scopes(both, "write", "document")
    assert not within_scopes(both, "ask", "chat")


def test_scopes_and_roles_speak_of_what_there_is() -> None:
    assert SCOPE_COVERS.keys() | {"admin"} == set(SCOPES)
    assert all(covered <= POLICY.keys() for covered in SCOPE_COVERS.values())
    assert ROLES.keys() <= set(ACTIONS)
    assert set(KINDS) >= GRANTED
    assert {kind for kind, _ in POLICY} == set(KINDS)
    assert len(set(get_args(Kind))) == len(KINDS)


@pytest.mark.parametrize("actor", [ANONYMOUS, LOCAL, VISITOR], ids=lambda actor: actor.kind)
def test_the_nameless_are_asked_for_a_credential(actor: Actor) -> None:
    with pytest.raises(Unauthenticated) as refused:
        require(actor, "write", "setting")
    assert refused.value.code == "missing_credential"


def test_the_known_are_refused_with_the_reason() -> None:
    with pytest.raises(Refused) as refused:
        require(MEMBER, "write", "setting")
    assert refused.value.code == "not_allowed"
    with pytest.raises(Refused) as refused:
        require(Actor(kind="key", user="user_1", key="key_1", scopes=frozenset({"search"})), "ask", "chat")
    assert refused.value.code == "insufficient_scope"
    assert require(MEMBER, "ask", "chat") == "allow"
    assert require(MEMBER, "read", "collection") == "rows"

"""What there is to have rights on, what may be done with it, and which roles and key scopes cover that.

A new kind is a word here, rows in `decide.POLICY` and a branch in `readable`; nothing else decides about rights.

    collection    documents searched together: the unit of permission for everything in it
    document      through its collection
    model         the id is the configured source's name (`quote`, `openai`, ...); all models that one source serves are one thing
    bot, site     ids are the name and the slug
    user, key     somebody's own, and administrators'
    run           one answer, its asker's alone
    conversation  its owner's alone
    chat          asking at all; search, ticket: likewise acts without a thing
    setting       the server's settings
    server        the running of it: metrics, jobs, backups; asking it is only whether it lives and to be let in
"""

from __future__ import annotations

from typing import Final, Literal, get_args

Kind = Literal[
    "collection", "document", "model", "bot", "site", "user", "key", "run", "conversation", "chat", "search", "ticket", "setting", "server"
]
Action = Literal["read", "write", "manage", "create", "ask"]
Role = Literal["reader", "writer", "owner"]
Scope = Literal["chat", "search", "ingest", "admin"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

GRANTED: Final[frozenset[Kind]] = frozenset({"collection", "model", "bot", "site"})
"""Kinds whose rights are rows of `grants`."""

ROLES: Final[dict[Action, tuple[Role, ...]]] = {
    "read": ("reader", "writer", "owner"),
    "write": ("writer", "owner"),
    "manage": ("owner",),
}
"""Which roles allow an action on a thing."""

_CHAT: Final[frozenset[tuple[Kind, Action]]] = frozenset(
    {
        ("chat", "ask"),
        ("ticket", "create"),
        ("collection", "read"),
        ("document", "read"),
        ("model", "read"),
        ("bot", "read"),
        ("site", "read"),
        ("run", "read"),
        ("run", "write"),
        ("conversation", "read"),
        ("conversation", "write"),
    }
)
_SEARCH: Final[frozenset[tuple[Kind, Action]]] = frozenset({("search", "ask"), ("collection", "read"), ("document", "read")})
_INGEST: Final[frozenset[tuple[Kind, Action]]] = frozenset(
    {("collection", "read"), ("collection", "create"), ("collection", "write"), ("document", "read"), ("document", "write")}
)

SCOPE_COVERS: Final[dict[Scope, frozenset[tuple[Kind, Action]]]] = {"chat": _CHAT, "search": _SEARCH, "ingest": _INGEST}
"""What a key of that scope is confined to. `admin` is missing: it confines to nothing."""

"""Conversations and their append-only messages.

Rules: a message is never rewritten; a repeated client id is the same message; the order is that of the ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from antiphon.core.messages import Part, Role
from antiphon.core.passages import Citation
from antiphon.storage.ids import new_id, now_ms
from antiphon.storage.tables.conversations import conversations, messages

_PARTS = tuple[Part, ...]
_CITATIONS = tuple[Citation, ...]

# Statements that every question needs are built once.
_ENDED: Final = conversations.delete().where(
    conversations.c.site == sa.bindparam("at"),
    conversations.c.session == sa.bindparam("visitor"),
    sa.or_(conversations.c.expires_at <= sa.bindparam("now"), conversations.c.deleted_at.is_not(None)),
)
_NEW: Final = sqlite_insert(conversations)
_VISIT: Final = _NEW.on_conflict_do_update(
    index_elements=["site", "session"], set_={"updated_at": _NEW.excluded.updated_at, "expires_at": _NEW.excluded.expires_at}
).returning(conversations.c.id)
_STANDS: Final = sa.select(conversations.c.id).where(conversations.c.id == sa.bindparam("wanted"))
_APPEND: Final = sqlite_insert(messages).on_conflict_do_nothing(index_elements=["conversation", "client_id"])


class StoredMessage(msgspec.Struct, frozen=True):
    """A message as it was kept; created_at in milliseconds since the epoch."""

    id: str
    client_id: str
    role: Role
    parts: tuple[Part, ...]
    citations: tuple[Citation, ...]
    created_at: int


def visit(connection: sa.Connection, site: str, session: str, keep_ms: int) -> str:
    """The id of a visitor's conversation, made on the first visit; every visit postpones its expiry by keep_ms.

    One that has expired or was deleted does not come back: its messages go, and a new one begins.
    """
    now = now_ms()
    connection.execute(_ENDED, {"at": site, "visitor": session, "now": now})
    row = {"id": new_id("conv"), "site": site, "session": session, "created_at": now, "updated_at": now, "expires_at": now + keep_ms}
    return str(connection.execute(_VISIT, row).scalar_one())


def append(
    connection: sa.Connection,
    conversation: str,
    role: Role,
    parts: Sequence[Part],
    *,
    client_id: str | None = None,
    parent: str | None = None,
    citations: Sequence[Citation] = (),
    run: str | None = None,
) -> str | None:
    """Keep one message and return its id; a client id that is there already returns the message it names.

    None, and nothing kept, when the conversation was deleted: an answer may still be on its way then.
    """
    if connection.execute(_STANDS, {"wanted": conversation}).first() is None:
        return None
    id = new_id("msg")
    row = {
        "id": id,
        "conversation": conversation,
        "parent": parent,
        "client_id": client_id or id,
        "role": role,
        "parts": msgspec.to_builtins(list(parts)),
        "citations": msgspec.to_builtins(list(citations)),
        "run": run,
        "created_at": now_ms(),
    }
    connection.execute(_APPEND, row)
    if client_id is None:
        return id
    same = sa.select(messages.c.id).where(messages.c.conversation == conversation, messages.c.client_id == row["client_id"])
    return str(connection.execute(same).scalar_one())


def ask(connection: sa.Connection, site: str, session: str, question: Sequence[Part], keep_ms: int) -> tuple[str, str]:
    """Commit a visitor's question before the model is asked. Returns (conversation, message)."""
    conversation = visit(connection, site, session, keep_ms)
    message = append(connection, conversation, "user", question)
    assert message is not None, "the conversation was made in this very transaction"
    return conversation, message


def history(connection: sa.Connection, site: str, session: str) -> list[StoredMessage]:
    """A visitor's messages in order; empty for a session that is unknown, expired or deleted."""
    query = (
        sa.select(messages.c.id, messages.c.client_id, messages.c.role, messages.c.parts, messages.c.citations, messages.c.created_at)
        .join(conversations, conversations.c.id == messages.c.conversation)
        .where(conversations.c.site == site, conversations.c.session == session, conversations.c.deleted_at.is_(None))
        .where(conversations.c.expires_at > now_ms())
        .order_by(messages.c.id)
    )
    return [
        StoredMessage(id, client_id, role, msgspec.convert(parts, _PARTS), msgspec.convert(citations, _CITATIONS), created_at)
        for id, client_id, role, parts, citations, created_at in connection.execute(query)
    ]


def forget(connection: sa.Connection, site: str, session: str) -> bool:
    """Delete a visitor's conversation with its messages; False when there was none."""
    statement = conversations.delete().where(conversations.c.site == site, conversations.c.session == session)
    return connection.execute(statement).rowcount > 0


def expire(connection: sa.Connection) -> int:
    """Delete conversations whose time is over; returns how many."""
    return connection.execute(conversations.delete().where(conversations.c.expires_at <= now_ms())).rowcount

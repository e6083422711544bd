"""Rows of finished runs: what was used, by whom, and the text only where it was switched on."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import sqlalchemy as sa

from antiphon.runs.recorder import Record
from antiphon.storage.ids import now_ms
from antiphon.storage.tables.conversations import conversations, runs


class RunRow(msgspec.Struct, frozen=True):
    """A run as it is listed. Times in milliseconds since the epoch."""

    id: str
    subject: str
    on_behalf_of: str | None
    dialect: str
    model: str
    bot: str | None
    outcome: str | None
    error: str | None
    input_tokens: int
    output_tokens: int
    estimated: bool
    cost: float | None
    started_at: int
    first_token_ms: int | None
    ended_at: int | None


def as_row(record: Record, *, on_behalf_of: str | None, conversation: str | None, question: str | None, keep_text: bool) -> dict[str, Any]:
    """The row of a finished run; built on the event loop, so cheap and without I/O."""
    answer, run = record.answer, record.run
    usage = answer.usage if answer else None
    return {
        "id": run.id,
        "conversation": conversation,
        "subject": run.owner.subject,
        "on_behalf_of": on_behalf_of,
        "dialect": run.dialect,
        "model": answer.model if answer else "",
        "bot": answer.bot if answer else None,
        "outcome": record.outcome,
        "error": answer.error.code if answer and answer.error else None,
        "input_tokens": usage.input if usage else 0,
        "output_tokens": usage.output if usage else 0,
        "estimated": usage.estimated if usage else False,
        "cost": usage.cost if usage else None,
        "question": question if keep_text else None,
        "answer": answer.choices[0].text if keep_text and answer and answer.choices else None,
        "started_at": run.created * 1000,
        "first_token_ms": None if record.first_token is None else round(record.first_token * 1000),
        "ended_at": now_ms(),
    }


_STANDS: Final = sa.select(conversations.c.id).where(conversations.c.id == sa.bindparam("asked_in"))
_INSERT: Final = runs.insert().values(conversation=_STANDS.scalar_subquery())


def insert(connection: sa.Connection, row: dict[str, Any]) -> None:
    """Keep a row of `as_row`. A conversation that was deleted meanwhile is not named; what was used still counts."""
    named = dict(row)
    connection.execute(_INSERT, {"asked_in": named.pop("conversation"), **named})


def recent(connection: sa.Connection, readable: sa.Select[str], limit: int = 100) -> list[RunRow]:
    """Newest first, of those that `readable` (a query of ids) holds."""
    columns = [runs.c[name] for name in RunRow.__struct_fields__]
    query = sa.select(*columns).where(runs.c.id.in_(readable)).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit)
    return [RunRow(*row) for row in connection.execute(query)]


def expire(connection: sa.Connection, before: int) -> int:
    """Delete what runs used that ended before a time in milliseconds; returns how many."""
    return connection.execute(runs.delete().where(runs.c.ended_at < before)).rowcount

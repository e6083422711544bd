"""GET /events, for a browser's own EventSource, and the tickets that it carries instead of a bearer token.

A question makes a detached run and follows it; a reconnect (Last-Event-ID) goes on where the reader was, and never starts anything;
without a question the stream stays open with heartbeats. Once a run has ended and been read, or is not known any more, a reconnect gets
204, which tells the browser to stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final

import msgspec

from antiphon.accounts.tickets import Ticket
from antiphon.api.ask import answering, asker, begin
from antiphon.api.http import Receive, Scope, Send, head_of, read_body, send_reply
from antiphon.api.services import Services
from antiphon.api.stream import Stream, pump
from antiphon.chat.ports import Batches
from antiphon.core.actor import Actor
from antiphon.core.errors import BadRequest, NotFound
from antiphon.core.events import Event
from antiphon.dialects.base import Dialect, Head, Renderer, Reply
from antiphon.dialects.event_source.render import WELCOME, RecordRenderer
from antiphon.permissions.decide import require
from antiphon.runs.log import Run
from antiphon.wire import json

RETAIN_SECONDS: Final = 3_600.0
READ_SECONDS: Final = 30.0  # a run that was written to its end is kept for a reader whose connection lost the last of it
_STOP_RECONNECTING: Final = Reply(204, b"")


class Events:
    """The dialect's GET route, and POST /api/tickets."""

    def __init__(self, services: Services, dialect: Dialect) -> None:
        self._services = services
        self._dialect = dialect
        self._tasks: set[asyncio.Task[None]] = set()

    async def follow(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answering(self._dialect, send, lambda: self._follow(scope, receive, send))

    async def issue(self, scope: Scope, receive: Receive, send: Send) -> None:
        """POST {run?} -> {ticket, expires_in}."""
        await answering(self._dialect, send, lambda: self._issue(scope, receive, send))

    async def _follow(self, scope: Scope, receive: Receive, send: Send) -> None:
        services = self._services
        head = head_of(scope)
        seen = _last_seen(head)
        actor, ticket = await self._admit(scope, head, seen)
        if seen is not None or (ticket is not None and ticket.run is not None):
            run_id, after = seen or (ticket.run if ticket and ticket.run else "", -1)
            await self._resume(actor, run_id, after, receive, send)
            return
        ask = self._dialect.decode(head, b"")
        if not ask.request.messages:
            await self._wait(actor, receive, send)
            return
        target = await services.catalogue.resolve(actor, ask.request.model, self._dialect.name)
        run, batches = begin(services, self._dialect, actor, ask, target)
        if ticket is not None:
            services.authenticator.ticket_started(ticket, run.id)
        task = asyncio.create_task(self._produce(run, batches), name=f"run {run.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await self._read(run, -1, receive, send)

    async def _admit(self, scope: Scope, head: Head, seen: tuple[str, int] | None) -> tuple[Actor, Ticket | None]:
        if ticket := head.query.get("ticket"):
            actor, redeemed = await self._services.authenticator.redeem(ticket, seen[0] if seen else None)
            require(actor, "ask", "chat")
            return actor, redeemed
        return await asker(self._services, scope, head), None

    async def _produce(self, run: Run, batches: Batches) -> None:
        """A detached run: goes to its end whoever reads it."""
        task = asyncio.current_task()
        assert task is not None
        run.on_stop(task.cancel)
        try:
            async with aclosing(batches):
                async for _ in batches:
                    pass
        except asyncio.CancelledError:
            if not run.stopping:
                raise
        finally:
            self._services.runs.close(run, RETAIN_SECONDS)

    async def _resume(self, actor: Actor, run_id: str, after: int, receive: Receive, send: Send) -> None:
        run = self._services.runs.find(run_id)
        if run is None:
            await send_reply(send, _STOP_RECONNECTING)
            return
        if run.owner.subject != actor.subject or run.owner.kind != actor.kind:
            raise NotFound("There is no such run.", code="run_not_found")
        if run.ended and after >= len(run.events) - 1:
            await send_reply(send, _STOP_RECONNECTING)
            return
        await self._read(run, after, receive, send)

    async def _read(self, run: Run, after: int, receive: Receive, send: Send) -> None:
        """Write the run from the event after `after` on."""
        stream = await self._write(RecordRenderer(run.id, after), _batches(run, after), run, receive, send)
        if run.ended and stream.cut is None:
            self._services.runs.close(run, READ_SECONDS)

    async def _wait(self, actor: Actor, receive: Receive, send: Send) -> None:
        """No question: a welcome, then heartbeats until the reader leaves."""
        await self._write(_Welcome(), _silence(), Run("", actor, self._dialect.name, 0), receive, send)

    async def _write(self, renderer: Renderer, batches: Batches, run: Run, receive: Receive, send: Send) -> Stream:
        """The reader has a handle of its own: that it leaves, or is told to, does not end the run."""
        services = self._services
        reader = Run(run.id, run.owner, run.dialect, run.created)
        stream = Stream(self._dialect, reader, send, [], services.options.heartbeat)
        await pump(services.streams, stream, reader, renderer, batches, receive, eager=True)
        return stream

    async def _issue(self, scope: Scope, receive: Receive, send: Send) -> None:
        services = self._services
        head = head_of(scope)
        actor = await asker(services, scope, head)
        require(actor, "create", "ticket")
        body = await read_body(head, receive, services.options.body_limit)
        asked = json.decode(body) if body else {}
        if not isinstance(asked, dict) or not isinstance(asked.get("run"), str | None):
            raise BadRequest("The body must be an object with an optional run.", param="run")
        run_id = asked.get("run")
        if run_id is not None:
            run = services.runs.find(run_id)
            if run is None or run.owner.subject != actor.subject:
                raise NotFound("There is no such run.", code="run_not_found", param="run")
        ticket = await services.authenticator.issue_ticket(actor, run_id)
        await send_reply(
            send, Reply(200, msgspec.json.encode({"ticket": ticket, "expires_in": 60}), headers=(("Cache-Control", "no-store"),))
        )


class _Welcome:
    """Renders what the dialect says before any run."""

    def events(self, batch: Sequence[Event]) -> bytes:
        return b"" if batch else WELCOME


async def _batches(run: Run, after: int) -> Batches:
    async with aclosing(run.tail(after)) as tail:
        async for _, batch in tail:
            yield batch


async def _silence() -> Batches:
    yield []
    await asyncio.Event().wait()


def _last_seen(head: Head) -> tuple[str, int] | None:
    """`<run>:<seq>` of the Last-Event-ID header (or query parameter, for libraries that cannot send it); None without one."""
    value = head.headers.get("last-event-id") or head.query.get("lastEventId")
    if not value:
        return None
    run, _, seq = value.rpartition(":")
    if not run or not seq.isdecimal() or len(seq) > 9:
        return value, -1
    return run, int(seq)

"""Where the two ends of a turn are joined, once for every dialect: bytes in, decode, who may, the turn, its record, render, bytes out.

A route is an `Endpoint` of one dialect. What differs between dialects is declared by them (dialects.base.Dialect), never tested for here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from antiphon.api.http import ClientGone, Headers, Receive, Scope, Send, head_of, read_body, send_reply
from antiphon.api.identify import identify
from antiphon.api.services import Services
from antiphon.api.stream import Stream, collect, pump
from antiphon.chat.plan import make_plan
from antiphon.chat.ports import Batches, Target
from antiphon.chat.turn import count_cut, take_turn
from antiphon.core.actor import Actor
from antiphon.core.errors import AntiphonError, BadRequest, OurError
from antiphon.dialects.base import Ask, Dialect, Head
from antiphon.permissions.decide import require
from antiphon.runs import store
from antiphon.runs.log import Run
from antiphon.runs.recorder import Record, record
from antiphon.storage.ids import new_id

log = structlog.get_logger(__name__)

Keep = Callable[[Record], object]


async def asker(services: Services, scope: Scope, head: Head) -> Actor:
    """Who may ask on an API dialect. Raises Unauthenticated for nobody, Refused for a key that may not."""
    actor = await identify(services.authenticator, services.options, scope, head)
    require(actor, "ask", "chat", anonymous=services.options.anonymous)
    return actor


def begin(
    services: Services,
    dialect: Dialect,
    actor: Actor,
    ask: Ask,
    target: Target,
    *,
    conversation: str | None = None,
    keep: Keep | None = None,
) -> tuple[Run, Batches]:
    """Make a run of an ask: known to the log, recorded, metered when it ends. Raises BadRequest for an ask without a question.

    keep: called with the finished record, for dialects that store what was said.
    """
    plan = make_plan(actor, ask.request, target)
    run = services.runs.open(Run(new_id("run"), actor, dialect.name, int(time.time())))

    def finish(result: Record) -> None:
        services.metrics.count(result)
        row = store.as_row(
            result,
            on_behalf_of=ask.on_behalf_of,
            conversation=conversation,
            question=ask.request.question,
            keep_text=dialect.name in services.options.store_text,
        )
        services.db.submit_behind(store.insert, row).add_done_callback(lambda done: _log_failure(done.exception()))
        if keep is not None:
            keep(result)

    turn = take_turn(plan, services.retriever, run=run.id, created=run.created)
    return run, record(run, turn, finish, partial(count_cut, plan))


def _log_failure(error: BaseException | None) -> None:
    if error is not None:
        log.error("a run could not be metered", error=repr(error))


class Endpoint:
    """One dialect's asking route as an ASGI application."""

    def __init__(self, services: Services, dialect: Dialect) -> None:
        if dialect.on_disconnect != "stop":
            raise ValueError(f"answers of {dialect.name} outlive their readers: it needs a route that detaches them")
        self._services = services
        self._dialect = dialect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answering(self._dialect, send, lambda: self._answer(scope, receive, send))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        services = self._services
        head = head_of(scope)
        actor = await asker(services, scope, head)
        ask = self._dialect.decode(head, await read_body(head, receive, services.options.body_limit))
        target = await services.catalogue.resolve(actor, ask.request.model, self._dialect.name)
        run, batches = begin(services, self._dialect, actor, ask, target)
        await deliver(services, self._dialect, ask, run, batches, receive, send)


async def deliver(
    services: Services, dialect: Dialect, ask: Ask, run: Run, batches: Batches, receive: Receive, send: Send, headers: Headers | None = None
) -> None:
    """Answer a request with a run, streamed or whole as it was asked, and forget the run when it is over.

    In a task of its own, so that a chunk wakes only what it needs: all callers of this function would be walked through each time.
    """

    async def answer() -> None:
        stream = Stream(dialect, run, send, headers or [], services.options.heartbeat)
        if ask.stream:
            await pump(services.streams, stream, run, dialect.renderer(ask), batches, receive, eager=dialect.eager)
        else:
            whole = await collect(services.streams, stream, run, batches, receive)
            await send_reply(send, dialect.whole(ask, whole), headers)

    try:
        await asyncio.create_task(answer(), name=f"answer {run.id}")
    finally:
        services.runs.close(run)


async def answering(dialect: Dialect, send: Send, answer: Callable[[], Awaitable[None]], headers: Headers | None = None) -> None:
    """Run `answer`; what fails before the first byte is told in the dialect's own form, and nobody sees a trace."""
    try:
        await answer()
    except ClientGone:
        return
    except AntiphonError as error:
        if error.detail:
            log.warning("request failed", dialect=dialect.name, code=error.code, detail=error.detail)
        await send_reply(send, dialect.error(error), headers)
    except RecursionError:
        await send_reply(send, dialect.error(BadRequest("The request is nested too deeply.")), headers)
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("request failed", dialect=dialect.name)
        await send_reply(send, dialect.error(OurError("Something went wrong on our side. The problem has been logged.")), headers)

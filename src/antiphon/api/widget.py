"""The Q&A widget's routes: visitors of other people's pages ask on a *site*.

A site that is public may be asked by anybody; its questions come from the browser of a stranger, so: no cookies, no credentials in CORS,
only the site's own origins, so many streams a minute, only the site's collection. An Origin header proves nothing about who asks; it only
keeps other people's pages from using the site through their visitors' browsers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Literal

import msgspec

from antiphon.api.ask import answering, asker, begin, deliver
from antiphon.api.http import Headers, Receive, Scope, Send, head_of, read_body, send_reply
from antiphon.api.identify import client_address, same_origin
from antiphon.api.services import DAY_MS, Services
from antiphon.bots.sites import Site
from antiphon.chat.ports import Batches, Target
from antiphon.conversations import store as conversations
from antiphon.conversations.store import StoredMessage
from antiphon.core.actor import Actor
from antiphon.core.errors import BadRequest, NotFound, Refused
from antiphon.core.messages import Text, text_of
from antiphon.core.request import Sampling
from antiphon.dialects.base import Dialect, Head, Reply
from antiphon.dialects.qa_widget.render import HistoryMessage, history
from antiphon.runs.recorder import Record
from antiphon.storage.limits import network_of

STREAM_PATH = "/api/chat/stream"
HISTORY_PATH = "/api/chat-history/"
SAMPLING = Sampling(temperature=0.7, max_tokens=1000)
MIN_SCORE = 0.7


class Widget:
    """The three routes and their preflight, as ASGI applications."""

    def __init__(self, services: Services, dialect: Dialect) -> None:
        self._services = services
        self._dialect = dialect

    async def preflight(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Allow the union of all sites' origins: a preflight does not say which site is meant."""
        origin = head_of(scope).headers.get("origin", "")
        headers: Headers = [(b"vary", b"Origin")]
        if origin in await self._services.catalogue.site_origins():
            headers += _allow(origin) + [
                (b"access-control-allow-methods", b"GET, POST, DELETE"),
                (b"access-control-allow-headers", b"Content-Type, Accept, X-Request-ID"),
                (b"access-control-max-age", b"600"),
            ]
        await send_reply(send, Reply(204, b""), headers)

    async def ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: Headers = [(b"vary", b"Origin")]
        await answering(self._dialect, send, lambda: self._ask(scope, receive, send, headers), headers)

    async def history(self, scope: Scope, receive: Receive, send: Send) -> None:
        """GET the messages of a session, or DELETE them."""
        headers: Headers = [(b"vary", b"Origin")]
        await answering(self._dialect, send, lambda: self._history(scope, send, headers), headers)

    async def _ask(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        services = self._services
        head = head_of(scope)
        ask = self._dialect.decode(head, await read_body(head, receive, services.options.body_limit))
        site, actor = await self._admit(scope, head, ask.site, headers)
        rule = f"{site.per_minute or services.options.widget_per_minute}/minute"
        client = actor.key or actor.user or network_of(actor.client)
        await services.limits.hit(rule, "widget", site.slug, client, message="Too many questions. Try again in a moment.")
        target = confined(await services.catalogue.resolve(actor, site.bot, self._dialect.name), site)
        conversation = None
        if ask.session:
            question = (Text(ask.request.question),)
            keep_ms = services.options.history_days * DAY_MS
            conversation, _ = await services.db.write(conversations.ask, site.slug, ask.session, question, keep_ms)
        saving: list[Future[str | None]] = []

        def keep(record: Record) -> None:
            answer = record.answer
            if conversation is None or answer is None or not answer.choices or not answer.choices[0].text:
                return
            said = answer.choices[0]
            saving.append(
                services.db.submit(
                    conversations.append, conversation, "assistant", (Text(said.text),), citations=said.citations, run=record.run.id
                )
            )

        run, batches = begin(services, self._dialect, actor, ask, target, conversation=conversation, keep=keep)
        await deliver(services, self._dialect, ask, run, _once_saved(batches, saving), receive, send, headers)

    async def _history(self, scope: Scope, send: Send, headers: Headers) -> None:
        head = head_of(scope)
        session = head.path.removeprefix(HISTORY_PATH)
        if not session or "/" in session or len(session) > 200:
            raise BadRequest("The session id is missing or too long.")
        site, _ = await self._admit(scope, head, head.query.get("tokenSlug"), headers)
        if head.method == "DELETE":
            await self._services.db.write(conversations.forget, site.slug, session)
            await send_reply(send, Reply(200, b'{"success":true}'), headers)
            return
        messages = await self._services.db.read(conversations.history, site.slug, session)
        await send_reply(send, history(map(_shown, messages)), headers)

    async def _admit(self, scope: Scope, head: Head, slug: str | None, headers: Headers) -> tuple[Site, Actor]:
        """The site and who asks on it; adds the CORS headers that its origin deserves. Raises NotFound, Refused, Unauthenticated."""
        services = self._services
        site = await services.catalogue.site(slug) if slug else None
        if site is None:
            raise NotFound("There is no such site.", code="unknown_site", param="tokenSlug")
        origin = head.headers.get("origin")
        if origin is not None and not same_origin(services.options, scope, head):
            if origin not in site.origins:
                raise Refused("This site may not be used from here.", code="origin_not_allowed")
            headers += _allow(origin)
        if site.public:
            return site, Actor(kind="visitor", site=site.slug, client=client_address(services.options, scope, head))
        return site, await asker(services, scope, head)


def _shown(message: StoredMessage) -> HistoryMessage:
    role: Literal["user", "assistant"] = "user" if message.role == "user" else "assistant"
    return HistoryMessage(message.id, role, text_of(message.parts), message.citations, message.created_at)


def _allow(origin: str) -> Headers:
    return [(b"access-control-allow-origin", origin.encode("latin-1")), (b"access-control-expose-headers", b"Retry-After, X-Request-ID")]


def confined(target: Target, site: Site) -> Target:
    """A site's bot answers from the site's collection, or says that it found nothing.

    Strangers are answered only when it is rather sure, unless the site names a bot, whose own measure counts then.
    """
    given: Iterable[str] = (name for name in Sampling.__struct_fields__ if getattr(target.sampling, name) not in (None, ()))
    sampling = msgspec.structs.replace(SAMPLING, **{name: getattr(target.sampling, name) for name in given})
    min_score = MIN_SCORE if site.bot is None else target.min_score
    return msgspec.structs.replace(
        target, grounded=True, strict=True, collections=(site.collection,), sampling=sampling, min_score=min_score
    )


async def _once_saved(batches: Batches, saving: list[Future[str | None]]) -> Batches:
    """The same run; its last batch waits until the answer is kept, so that a page that reloads on `done` finds it."""
    try:
        async for batch in batches:
            if saving:
                await asyncio.wrap_future(saving[0])
            yield batch
    finally:
        await batches.aclose()

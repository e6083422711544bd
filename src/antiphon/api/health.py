"""Is it alive, is it ready, how is it doing: probes and /metrics. A probe never asks a model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from antiphon.api.http import Receive, Scope, Send, head_of, send_reply
from antiphon.api.identify import identify
from antiphon.api.services import Services
from antiphon.core.errors import AntiphonError
from antiphon.dialects.base import Reply

_OK = Reply(200, b'{"status":"ok"}', headers=(("Cache-Control", "no-store"),))
_NOT_READY = Reply(503, b'{"status":"unavailable"}', headers=(("Cache-Control", "no-store"), ("Retry-After", "5")))


class Health:
    """`ready` is asked each time: true when the database answers and the server is not shutting down."""

    def __init__(self, services: Services, ready: Callable[[], Awaitable[bool]]) -> None:
        self._services = services
        self._ready = ready

    async def healthz(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send_reply(send, _OK)

    async def alive(self, scope: Scope, receive: Receive, send: Send) -> None:
        """GET /v1/health of the ask dialect, as its description prints it."""
        await send_reply(send, Reply(200, b'{"status": "ok"}'))

    async def readyz(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send_reply(send, _OK if await self._ready() else _NOT_READY)

    async def metrics(self, scope: Scope, receive: Receive, send: Send) -> None:
        """For administrators, and for scrapers on this very machine."""
        services = self._services
        try:
            actor = await identify(services.authenticator, services.options, scope, head_of(scope))
        except AntiphonError:
            actor = None
        if actor is None or not (actor.admin or actor.kind == "local"):
            await send_reply(send, Reply(404, b'{"error":{"code":"not_found","message":"There is nothing at this address.","param":null}}'))
            return
        await send_reply(send, Reply(200, services.metrics.text(), "text/plain; version=0.0.4; charset=utf-8"))

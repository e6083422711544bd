"""The front of the server: one raw ASGI callable that knows the hot routes by table and hands everything else to the management API.

Rules: pure ASGI, and nothing per chunk: the response is touched once, at its start, where it gets its request id and safety headers.
Paths are looked up below the root path, whether or not the proxy in front strips it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Mapping
from typing import Final

import structlog

from antiphon.api.http import App, Headers, Message, Receive, Scope, Send, send_reply
from antiphon.api.metrics import Metrics
from antiphon.dialects.base import Reply
from antiphon.storage.ids import new_id

log = structlog.get_logger("antiphon.http")

_GIVEN_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_SAFETY: Final[Headers] = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"strict-origin-when-cross-origin")]

_DEFECT: Final = Reply(500, b'{"error":{"code":"internal_error","message":"Something went wrong on our side.","param":null}}')

Routes = Mapping[str, Mapping[str, App]]


class Dispatcher:
    """exact: path -> method -> application. prefixes: the same for everything below a path.

    rest: whoever takes what no table names; set before the first request.
    """

    rest: App

    def __init__(self, exact: Routes, prefixes: Routes, metrics: Metrics, root_path: str = "") -> None:
        self._exact = exact
        self._prefixes = prefixes
        self._metrics = metrics
        self._root = root_path.rstrip("/")

    def inventory(self) -> list[tuple[str, str]]:
        """Every (method, path) that the tables name; a prefix ends with '*'."""
        routes = [(method, path) for path, methods in self._exact.items() for method in methods]
        return routes + [(method, path + "*") for path, methods in self._prefixes.items() for method in methods]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.rest(scope, receive, send)
            return
        if self._root:
            _below(scope, self._root)
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        request_id = given if _GIVEN_ID.fullmatch(given) else new_id("req").encode()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id.decode())
        started = time.monotonic()
        status = 0

        def marked(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                nonlocal status
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id), *_SAFETY]
            return send(message)

        try:
            await self._find(scope)(scope, receive, marked)
        except Exception:
            log.exception("request failed", method=scope["method"], path=scope["path"])
            if not status:
                await send_reply(marked, _DEFECT)
        finally:
            self._metrics.requests.labels(str(status)).inc()
            if scope["path"] not in ("/healthz", "/readyz", "/metrics"):
                took = round((time.monotonic() - started) * 1000, 1)
                log.info("request", method=scope["method"], path=scope["path"], status=status, ms=took)

    def _find(self, scope: Scope) -> App:
        path: str = scope["path"]
        methods = self._exact.get(path)
        if methods is None:
            methods = next((table for prefix, table in self._prefixes.items() if path.startswith(prefix)), None)
        if methods is None:
            return self.rest
        found = methods.get(scope["method"])
        return found if found is not None else _not_allowed(methods)


def _below(scope: Scope, root: str) -> None:
    path = scope["path"]
    if path == root or path.startswith(root + "/"):
        scope["path"] = path[len(root) :] or "/"
        scope["raw_path"] = scope["path"].encode()
    scope["root_path"] = ""


def _not_allowed(methods: Mapping[str, App]) -> App:
    allowed = ", ".join(sorted({*methods, "OPTIONS"}))

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        options = scope["method"] == "OPTIONS"
        body = (
            b"" if options else b'{"error":{"code":"method_not_allowed","message":"This address does not take that method.","param":null}}'
        )
        await send_reply(send, Reply(204 if options else 405, body, headers=(("Allow", allowed),)))

    return answer

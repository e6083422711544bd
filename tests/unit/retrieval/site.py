"""A small web site on loopback, and a name server that says what it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from aiohttp import web

Reply = Callable[[web.Request], web.StreamResponse]


def page(body: str, *, media_type: str = "text/html; charset=utf-8", status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    def reply(_: web.Request) -> web.Response:
        return web.Response(body=body.encode(), status=status, headers={"Content-Type": media_type, **(headers or {})})

    return reply


def redirect(to: str, status: int = 302) -> Reply:
    return page("", status=status, headers={"Location": to})


@dataclass
class Site:
    """pages: replies by path with query; everything else is a 404. asked: every request's path, in order."""

    pages: dict[str, Reply]
    asked: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    most_at_once: int = 0
    port: int = 0

    async def __aenter__(self) -> Site:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._runner.cleanup()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.hosts.append(request.host)
        reply = self.pages.get(request.path_qs)
        return web.Response(status=404) if reply is None else reply(request)


@dataclass
class Names:
    """A resolver whose answers may change from one question to the next; the last one stays."""

    answers: dict[str, list[Sequence[str]]]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.answers[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]

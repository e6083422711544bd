"""Runs an Application behind uvicorn: in the foreground for `serve`, in a thread for a verb that finds no server to call."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Final

import uvicorn

from antiphon.app import Application
from antiphon.cli.logs import log_as
from antiphon.core.errors import BadRequest
from antiphon.settings.layers import Settings
from antiphon.storage.directory import DataDirectory, LiveServer

GRACE_SECONDS: Final = 10
START_SECONDS: Final = 60.0


class _Server(uvicorn.Server):
    """Says when it answers, and ends streams in order before uvicorn waits for connections to close."""

    def __init__(self, config: uvicorn.Config, application: Application, ready: Callable[[Callable[[], None]], object]) -> None:
        super().__init__(config)
        self._application = application
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        root = self._application.settings.values.server.root_path
        live = LiveServer(self._application.address + root, self._application.local_token, os.getpid())
        self._application.directory.announce(live)
        self._ready(self._end)

    def _end(self) -> None:
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._application.drain()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises BadRequest when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2_048)
    except OSError as error:
        hint = f" Choose another with --port {port + 1}." if port else ""
        raise BadRequest(f"Cannot listen on {host}:{port}: {error.strerror}.{hint}") from None
    listener.setblocking(False)
    return listener


async def run(application: Application, listener: socket.socket, ready: Callable[[Callable[[], None]], object]) -> None:
    """Serve until a signal comes. The caller holds the directory's lock.

    ready: called once requests are answered, with a function that ends the server from any thread.
    """
    host, port = listener.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    application.address = f"http://{reachable}:{port}"
    await application.start()
    config = uvicorn.Config(
        application.asgi,
        loop="none",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=2_048,
    )
    gc.collect()
    gc.freeze()  # what was made at start stays; collections need not look at it again
    try:
        await _Server(config, application, ready).serve(sockets=[listener])
    finally:
        await application.stop()


class _Private:
    """A server in a thread of its own, for as long as one verb needs it."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._ready: Future[Callable[[], None]] = Future()
        self._thread = threading.Thread(target=self._serve, name="private server", daemon=True)

    def start(self) -> None:
        """Returns when requests are answered. Raises whatever keeps the server from starting."""
        self._thread.start()
        self._end = self._ready.result(START_SECONDS)

    def stop(self) -> None:
        self._end()
        self._thread.join(GRACE_SECONDS + 5)

    def _serve(self) -> None:
        try:
            asyncio.run(run(self._application, listen("127.0.0.1", 0), self._ready.set_result))
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)


@contextmanager
def private_server(settings: Settings, directory: DataDirectory) -> Iterator[tuple[str, str]]:
    """Runs a server on a free loopback port meanwhile; yields (url, local token).

    Raises Conflict when another process holds the directory.
    """
    directory.lock()
    log_as("warning", "text")
    try:
        application = Application(settings, directory)
        server = _Private(application)
        server.start()
        try:
            yield application.address + settings.values.server.root_path, application.local_token
        finally:
            server.stop()
    finally:
        directory.release()

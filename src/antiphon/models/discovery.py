"""Asks model servers which models they have, in the background, at start and again from time to time.

Nothing waits for it but a caller who names a model that is not known yet, and that only for the first round. A server that does not answer
keeps what it listed before; a local Ollama that does not answer is simply not there.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
import structlog

from antiphon.core.errors import UpstreamError
from antiphon.models.servers import ModelServer
from antiphon.providers import faults
from antiphon.providers.transport import Limits, Transport

REFRESH_SECONDS: Final = 300.0
RETRY_SECONDS: Final = 30.0
LISTING_LIMITS: Final = Limits(connect=2.0, first_byte=4.0, idle=4.0)
MAX_LISTING: Final = 4 * 1024 * 1024
MAX_MODELS: Final = 2_000
_NOT_CHAT = re.compile(r"(?i)embed|whisper|tts|dall-e|moderation|rerank|transcribe|sora|gpt-image|babbage|davinci")

log = structlog.get_logger(__name__)


class _Entry(msgspec.Struct):
    id: str | None = None
    name: str | None = None


class _Listing(msgspec.Struct):
    data: list[_Entry] | None = None
    models: list[_Entry] | None = None


class Discovery:
    """servers: the servers to ask, newly looked up for each round."""

    def __init__(self, transport: Transport, servers: Callable[[], Awaitable[Sequence[ModelServer]]]) -> None:
        self.listed: dict[str, tuple[str, ...]] = {}
        self.since = int(time.time())
        self._transport = transport
        self._servers = servers
        self._first = asyncio.Event()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="model-discovery")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def again(self) -> None:
        """Something changed: ask now."""
        self._wake.set()

    @property
    def settled(self) -> bool:
        """True once the first round is over, or when there is none to come."""
        return self._task is None or self._first.is_set()

    async def settle(self) -> None:
        """Wait for the first round, which its limits bound."""
        if not self.settled:
            await self._first.wait()

    async def _run(self) -> None:
        while True:
            complete = False
            try:
                complete = await self.ask_all()
            except Exception:
                log.exception("listing models failed")
            self._first.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), REFRESH_SECONDS if complete else RETRY_SECONDS)
            self._wake.clear()

    async def ask_all(self) -> bool:
        """One round. False when a server did not answer."""
        servers = [server for server in await self._servers() if server.discover]
        answers = await asyncio.gather(*(self._ask(server) for server in servers))
        listed = {server.name: names for server, names in zip(servers, answers, strict=True) if names is not None}
        kept = {server.name: self.listed[server.name] for server in servers if server.name in self.listed and server.origin != "local"}
        self.listed = kept | listed
        return None not in answers

    async def _ask(self, server: ModelServer) -> tuple[str, ...] | None:
        try:
            return await list_models(self._transport, server)
        except UpstreamError as error:
            if server.origin != "local":
                log.warning("a model server did not list its models", server=server.name, code=error.code, detail=error.detail)
            return None


async def list_models(transport: Transport, server: ModelServer) -> tuple[str, ...]:
    """Names of the models of a server that are for chats, in its order. Raises UpstreamError."""
    target = msgspec.structs.replace(server.server, limits=LISTING_LIMITS)
    for number, base in enumerate(target.bases, 1):
        response = await transport.get(target.call(server.name, base, "/models"))
        try:
            if response.status == 404 and number < len(target.bases):
                continue
            if response.status != 200:
                raise faults.of_status(server.name, response.status, await response.error_text(), response.headers.get("Retry-After"))
            return _names(server.name, await response.read_all(MAX_LISTING))
        finally:
            response.close()
    return ()


def _names(server: str, body: bytes) -> tuple[str, ...]:
    """`{"data": [{"id"}]}` as OpenAI has it, a bare list, or `{"models": [{"name"}]}`."""
    try:
        listing = msgspec.json.decode(body, type=_Listing | list[_Entry])
    except ValueError as error:
        raise faults.invalid(server, f"model list: {error}") from None
    entries = listing if isinstance(listing, list) else listing.data or listing.models or []
    names = dict.fromkeys(entry.id or entry.name for entry in entries[:MAX_MODELS])
    return tuple(name for name in names if name and len(name) <= 128 and not _NOT_CHAT.search(name))

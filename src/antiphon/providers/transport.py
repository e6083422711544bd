"""The one HTTP client for model servers, and the clocks that bound them.

Limits: connect, first byte (from sending the request), idle (between two reads), never a total. One timer watches a whole response and is
re-armed lazily, so a read costs no timer. Redirects, cookies, and .netrc are off; compressed answers are not asked for.

Retries: at most RETRIES, before the first byte of a response only, and only where the server cannot have begun to answer: the connection
was refused or broken, or it said 502 or 503.
"""

from __future__ import annotations

import asyncio
import io
import random
from collections.abc import Mapping
from typing import Final

import aiohttp
import msgspec

from antiphon.core.errors import UpstreamError
from antiphon.providers import faults
from antiphon.providers.chunked import StreamingResponse, streaming_connector

RETRIES: Final = 2
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0
READ_BUFFER: Final = 64 * 1024
MAX_ERROR_BODY: Final = 16 * 1024
MAX_WHOLE_BODY: Final = 64 * 1024 * 1024
LARGE_BODY: Final = 512 * 1024
LINGER: Final = 0.25
KEEP_IDLE: Final = 4.0  # below the 5 s after which common servers drop an idle connection


class Limits(msgspec.Struct, frozen=True):
    """Seconds. after_finish: patience for usage and [DONE] once the answer itself is complete."""

    connect: float = 5.0
    first_byte: float = 60.0
    idle: float = 120.0
    after_finish: float = 4.0


class Call(msgspec.Struct, frozen=True):
    """One request. model: its name in error texts. secret: what must never show in a detail."""

    model: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    limits: Limits = Limits()
    secret: str | None = None


class _Again(Exception):
    """The connection failed before a byte of the response: the request may be sent once more."""

    def __init__(self, error: UpstreamError) -> None:
        super().__init__(error.message)
        self.error = error


class Response:
    """An answer whose head has come. `read` brings what has arrived, b'' at a proper end; `close` drops the connection unless it ended."""

    def __init__(self, transport: Transport, call: Call, response: aiohttp.ClientResponse, since: float) -> None:
        self.status = response.status
        self.headers = response.headers
        self._transport = transport
        self._call = call
        self._response = response
        body = response.body if isinstance(response, StreamingResponse) else None
        self._read = response.content.readany if body is None else body.read
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._since: float | None = since
        self._limit = call.limits.first_byte
        self._stage = "first byte"
        self._late = False
        self._broken: BaseException | None = None
        self._timer = self._loop.call_later(max(0.0, since + self._limit - self._now()), self._watch)

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    async def read(self) -> bytes:
        """What has arrived since the last read; waits for something. UpstreamUnreachable when the connection broke, UpstreamTimeout."""
        if self._since is None:
            self._since = self._now()
        try:
            data = await self._read()
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            data = self._rescued()
            if not data:
                raise self._failure(error) from None
        self._since = None
        if self._stage == "first byte":
            self._set_idle(self._call.limits.idle)
        return data

    def _rescued(self) -> bytes:
        """What had arrived before the connection broke; aiohttp raises the break before it hands that out."""
        if self._broken is None:
            content = self._response.content
            self._broken = content.exception()
            content.set_exception(None)  # type: ignore[arg-type]
            return content.read_nowait(-1)
        return b""

    def _failure(self, error: Exception) -> UpstreamError:
        if self._late:
            return faults.late(self._call.model, self._limit, self._stage)
        return _broken(self._call, self._broken if isinstance(self._broken, Exception) else error)

    def end_soon(self) -> None:
        """The answer is complete: wait only a little for what may follow it."""
        self._set_idle(self._call.limits.after_finish)

    def _set_idle(self, seconds: float) -> None:
        self._limit, self._stage = seconds, "idle"
        self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._watch)

    def _watch(self) -> None:
        """Looks at how long a read has been waiting and sleeps for what is left; time in which nobody reads does not count."""
        now = self._now()
        left = self._limit if self._since is None else self._since + self._limit - now
        if left > 0:
            self._timer = self._loop.call_later(left, self._watch)
            return
        self._late = True
        self._response.close()

    async def read_all(self, limit: int = MAX_WHOLE_BODY) -> bytes:
        """The rest of the body. UpstreamInvalid beyond `limit` bytes."""
        parts: list[bytes] = []
        size = 0
        while data := await self.read():
            size += len(data)
            if size > limit:
                raise faults.invalid(self._call.model, f"a body of more than {limit} bytes")
            parts.append(data)
        return b"".join(parts)

    async def error_text(self) -> str:
        """The beginning of an error's body, redacted, whatever becomes of the rest."""
        text = b""
        try:
            while len(text) < MAX_ERROR_BODY and (data := await self.read()):
                text += data
        except UpstreamError as error:
            text += f" ({error.code})".encode()
        return faults.redacted(text[:MAX_ERROR_BODY].decode("utf-8", "replace"), self._call.secret)

    def close(self, *, complete: bool = False) -> None:
        """Drop the connection, unless the body has ended. complete: only its end is missing, so give that a moment to come."""
        self._timer.cancel()
        if self._response.content.is_eof():
            self._response.release()
        elif complete:
            self._transport.linger(self._response)
        else:
            self._response.close()


class Transport:
    """Opens calls on one pool of connections. Made inside the event loop; `close` it at the end."""

    def __init__(self, proxy: str | None = None) -> None:
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None
        self._lingering: set[aiohttp.ClientResponse] = set()

    async def post(self, call: Call) -> Response:
        """Send, retrying as the header of this file says; any HTTP status comes back as a Response. Raises UpstreamError."""
        attempt = 0
        while True:
            try:
                response = await self._send("POST", call)
            except _Again as again:
                if attempt == RETRIES:
                    raise again.error from None
            else:
                if response.status not in (502, 503) or attempt == RETRIES or "Retry-After" in response.headers:
                    return response
                response.close()
            attempt += 1
            await asyncio.sleep(min(LONGEST_PAUSE, FIRST_PAUSE * 3**attempt) * random.uniform(0.3, 1.0))  # noqa: S311 - jitter is no secret

    async def get(self, call: Call) -> Response:
        """Once, without retries."""
        try:
            return await self._send("GET", call)
        except _Again as again:
            raise again.error from None

    def linger(self, response: aiohttp.ClientResponse) -> None:
        """Close it soon; if its end comes first, aiohttp has given the connection back to the pool by then."""
        self._lingering.add(response)
        asyncio.get_running_loop().call_later(LINGER, self._end, response)

    def _end(self, response: aiohttp.ClientResponse) -> None:
        self._lingering.discard(response)
        response.close()

    async def close(self) -> None:
        for response in list(self._lingering):
            self._end(response)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(self, method: str, call: Call) -> Response:
        loop = asyncio.get_running_loop()
        since = loop.time()
        timeout = aiohttp.ClientTimeout(total=None, connect=call.limits.connect)
        body = io.BytesIO(call.body) if len(call.body) > LARGE_BODY else call.body or None
        try:
            async with asyncio.timeout(call.limits.first_byte):
                response = await self._opened().request(
                    method,
                    call.url,
                    data=body,
                    headers=call.headers,
                    timeout=timeout,
                    proxy=self._proxy,
                    allow_redirects=False,
                )
        except (aiohttp.ConnectionTimeoutError, aiohttp.SocketTimeoutError):
            raise faults.late(call.model, call.limits.connect, "connect") from None
        except TimeoutError:
            raise faults.late(call.model, call.limits.first_byte, "first byte") from None
        except aiohttp.ClientConnectorDNSError as error:
            raise _broken(call, error) from None
        except (aiohttp.ClientConnectionError, OSError) as error:
            raise _Again(_broken(call, error)) from None
        except (aiohttp.ClientError, ValueError) as error:
            raise _broken(call, error) from None
        return Response(self, call, response, since)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=streaming_connector(limit=0, keepalive_timeout=KEEP_IDLE),
                response_class=StreamingResponse,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "identity"},
                read_bufsize=READ_BUFFER,
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._session


def _broken(call: Call, error: Exception) -> UpstreamError:
    detail = faults.redacted(f"{type(error).__name__}: {error}", call.secret)
    if isinstance(error, aiohttp.ClientPayloadError):
        return faults.cut(call.model, detail)
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        return faults.unreachable(call.model, detail)
    return faults.invalid(call.model, detail)

"""Any server that speaks OpenAI's chat completions: encode, transport, decode.

Asks for a stream even when the caller wants a whole answer (events fold into one), unless the server is flagged as unable to. A server that
refuses `stream_options`, or that has its API below or beside /v1, is found out by its first 400 or 404 and remembered.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence

import msgspec

from antiphon.core.errors import UpstreamError
from antiphon.core.events import Event
from antiphon.core.request import ChatRequest
from antiphon.providers import faults
from antiphon.providers.openai_compatible.decode import AnswerDecoder
from antiphon.providers.openai_compatible.encode import MaxTokensField, encode
from antiphon.providers.transport import Call, Limits, Response, Transport


class Server(msgspec.Struct, frozen=True):
    """Where and how to ask. bases: API roots to try in turn, without a trailing slash. streams: False for servers that answer whole."""

    bases: tuple[str, ...]
    key: str | None = None
    headers: Mapping[str, str] = {}
    streams: bool = True
    max_tokens_field: MaxTokensField = "max_tokens"
    limits: Limits = Limits()

    def __repr__(self) -> str:
        return f"Server({self.bases[0]!r})"

    def call(self, model: str, base: str, path: str, body: bytes = b"") -> Call:
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json", **self.headers}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        return Call(model, base + path, headers, body, self.limits, self.key)


class OpenAICompatible:
    """A provider: see core.target.Provider."""

    def __init__(self, transport: Transport, server: Server) -> None:
        self._transport = transport
        self.server = server
        self._base = 0
        self._include_usage = True

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Sequence[Event], None]:
        """Batches of events, one for each read. request.model is the server's own name for the model."""
        model = request.model or ""
        response = await self._open(model, request)
        decoder = AnswerDecoder(model, lambda: f"call_{secrets.token_hex(12)}")
        try:
            kind = response.content_type
            if kind == "application/json":
                whole = decoder.whole(await response.read_all())
                if whole:
                    yield whole
            elif kind in ("text/html", "application/xhtml+xml"):
                raise faults.invalid(model, f"{kind}: {await response.error_text()}")
            else:
                async for events in _streamed(response, decoder):
                    yield events
            if decoder.failure is not None:
                raise decoder.failure
        finally:
            response.close(complete=decoder.done)

    async def _open(self, model: str, request: ChatRequest) -> Response:
        server = self.server
        while True:
            include_usage = self._include_usage
            body = encode(request, stream=server.streams, include_usage=include_usage, max_tokens_field=server.max_tokens_field)
            base = self._base
            response = await self._transport.post(server.call(model, server.bases[base], "/chat/completions", body))
            if response.status == 200:
                return response
            text = await response.error_text()
            response.close()
            if response.status in (400, 422) and include_usage and server.streams and "stream_options" in text:
                self._include_usage = False
            elif response.status == 404 and base + 1 < len(server.bases) and "model" not in text:
                self._base = base + 1
            else:
                raise faults.of_status(model, response.status, text, response.headers.get("Retry-After"))


async def _streamed(response: Response, decoder: AnswerDecoder) -> AsyncGenerator[Sequence[Event], None]:
    patient = True
    while not decoder.done and decoder.failure is None:
        if patient and decoder.may_end:
            patient = False
            response.end_soon()
        try:
            data = await response.read()
        except UpstreamError:
            if not decoder.may_end:
                raise
            data = b""
        events = decoder.feed(data) if data else decoder.close()
        if events:
            yield events

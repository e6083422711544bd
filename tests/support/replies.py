"""What the fake upstream can say: frames, replies made of them, and the two tables that every conformance test walks.

A *reply* is an async function of (connection, request). Most are a `script` of steps: bytes are sent as one HTTP chunk, a number sleeps,
a function acts on the connection. FAULTS end in an error, BENIGN ones are odd but complete.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.connection import Connection, Reply, Request

Action = Callable[[Connection], Awaitable[None] | None]
Step = bytes | float | int | Action

TEXT = "Hello, wörld! 你好世界。 Xin chào."
KEY_IN_ERRORS = "sk-leaked-by-the-upstream"
"""Every error body of ours quotes this; it must never reach a caller or a log."""


# Frames


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def chunk(delta: Mapping[str, Any], finish: str | None = None, index: int = 0, **extra: Any) -> bytes:
    """One chat.completion.chunk record."""
    choice = {"index": index, "delta": dict(delta), "logprobs": None, "finish_reason": finish}
    return event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "m", "choices": [choice], **extra})


def text(piece: str, index: int = 0) -> bytes:
    return chunk({"content": piece}, index=index)


def usage(prompt: int = 10, completion: int = 5) -> bytes:
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return event(
        {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "m", "choices": [], "usage": counts}
    )


ROLE = chunk({"role": "assistant", "content": ""})
STOP = chunk({}, "stop")
DONE = b"data: [DONE]\n\n"
_HELLO = (ROLE, text("Hello, "), text("wörld"))
_PARTIAL = "Hello, wörld"


# Replies


async def hang(connection: Connection) -> None:
    """Silence until the client leaves."""
    await asyncio.Event().wait()


def script(*steps: Step, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A chunked event stream of these steps; a step that closes or resets the connection is the last one."""
    full = {"Content-Type": "text/event-stream; charset=utf-8", "Transfer-Encoding": "chunked", **(headers or {})}

    async def reply(connection: Connection, request: Request) -> None:
        connection.head(status, full)
        for step in steps:
            await _take(connection, step)
            if connection.transport.is_closing():
                return
        connection.end()

    return reply


async def _take(connection: Connection, step: Step) -> None:
    if isinstance(step, bytes):
        await connection.chunk(step)
    elif isinstance(step, int | float):
        await asyncio.sleep(step)
    else:
        outcome = step(connection)
        if outcome is not None:
            await outcome


def body(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A whole JSON body, or bytes as they are."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()

    async def reply(connection: Connection, request: Request) -> None:
        connection.head(status, {"Content-Type": "application/json", "Content-Length": str(len(raw)), **(headers or {})})
        connection.transport.write(raw)

    return reply


def error(status: int, code: str, headers: Mapping[str, str] | None = None) -> Reply:
    return body({"error": {"message": f"{code} for {KEY_IN_ERRORS}", "type": code, "code": code}}, status, headers)


def say(answer: str = TEXT, size: int = 4, delay: float = 0.0, finish: str = "stop") -> Reply:
    """The well-behaved reply: `answer` in pieces of `size` characters, usage if asked for; a whole object when no stream was asked for."""

    async def reply(connection: Connection, request: Request) -> None:
        counts = {"prompt_tokens": 10, "completion_tokens": len(answer), "total_tokens": 10 + len(answer)}
        if not request.streaming:
            message = {"role": "assistant", "content": answer}
            choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
            whole = {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1700000000,
                "model": "m",
                "choices": [choice],
                "usage": counts,
            }
            await body(whole)(connection, request)
            return
        steps: list[Step] = [ROLE]
        for at in range(0, len(answer), size):
            steps += [text(answer[at : at + size])] + ([delay] if delay else [])
        steps.append(chunk({}, finish))
        if (request.json.get("stream_options") or {}).get("include_usage"):
            steps.append(usage(10, len(answer)))
        await script(*steps, DONE)(connection, request)

    return reply


async def silent(connection: Connection, request: Request) -> None:
    await hang(connection)


async def drop(connection: Connection, request: Request) -> None:
    """Reads the request and closes without a byte, as an idle keep-alive connection does."""
    connection.close()


def raw(data: bytes) -> Action:
    """Bytes on the wire as they are, outside any HTTP chunk."""
    return lambda connection: connection.transport.write(data)


def _close(connection: Connection) -> None:
    connection.close()


async def _reset(connection: Connection) -> None:
    await asyncio.sleep(0.05)  # lets the client read what came before, which RST would discard
    connection.reset()


async def _flood(connection: Connection) -> None:
    """64 MiB without a newline, or until the client has had enough."""
    block = b"x" * 65536
    await connection.chunk(b'data: {"choices":[{"delta":{"content":"')
    for _ in range(1024):
        await connection.chunk(block)


async def _bomb(connection: Connection) -> None:
    """32 MiB of spaces in 32 KiB."""
    await connection.chunk(gzip.compress(b" " * (32 << 20)))


async def _too_short(connection: Connection, request: Request) -> None:
    connection.head(200, {"Content-Type": "text/event-stream", "Content-Length": "99999"})
    connection.transport.write(b"".join(_HELLO))
    connection.close()


async def _not_http(connection: Connection, request: Request) -> None:
    connection.transport.write(b"220 mail.example ESMTP ready\r\n\r\n")
    connection.close()


async def _whole_anyway(connection: Connection, request: Request) -> None:
    await body({"choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}]})(connection, request)


def _packed(*frames: bytes) -> bytes:
    return gzip.compress(b"".join(frames))


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@dataclass(frozen=True)
class Fault:
    """code: of the error that it must become (antiphon.core.errors). partial: the text that had arrived and must be kept."""

    reply: Reply
    code: str
    partial: str = ""


_CUT_CHARACTER = b'100\r\ndata: {"choices":[{"index":0,"delta":{"content":"\xe4\xbd'

FAULTS: dict[str, Fault] = {
    "unauthorized": Fault(error(401, "invalid_api_key"), "upstream_refused"),
    "forbidden": Fault(error(403, "forbidden"), "upstream_refused"),
    "unknown-model": Fault(error(404, "model_not_found"), "upstream_refused"),
    "bad-request": Fault(error(400, "invalid_request_error"), "upstream_refused"),
    "redirect": Fault(body(b"", 302, {"Location": "http://127.0.0.1:9/elsewhere"}), "upstream_invalid_response"),
    "rate-limited": Fault(error(429, "rate_limit_exceeded", {"Retry-After": "7"}), "upstream_busy"),
    "server-error": Fault(error(500, "server_error"), "upstream_error"),
    "bad-gateway": Fault(error(502, "bad_gateway"), "upstream_unreachable"),
    "overloaded": Fault(error(503, "overloaded"), "upstream_busy"),
    "gateway-timeout": Fault(error(504, "gateway_timeout"), "upstream_timeout"),
    "dropped": Fault(drop, "upstream_unreachable"),
    "hang-before-headers": Fault(silent, "upstream_timeout"),
    "html": Fault(body(b"<html><body>Sign in</body></html>", headers={"Content-Type": "text/html"}), "upstream_invalid_response"),
    "json-error": Fault(error(200, "server_error"), "upstream_error"),
    "not-http": Fault(_not_http, "upstream_invalid_response"),
    "wrong-length": Fault(_too_short, "upstream_unreachable", _PARTIAL),
    "empty": Fault(script(), "upstream_unreachable"),
    "hang-before-chunks": Fault(script(hang), "upstream_timeout"),
    "hang-between-chunks": Fault(script(*_HELLO, hang), "upstream_timeout", _PARTIAL),
    "cut-mid-chunk": Fault(script(*_HELLO, raw(b'100\r\ndata: {"choices":[{"in'), 0.02, _close), "upstream_unreachable", _PARTIAL),
    "cut-mid-utf8": Fault(script(*_HELLO, raw(_CUT_CHARACTER), 0.02, _close), "upstream_unreachable", _PARTIAL),
    "cut-between-chunks": Fault(script(*_HELLO, _close), "upstream_unreachable", _PARTIAL),
    "ended-early": Fault(script(*_HELLO), "upstream_unreachable", _PARTIAL),
    "reset": Fault(script(*_HELLO, _reset), "upstream_unreachable", _PARTIAL),
    "malformed-event": Fault(
        script(*_HELLO, b'data: {"choices": [{"index": 0, \n\n', text("lost"), STOP, DONE), "upstream_invalid_response", _PARTIAL
    ),
    "wrong-types": Fault(
        script(*_HELLO, event({"choices": [{"index": 0, "delta": {"content": 5}}]}), STOP, DONE), "upstream_invalid_response", _PARTIAL
    ),
    "error-event": Fault(
        script(*_HELLO, event({"error": {"message": KEY_IN_ERRORS, "code": "server_error"}}), hang), "upstream_error", _PARTIAL
    ),
    "huge-frame": Fault(script(*_HELLO, _flood, hang), "upstream_invalid_response", _PARTIAL),
    "gzip-bomb": Fault(script(_bomb, hang, headers={"Content-Encoding": "gzip"}), "upstream_invalid_response"),
    "unknown-encoding": Fault(script(b"\x1b\x00\x00", headers={"Content-Encoding": "br"}), "upstream_invalid_response"),
}


_LINES = "one\u2028two\u2029three\x85four\x0bfive\r\nsix"
_WHOLE = (ROLE, text(TEXT), STOP, usage(), DONE)


@dataclass(frozen=True)
class Oddity:
    """Odd, but a complete answer: text is what must come out of it."""

    reply: Reply
    text: str = TEXT


BENIGN: dict[str, Oddity] = {
    "plain": Oddity(say()),
    "no-done": Oddity(script(ROLE, text(TEXT), STOP)),
    "no-finish-but-done": Oddity(script(ROLE, text(TEXT), DONE)),
    "done-but-open": Oddity(script(*_WHOLE, hang)),
    "finish-then-silence": Oddity(script(ROLE, text(TEXT), STOP, hang)),
    "reset-after-finish": Oddity(script(ROLE, text(TEXT), STOP, _reset)),
    "slow": Oddity(say(size=8, delay=0.05)),
    "gzip": Oddity(script(_packed(*_WHOLE), headers={"Content-Encoding": "gzip"})),
    "byte-by-byte": Oddity(script(*_pieces(b"".join(_WHOLE), 1))),
    "one-write": Oddity(script(b"".join(_WHOLE))),
    "crlf": Oddity(script(*(frame.replace(b"\n", b"\r\n") for frame in _WHOLE))),
    "comments": Oddity(script(b": hello\n\n", ROLE, b": keepalive\n\n", text(TEXT), b": x\n", STOP, DONE)),
    "bom": Oddity(script(b"\xef\xbb\xbf", *_WHOLE)),
    "line-separators": Oddity(script(ROLE, text(_LINES), STOP, DONE), _LINES),
    "no-space": Oddity(script(*(frame.replace(b"data: ", b"data:") for frame in _WHOLE))),
    "whole-instead-of-stream": Oddity(_whole_anyway),
}

"""What people and programs send that cannot be answered: bodies, questions, credentials, addresses. Each by name."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

HELLO: Final = "When does the library open?"

BODIES: Final[dict[str, bytes]] = {
    "empty": b"",
    "blank": b" \r\n",
    "not JSON": b"question=hello",
    "cut off": b'{"messages": [{"role": "user", "con',
    "trailing comma": b'{"messages": [],}',
    "two values": b'{} {"messages": []}',
    "a number": b"1",
    "a text": b'"hello"',
    "null": b"null",
    "a list of numbers": b"[1, 2, 3]",
    "an empty object": b"{}",
    "an empty list": b"[]",
    "not a number": b'{"question": NaN, "messages": NaN}',
    "infinity": b'{"question": Infinity}',
    "a number out of range": b'{"question": 1e999, "temperature": 1e999}',
    "5,000 digits": b'{"question": ' + b"9" * 5000 + b"}",
    "deep lists": b"[" * 100_000,
    "deep lists, closed": b"[" * 10_000 + b"]" * 10_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "not UTF-8": b'{"question": "\xff\xfe"}',
    "UTF-16": '{"question": "hello"}'.encode("utf-16"),
    "Latin-1": '{"question": "caf\u00e9"}'.encode("latin-1"),
    "a mark of byte order": b'\xef\xbb\xbf{"question": 1}',
    "a NUL": b"\x00",
    "binary": bytes(range(256)),
}

# Questions in the place where a dialect has its question. b"%s" is JSON.
QUESTIONS: Final[dict[str, bytes]] = {
    "nothing": b'""',
    "white space": b'" \\n\\t"',
    "half a character": b'"\\ud800"',
    "the other half": b'"\\udc00 hello"',
    "a NUL": b'"hello\\u0000"',
    "a raw NUL": b'"hello\x00"',
    "a number": b"5",
    "null": b"null",
    "an object": b'{"text": "hello"}',
    "a list of numbers": b"[1]",
    "true": b"true",
}


def _messages(content: bytes) -> bytes:
    return b'[{"role": "user", "content": ' + content + b"}]"


SHAPES: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "/v1/chat/completions": lambda content: b'{"model": "antiphon", "messages": ' + _messages(content) + b"}",
    "/chatCompletion": _messages,
    "/chatCompletionStream": _messages,
    "/v1.0/chat/completions": lambda content: b'{"model": "antiphon", "messages": ' + _messages(content) + b"}",
    "/v1/ask": lambda content: b'{"question": ' + content + b"}",
    "/api/chat/stream": lambda content: b'{"tokenSlug": "open", "question": ' + content + b"}",
    "/v1/embeddings": lambda content: b'{"model": "none", "input": ' + content + b"}",
}
"""The asking routes, and a request of each around a question."""

_TURN: Final = {"role": "user", "content": HELLO}
WRONG: Final[dict[str, list[Any]]] = {
    "/v1/chat/completions": [
        {"model": "none", "messages": [_TURN]},
        {"model": "antiphon"},
        {"messages": "hello"},
        {"model": 5, "messages": [_TURN]},
        {"model": "antiphon", "messages": [{"role": "nobody", "content": "x"}]},
        {"model": "antiphon", "messages": [{"content": "x"}]},
        {"model": "antiphon", "messages": [{"role": "user"}]},
        {"model": "antiphon", "messages": [None]},
        {"model": "antiphon", "messages": [_TURN], "stream": "yes"},
        {"model": "antiphon", "messages": [_TURN], "temperature": "warm"},
        {"model": "antiphon", "messages": [_TURN], "temperature": 9},
        {"model": "antiphon", "messages": [_TURN], "n": 0},
        {"model": "antiphon", "messages": [_TURN], "n": 10_000},
        {"model": "antiphon", "messages": [_TURN], "max_tokens": -1},
        {"model": "antiphon", "messages": [_TURN], "stop": 5},
        {"model": "antiphon", "messages": [_TURN], "tools": [{"type": "magic"}]},
        {"model": "antiphon", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc"}}]}]},
        {"model": "antiphon", "messages": [_TURN] * 10_000},
    ],
    "/chatCompletion": [[{"role": "user"}], [{"content": "x"}], [{"role": 5, "content": "x"}], {"role": "user"}, [[]], [_TURN] * 10_000],
    "/chatCompletionStream": [[{"role": "user"}], [{"content": "x"}], [{"role": "nobody", "content": "x"}], [None], [_TURN] * 10_000],
    "/v1.0/chat/completions": [
        {"model": "gemini-pro", "messages": [_TURN]},
        {"messages": [_TURN]},
        {"model": "antiphon", "messages": []},
        {"model": "antiphon", "messages": {}},
        {"model": "antiphon", "messages": [_TURN], "stream": "no"},
        {"model": "antiphon", "messages": [_TURN] * 10_000},
    ],
    "/v1/ask": [
        {"question": HELLO, "history": "x"},
        {"question": HELLO, "history": [{"role": "nobody", "content": "x"}]},
        {"question": HELLO, "stream": "yes"},
        {"question": HELLO, "client_id": {}},
        {"question": HELLO, "history": [{"role": "user", "content": "x"}] * 10_000},
    ],
    "/api/chat/stream": [
        {"tokenSlug": "none", "question": HELLO},
        {"question": HELLO},
        {"tokenSlug": "", "question": HELLO},
        {"tokenSlug": 5, "question": HELLO},
        {"tokenSlug": "open", "question": HELLO, "sessionId": "x" * 300},
        {"tokenSlug": "open", "question": HELLO, "sessionId": 5},
        {"tokenSlug": "open", "question": HELLO, "language": "x" * 100},
    ],
    "/v1/embeddings": [{"model": "none", "input": []}, {"model": "none", "input": ["x"] * 3_000}, {"input": {}}],
}


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forgeries(token: str) -> dict[str, str]:
    """Tokens that are not ours, made from one that is."""
    header, claims, signature = token.split(".")
    known = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    algorithms = {name: f"{_part({'alg': name, 'typ': 'JWT'})}.{claims}." for name in ("none", "None", "NONE", "HS256", "RS256", "")}
    named = {"kid": "../../../dev/null", "jku": "http://127.0.0.1:9/", "jwk": {"kty": "oct", "k": "AA"}, "x5u": "http://127.0.0.1:9/"}
    return {
        **{f"alg {name!r}": forged for name, forged in algorithms.items()},
        **{f"{name} in the head": f"{_part({'alg': 'HS256', name: value})}.{claims}.{signature}" for name, value in named.items()},
        "an unknown extension": f"{_part({'alg': 'HS256', 'crit': ['x'], 'x': 1})}.{claims}.{signature}",
        "a longer life": f"{header}.{_part({**known, 'exp': known['exp'] + 9_999_999})}.{signature}",
        "expired": f"{header}.{_part({**known, 'exp': 1})}.{signature}",
        "somebody else": f"{header}.{_part({**known, 'sub': 'user_root'})}.{signature}",
        "no signature": f"{header}.{claims}.",
        "two parts": f"{header}.{claims}",
        "five parts": f"{token}.x.y",
        "a character more": token + "5",
        "a character less": token[:-2],
        "a list": f"{_part([])}.{_part([])}.{signature}",
        "no JSON": "a.b.c",
        "nothing": "",
        "spaces": "a b c",
        "10,000 characters": "a" * 10_000,
        "not ASCII": "caf\u00e9",
        "SQL": "sk-' OR 1=1 --",
    }


# Address lines that HTTP allows; what they ask for is never there.
QUERIES: Final = (
    "?",
    "?&&&",
    "?=",
    "?a",
    "?limit=x&start=x&end=x",
    "?limit=-1&limit=99999999999999999999",
    "?tokenSlug=%00",
    "?tokenSlug=%ff%fe",
    "?tokenSlug=%ed%a0%80",
    "?tokenSlug=none&tokenSlug=open",
    "?ticket=%22",
    "?lastEventId=..%2F..%2F:999999999999999999999",
    "?question=%00",
    "?after=%ff",
    "?" + "a=b&" * 2_000,
    "?x=" + "y" * 20_000,
)
PATHS: Final = (
    "/v1/models/%00",
    "/v1/models/%ff",
    "/v1/models/" + "x" * 5_000,
    "/v1/models/../../etc/passwd",
    "/v1/models/..%2f..%2fetc%2fpasswd",
    "/static/..%2fpages.py",
    "/static/%2e%2e%2fpages.py",
    "/documents/%00",
    "/documents/%ed%a0%80",
    "/documents/" + "x" * 5_000,
    "/api/collections/%00",
    "/api/collections/%ff/documents",
    "/api/collections/" + "x" * 5_000,
    "/api/users/%00",
    "/api/documents/%27%20OR%201%3D1",
    "/api/chat-history/%00?tokenSlug=open",
    "/api/chat-history/a/b?tokenSlug=open",
    "/api/chat-history/?tokenSlug=open",
    "/api/chat-history/" + "x" * 300 + "?tokenSlug=open",
    "/api/chat-history/x",
    "/nothing",
    "//",
    "/%2e%2e/",
)

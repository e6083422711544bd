"""XiaoZhi requests -> Ask, and the credentials of `POST /auth`.

A chat body is a JSON list of `{role, content}`; `Content` is the documentation's own spelling and means the same. The path says whether the
answer is a stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from antiphon.core.errors import BadRequest
from antiphon.core.messages import Message, said
from antiphon.core.request import ChatRequest
from antiphon.dialects.base import Ask, Head
from antiphon.dialects.conversation import answerable, bounded
from antiphon.wire import json

STREAM_PATH: Final = "/chatCompletionStream"
MAX_CREDENTIALS: Final = 64 * 1024
_NAMES: Final = ("username", "password")


class Turn(msgspec.Struct):
    role: Literal["system", "user", "assistant"]
    content: str | None = None
    capital: str | None = msgspec.field(default=None, name="Content")


def decode(head: Head, body: bytes) -> Ask:
    """Raises BadRequest."""
    turns = json.convert(bounded(json.decode(body), None), list[Turn])
    messages = tuple(_message(turn, index) for index, turn in enumerate(turns))
    return Ask(ChatRequest(answerable(messages, None)), stream=head.path.endswith(STREAM_PATH))


def _message(turn: Turn, index: int) -> Message:
    text = turn.content if turn.content is not None else turn.capital
    if text is None:
        raise BadRequest(f"'[{index}].content' is missing.", param=f"[{index}].content")
    return said(turn.role, text)


def decode_credentials(head: Head, body: bytes) -> tuple[str, str] | None:
    """(username, password), from the first place that has both; None when no place has.

    Places: a multipart form, a JSON object (whatever the Content-Type: the documentation prints one under a multipart header without
    boundary), an urlencoded form, a `params` header as the documentation prints it, the query string.
    """
    if len(body) > MAX_CREDENTIALS:
        return None
    for fields in _places(head, body):
        name, password = (fields.get(key) for key in _NAMES)
        if _usable(name) and _usable(password):
            return str(name), str(password)
    return None


def _places(head: Head, body: bytes) -> Iterator[dict[str, Any]]:
    kind, options = parse_options_header(head.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind == b"multipart/form-data" and boundary:
        yield _multipart(boundary, body)
    elif body.lstrip().startswith(b"{"):
        yield _object(body)
    elif body:
        yield _pairs(body.decode("utf-8", "replace"))
    yield _pairs(head.headers.get("params", ""))
    yield dict(head.query)


def _usable(value: object) -> bool:
    return isinstance(value, str) and value != "" and "\0" not in value


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.decode(body)
    except BadRequest:
        return {}
    return value if isinstance(value, dict) else {}


def _pairs(text: str) -> dict[str, Any]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=20))
    except ValueError:
        return {}


class _Form:
    """Collects the plain fields of a multipart body; a part that is a file is not a field."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self._header = b""
        self._value = b""
        self._disposition = b""
        self._part = b""

    def begin(self) -> None:
        self._header = self._value = self._disposition = self._part = b""

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def data(self, data: bytes, start: int, end: int) -> None:
        self._part += data[start:end]

    def end(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" in options and b"filename" not in options:
            self.fields[options[b"name"].decode("utf-8", "replace")] = self._part.decode("utf-8", "replace")


def _multipart(boundary: bytes, body: bytes) -> dict[str, Any]:
    form = _Form()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": form.begin,
                "on_header_field": form.header_name,
                "on_header_value": form.header_value,
                "on_header_end": form.header_end,
                "on_part_data": form.data,
                "on_part_end": form.end,
            },
        )
        parser.write(body)
        parser.finalize()
    except FormParserError:
        return {}
    return form.fields

"""What was said: a message is a role and parts. No ids, no storage, no time.

Every part exists from the start, so that no dialect needs a side door for images or tools.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

Role = Literal["system", "user", "assistant", "tool"]


class Text(msgspec.Struct, frozen=True, tag="text", tag_field="type"):
    text: str


class Image(msgspec.Struct, frozen=True, tag="image", tag_field="type"):
    """A picture by address: an http(s) or a data: URL. detail is OpenAI's hint (auto, low, high)."""

    url: str
    detail: str | None = None


class File(msgspec.Struct, frozen=True, tag="file", tag_field="type"):
    """A file given inline (data: URL) or by an id that the upstream knows."""

    name: str | None = None
    data: str | None = None
    id: str | None = None


class ToolCall(msgspec.Struct, frozen=True, tag="tool-call", tag_field="type"):
    """arguments is the JSON text exactly as the model wrote it; it may be invalid JSON."""

    id: str
    name: str
    arguments: str


class ToolResult(msgspec.Struct, frozen=True, tag="tool-result", tag_field="type"):
    id: str
    text: str


Part = Text | Image | File | ToolCall | ToolResult


class Message(msgspec.Struct, frozen=True):
    role: Role
    parts: tuple[Part, ...]
    name: str | None = None

    @property
    def text(self) -> str:
        """The message's text parts joined; other parts leave no trace."""
        return text_of(self.parts)


def text_of(parts: Iterable[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Text | ToolResult))


def said(role: Role, text: str) -> Message:
    """A message of one text part."""
    return Message(role, (Text(text),))

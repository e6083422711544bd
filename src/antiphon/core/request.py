"""One canonical ask: what every dialect decodes to and every provider is given."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from antiphon.core.messages import Message
from antiphon.core.passages import Hit

MAX_MESSAGES: Final = 2_000
"""Messages in one conversation, whoever sends it."""


class Sampling(msgspec.Struct, frozen=True, omit_defaults=True):
    """Parameters of generation; None means the model's own default. max_tokens bounds the answer."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None


class Tool(msgspec.Struct, frozen=True):
    """parameters is a JSON Schema object."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ChatRequest(msgspec.Struct, frozen=True):
    """model: the name as the caller gave it (a model's or a bot's), None when the dialect has no such field.

    tool_choice and response_format are passed through as OpenAI spells them. extra: allowlisted further fields for the upstream.
    Set by the turn, for providers that answer from passages themselves: hits (what retrieval found), searched (how many passages there
    were to find) and asked (the question before it was wrapped in context). language: BCP 47; a dialect sets it when the caller said so,
    the turn always.
    """

    messages: tuple[Message, ...]
    model: str | None = None
    sampling: Sampling = Sampling()
    tools: tuple[Tool, ...] = ()
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None
    n: int = 1
    extra: dict[str, Any] = {}
    hits: tuple[Hit, ...] = ()
    searched: int = 0
    asked: str | None = None
    language: str | None = None

    @property
    def question(self) -> str:
        """The last thing a user said, without the context a turn wraps around it; '' if nobody said anything."""
        if self.asked is not None:
            return self.asked
        for message in reversed(self.messages):
            if message.role == "user":
                return message.text
        return ""

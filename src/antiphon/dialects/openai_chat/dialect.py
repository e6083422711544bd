"""The OpenAI chat dialect's habits."""

from __future__ import annotations

from antiphon.dialects.base import Dialect
from antiphon.dialects.openai_chat import decode, render
from antiphon.wire.sse import comment

OPENAI_CHAT = Dialect(
    name="openai_chat",
    heartbeat=comment("keepalive"),
    decode=decode.decode,
    renderer=render.ChatRenderer,
    whole=render.whole,
    error=render.error,
)

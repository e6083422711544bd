"""The ask dialect's habits."""

from __future__ import annotations

from antiphon.dialects.ask import decode, render
from antiphon.dialects.base import Dialect
from antiphon.wire.sse import comment

ASK = Dialect(
    name="ask",
    heartbeat=comment("keepalive"),
    decode=decode.decode,
    renderer=lambda _: render.AskRenderer(),
    whole=render.whole,
    error=render.error,
)

"""The event source dialect's habits."""

from __future__ import annotations

from antiphon.dialects.base import Dialect
from antiphon.dialects.event_source import decode, render
from antiphon.wire.sse import comment

EVENT_SOURCE = Dialect(
    name="event_source",
    heartbeat=comment("keepalive"),
    on_disconnect="detach",
    eager=True,
    decode=decode.decode,
    renderer=lambda _: render.RecordRenderer(),
    whole=render.whole,
    error=render.error,
)

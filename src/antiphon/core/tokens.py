"""Estimates of token counts by script, for upstreams that do not count and for fitting a context before it is sent.

The rates are rounded up from what common BPE vocabularies give on running text, so that an estimate errs towards too many.
"""

from __future__ import annotations

import re

from antiphon.core.messages import File, Image, Message, Text, ToolCall, ToolResult

_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\U0010ffff]")
_ACCENTED = re.compile(r"[\u0080-\u10ff\u1200-\u2e7f]")

TOKENS_PER_MESSAGE = 4
TOKENS_PER_IMAGE = 800


def estimate(text: str) -> int:
    """Tokens in a text: one per wide (Han, kana, hangul, emoji) character, one per two accented letters, one per four others."""
    wide = len(_WIDE.findall(text))
    accented = len(_ACCENTED.findall(text))
    plain = len(text) - wide - accented
    return wide + (accented + 1) // 2 + (plain + 3) // 4


def estimate_message(message: Message) -> int:
    """Tokens of one message with its envelope."""
    total = TOKENS_PER_MESSAGE
    for part in message.parts:
        match part:
            case Text(text=text) | ToolResult(text=text):
                total += estimate(text)
            case ToolCall(name=name, arguments=arguments):
                total += estimate(name) + estimate(arguments)
            case Image():
                total += TOKENS_PER_IMAGE
            case File(data=data):
                total += len(data or "") // 8
    return total

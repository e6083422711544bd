"""The script language of the echo model. Pure.

A message that begins with `/echo` is a script; what follows the directives is the text to say, otherwise the model says the message itself.

    /echo delay=50 chunks=20 fault=cut@5 Hello there

    first=MS     silence before the first chunk            delay=MS   silence between chunks (60 s at most for both)
    size=N       characters in a chunk (default 8)         chunks=N   repeat the text until there are N chunks
    finish=WORD  stop, length or content_filter            thought=WORD   reasoning to tell before the text
    fault=WHAT   or WHAT@N, after N chunks: cut, hang, busy, refused, invalid or error

Anything unknown or out of range is the caller's mistake and is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, cast

import msgspec

from antiphon.core.errors import BadRequest

FaultName = Literal["cut", "hang", "busy", "refused", "invalid", "error"]
Finish = Literal["stop", "length", "content_filter"]

_FAULTS: Final = ("cut", "hang", "busy", "refused", "invalid", "error")
_FINISHES: Final = ("stop", "length", "content_filter")
_MAX_PAUSE_MS: Final = 60_000
_MAX_CHUNKS: Final = 100_000


class Script(msgspec.Struct, frozen=True):
    """Pauses in seconds. fault_at: how many chunks come before the fault."""

    text: str
    first: float = 0.0
    delay: float = 0.0
    size: int = 8
    chunks: int | None = None
    finish: Finish = "stop"
    thought: str | None = None
    fault: FaultName | None = None
    fault_at: int = 0

    def pieces(self) -> list[str]:
        """The text in chunks."""
        text = self.text
        if self.chunks is not None:
            needed = self.chunks * self.size
            text = ((text or "echo ") * (needed // max(1, len(text or "echo ")) + 1))[:needed]
        return [text[at : at + self.size] for at in range(0, len(text), self.size)]


def parse(message: str) -> Script:
    """Raises BadRequest."""
    if message != "/echo" and not message.startswith("/echo "):
        return Script(message)
    rest = message[5:].lstrip(" ")
    given: dict[str, object] = {}
    while rest:
        word, _, after = rest.partition(" ")
        name, equals, value = word.partition("=")
        if not equals or "\n" in word:
            break
        read = _DIRECTIVES.get(name)
        if read is None:
            raise BadRequest(f"The echo model knows no directive {name!r}.", param="messages")
        given |= read(name, value)
        rest = after.lstrip(" ")
    return msgspec.convert({"text": rest, **given}, Script)


def _pause(name: str, value: str) -> dict[str, object]:
    return {name: _number(name, value, _MAX_PAUSE_MS) / 1000}


def _count(name: str, value: str) -> dict[str, object]:
    return {name: max(1, _number(name, value, _MAX_CHUNKS))}


def _finish(name: str, value: str) -> dict[str, object]:
    return {name: _one_of(name, value, _FINISHES)}


def _thought(name: str, value: str) -> dict[str, object]:
    return {name: value}


def _fault(name: str, value: str) -> dict[str, object]:
    what, _, at = value.partition("@")
    return {name: cast(FaultName, _one_of(name, what, _FAULTS)), "fault_at": _number(name, at or "0", _MAX_CHUNKS)}


def _number(name: str, value: str, most: int) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 6 or int(value) > most:
        raise BadRequest(f"The echo directive {name!r} takes a whole number up to {most}.", param="messages")
    return int(value)


def _one_of(name: str, value: str, words: tuple[str, ...]) -> str:
    if value not in words:
        raise BadRequest(f"The echo directive {name!r} takes one of: {', '.join(words)}.", param="messages")
    return value


_DIRECTIVES: Final[dict[str, Callable[[str, str], dict[str, object]]]] = {
    "first": _pause,
    "delay": _pause,
    "size": _count,
    "chunks": _count,
    "finish": _finish,
    "thought": _thought,
    "fault": _fault,
}

"""From our values to OpenAI's words, for every dialect that borrows them: ids, usage, errors, whole completions. Pure."""

from __future__ import annotations

from math import ceil
from typing import Any, Final

import msgspec

from antiphon.core.errors import AntiphonError, Fault
from antiphon.core.events import ErrorEvent, Usage
from antiphon.wire import openai_chat as wire

MAX_TEXT: Final = 16_000
"""Characters in one record: even if each is escaped to six bytes, its line stays under the 128 KiB that common readers take."""


def completion_id(run: str) -> str:
    """`run_01J...` -> `chatcmpl-01J...`."""
    return "chatcmpl-" + run.rpartition("_")[2]


def pieces(text: str, size: int = MAX_TEXT) -> list[str]:
    """The text in slices of at most `size` characters; none for an empty text."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def usage_of(usage: Usage | None, *, details: bool = False) -> wire.Usage:
    """details: also what was cached and what was reasoning."""
    if usage is None:
        usage = Usage(0, 0)
    return wire.Usage(
        usage.input,
        usage.output,
        usage.input + usage.output,
        wire.PromptDetails(usage.cached) if details else None,
        wire.CompletionDetails(usage.reasoning) if details else None,
    )


def completion(run: str, created: int, model: str, choices: list[dict[str, Any]], usage: wire.Usage) -> dict[str, Any]:
    """A whole answer as a JSON object; callers add their own fields after these."""
    return {"id": completion_id(run), "object": wire.COMPLETION, "created": created, "model": model, "choices": choices, "usage": usage}


def error_body(error: AntiphonError | ErrorEvent) -> bytes:
    """`{"error": {...}}`."""
    param = error.param if isinstance(error, AntiphonError) else None
    kind, code = _kind(error.fault, error.status), _CODES.get(error.code, error.code)
    return msgspec.json.encode(wire.ErrorBody(wire.Error(error.message, kind, param, code)))


def retry_headers(error: AntiphonError) -> tuple[tuple[str, str], ...]:
    """Whether and when to try again, in the headers that OpenAI's SDKs read."""
    headers = [("x-should-retry", "true" if error.retryable else "false")]
    if error.retry_after is not None:
        headers.append(("retry-after", str(ceil(error.retry_after))))
        headers.append(("retry-after-ms", str(ceil(error.retry_after * 1000))))
    return tuple(headers)


_CODES: Final = {"missing_credential": "invalid_api_key", "invalid_credential": "invalid_api_key"}


def _kind(fault: Fault, status: int) -> str:
    if fault == "upstream":
        return "upstream_error"
    if fault == "ours":
        return "server_error"
    return {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}.get(status, "invalid_request_error")

"""What went wrong at a model's server, said in our own words: every text that a caller may see about an upstream's failure.

Rules: a text names the model and what to do, never the upstream's body, address or key. What the upstream said goes to `detail`, for the
log, shortened and with the key taken out.
"""

from __future__ import annotations

import re
from typing import Final

from antiphon.core.errors import (
    UpstreamBusy,
    UpstreamError,
    UpstreamInvalid,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)

DETAIL_LENGTH: Final = 500
LONGEST_RETRY_AFTER: Final = 3600.0
_SECRET = re.compile(r"(?i)\b(?:sk|pk|key|gsk|xai|hf|AIza)[-_]?[A-Za-z0-9_-]{8,}|bearer\s+\S+")
_TOO_LONG = re.compile(r"(?i)context[ _]length|context[ _]window|maximum context|too many tokens|prompt is too long")


def redacted(text: str, *secrets: str | None) -> str:
    """At most DETAIL_LENGTH characters without these secrets and without anything that looks like one."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[key]")
    return _SECRET.sub("[key]", text)[:DETAIL_LENGTH]


def unreachable(model: str, detail: str) -> UpstreamUnreachable:
    return UpstreamUnreachable(f'The model "{model}" cannot be reached. Try again later.', detail=detail)


def cut(model: str, detail: str = "the stream ended without a finish_reason") -> UpstreamUnreachable:
    return UpstreamUnreachable(f'The model "{model}" broke off before its answer was complete.', code="upstream_unreachable", detail=detail)


def late(model: str, limit: float, stage: str) -> UpstreamTimeout:
    """stage: connect, first byte or idle, as in the settings."""
    return UpstreamTimeout(f'The model "{model}" did not answer in time ({stage} limit of {limit:g} s).', detail=stage)


def invalid(model: str, detail: str) -> UpstreamInvalid:
    return UpstreamInvalid(f'The model "{model}" sent something that is not a valid answer.', detail=redacted(detail))


def reported(model: str, detail: str) -> UpstreamError:
    """An error that the upstream told inside a successful response."""
    text = redacted(detail)
    if re.search(r"(?i)rate.?limit|overloaded|too many requests", text):
        return UpstreamBusy(f'The model "{model}" is too busy. Try again in a moment.', detail=text)
    return UpstreamError(f'The model "{model}" reported an error of its own.', detail=text)


def of_status(model: str, status: int, body: str, retry_after: str | None) -> UpstreamError:
    """The error that an HTTP status other than 200 stands for. body must be redacted already."""
    detail = f"HTTP {status}: {body}"
    if status in (429, 503, 529):
        return UpstreamBusy(f'The model "{model}" is too busy. Try again in a moment.', retry_after=seconds(retry_after), detail=detail)
    if status in (401, 403):
        return UpstreamRefused(f'The model "{model}" refused this server\'s credentials. An administrator must renew them.', detail=detail)
    if status == 404:
        return UpstreamRefused(f'The model "{model}" is not known to the server that should have it.', detail=detail)
    if status in (408, 504):
        return UpstreamTimeout(f'The model "{model}" did not answer in time.', detail=detail)
    if status == 502:
        return UpstreamUnreachable(f'The model "{model}" cannot be reached. Try again later.', detail=detail)
    if 400 <= status < 500:
        if _TOO_LONG.search(body):
            text = f'The conversation is too long for the model "{model}".'
            return UpstreamRefused(text, code="context_length_exceeded", detail=detail)
        return UpstreamRefused(f'The model "{model}" refused the request.', detail=detail)
    if status >= 500:
        return UpstreamError(f'The model "{model}" failed with an error of its own.', detail=detail)
    return invalid(model, detail)


def seconds(retry_after: str | None) -> float | None:
    """A Retry-After header in seconds, capped; None when there is none or it is a date, which would need a clock."""
    try:
        value = float(retry_after or "")
    except ValueError:
        return None
    return min(value, LONGEST_RETRY_AFTER) if value >= 0 else None

"""Everything that can go wrong, by whose fault.

    AntiphonError
    ├── CallerError            the request is at fault; repeating it unchanged fails again (4xx)
    │   ├── BadRequest         400  cannot be read, or says something impossible
    │   ├── Unauthenticated    401  no credential, or one that does not hold
    │   ├── Refused            403  known caller, act not allowed; only where existence is no secret
    │   ├── NotFound           404  unknown, or not yours: the two are the same answer
    │   ├── Conflict           409  true once, not now
    │   ├── TooLarge           413
    │   └── RateLimited        429  carries retry_after
    ├── UpstreamError          a model, an embedder or a web page failed us
    │   ├── UpstreamUnreachable 502 refused, unresolvable, or cut
    │   ├── UpstreamInvalid    502  answered something that is not its protocol
    │   ├── UpstreamRefused    502  said no to us (401, 403, 404, 400)
    │   ├── UpstreamBusy       503  429 or 503; carries retry_after
    │   └── UpstreamTimeout    504
    └── OurError               500  a defect or a full disk on our side
        └── Unavailable        503  shutting down, or storage is busy

Rules: `message` is fit for the caller's eyes (no secrets, no upstream body). `detail` is for the operator's log and is redacted there.
Before the first byte a dialect turns an error into an HTTP status; after it, into an event of its own form.
"""

from __future__ import annotations

from typing import Literal

Fault = Literal["caller", "upstream", "ours"]


class AntiphonError(Exception):
    """Base of the tree.

    message: one plain sentence for the caller. code: stable snake_case name. param: the request field at fault, if one is.
    retry_after: seconds after which trying again makes sense. detail: for the log only.
    """

    fault: Fault = "ours"
    status: int = 500
    default_code: str = "internal_error"
    retryable: bool = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.param = param
        self.retry_after = retry_after
        self.detail = detail


class CallerError(AntiphonError):
    fault = "caller"
    status = 400
    default_code = "invalid_request"


class BadRequest(CallerError):
    pass


class Unauthenticated(CallerError):
    """No credential, or one that does not hold. `code` says which: missing_credential or invalid_credential."""

    status = 401
    default_code = "invalid_credential"


class Refused(CallerError):
    status = 403
    default_code = "not_allowed"


class NotFound(CallerError):
    status = 404
    default_code = "not_found"


class Conflict(CallerError):
    status = 409
    default_code = "conflict"


class TooLarge(CallerError):
    status = 413
    default_code = "request_too_large"


class RateLimited(CallerError):
    status = 429
    default_code = "rate_limit_exceeded"
    retryable = True


class UpstreamError(AntiphonError):
    fault = "upstream"
    status = 502
    default_code = "upstream_error"


class UpstreamUnreachable(UpstreamError):
    default_code = "upstream_unreachable"
    retryable = True


class UpstreamInvalid(UpstreamError):
    default_code = "upstream_invalid_response"
    retryable = True


class UpstreamRefused(UpstreamError):
    default_code = "upstream_refused"


class UpstreamBusy(UpstreamError):
    status = 503
    default_code = "upstream_busy"
    retryable = True


class UpstreamTimeout(UpstreamError):
    status = 504
    default_code = "upstream_timeout"
    retryable = True


class OurError(AntiphonError):
    pass


class Unavailable(OurError):
    status = 503
    default_code = "unavailable"
    retryable = True

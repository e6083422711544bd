from __future__ import annotations

import pytest

from antiphon.core.errors import UpstreamBusy, UpstreamError, UpstreamInvalid, UpstreamRefused, UpstreamTimeout, UpstreamUnreachable
from antiphon.providers import faults


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, UpstreamRefused),
        (401, UpstreamRefused),
        (403, UpstreamRefused),
        (404, UpstreamRefused),
        (408, UpstreamTimeout),
        (422, UpstreamRefused),
        (429, UpstreamBusy),
        (500, UpstreamError),
        (502, UpstreamUnreachable),
        (503, UpstreamBusy),
        (504, UpstreamTimeout),
        (529, UpstreamBusy),
        (301, UpstreamInvalid),
        (204, UpstreamInvalid),
    ],
)
def test_what_a_status_stands_for(status: int, kind: type[UpstreamError]) -> None:
    error = faults.of_status("m", status, "body of the upstream", None)
    assert type(error) is kind
    assert '"m"' in error.message
    assert "body of the upstream" not in error.message
    assert "body of the upstream" in (error.detail or "")


@pytest.mark.parametrize(
    ("header", "seconds"), [("5", 5), ("0", 0), ("1.5", 1.5), ("-1", None), ("soon", None), (None, None), ("1e9", 3600), ("nan", None)]
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert faults.seconds(header) == seconds


@pytest.mark.parametrize(
    "secret", ["sk-proj-0123456789abcdef", "gsk_0123456789abcdef", "Bearer abc.def", "AIza0123456789abcdef", "plain-secret"]
)
def test_secrets_are_taken_out(secret: str) -> None:
    assert secret not in faults.redacted(f"Incorrect API key provided: {secret}.", "plain-secret")


def test_details_are_short() -> None:
    assert len(faults.redacted("x" * 10_000)) == faults.DETAIL_LENGTH

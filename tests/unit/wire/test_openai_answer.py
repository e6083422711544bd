from __future__ import annotations

import json

import pytest

from antiphon.core import errors
from antiphon.core.events import ErrorEvent
from antiphon.wire.openai_answer import completion_id, error_body, pieces


def test_the_completion_id_is_the_runs() -> None:
    assert completion_id("run_01JABC") == "chatcmpl-01JABC"
    assert completion_id("01JABC") == "chatcmpl-01JABC"


def test_pieces_lose_nothing() -> None:
    assert pieces("") == []
    assert pieces("abcde", 2) == ["ab", "cd", "e"]


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (errors.BadRequest("x"), "invalid_request_error", "invalid_request"),
        (errors.Unauthenticated("x", code="missing_credential"), "authentication_error", "invalid_api_key"),
        (errors.Refused("x"), "permission_error", "not_allowed"),
        (errors.NotFound("x", code="model_not_found"), "invalid_request_error", "model_not_found"),
        (errors.RateLimited("x"), "rate_limit_error", "rate_limit_exceeded"),
        (errors.UpstreamBusy("x"), "upstream_error", "upstream_busy"),
        (errors.OurError("x"), "server_error", "internal_error"),
    ],
)
def test_a_failure_reads_the_same_before_and_after_the_first_byte(error: errors.AntiphonError, kind: str, code: str) -> None:
    told = json.loads(error_body(error))
    assert told == {"error": {"message": "x", "type": kind, "param": None, "code": code}}
    assert json.loads(error_body(ErrorEvent.of(error))) == told

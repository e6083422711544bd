"""How each dialect says that something is wrong: one function a path, which fails when an error is not in the dialect's own form."""

from __future__ import annotations

from typing import Any, Final

import httpx2 as httpx


def check_shape(path: str, response: httpx.Response) -> None:
    """The error of a dialect or of the management API, by the path that was asked. Widget failures may come as a stream."""
    assert 400 <= response.status_code < 500, (response.status_code, response.text[:500])
    assert "Traceback" not in response.text
    assert response.headers["x-request-id"]
    assert response.headers["content-type"].startswith("application/json"), response.headers["content-type"]
    body = response.json()
    if path.startswith(("/chatCompletion", "/auth")):
        assert body.keys() == {"errorMessage"}
        assert _is_sentence(body["errorMessage"])
    elif path.startswith("/v1.0/"):
        assert body.keys() == {"status", "message"}
        assert body["status"] == "error"
        assert _is_sentence(body["message"])
    elif path.startswith(WIDGET):
        assert _is_sentence(_message(body))
    else:
        assert _is_sentence(body["error"]["message"])
        assert body["error"]["code"] is None or body["error"]["code"].isidentifier()
        assert "param" in body["error"]


WIDGET: Final = ("/api/chat/stream", "/api/chat-history/")


def _message(body: dict[str, Any]) -> object:
    error = body.get("error")
    return error.get("message") if isinstance(error, dict) else error or body.get("message")


def _is_sentence(text: object) -> bool:
    return isinstance(text, str) and text.strip() != "" and len(text) < 1_000

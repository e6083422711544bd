"""Secrets stay inside: of every page, list, error and figure that an administrator can call up, and of failures at a model's server.

That holds for all other tests too: see the end of the fixture `town`.
"""

from __future__ import annotations

import pytest

from tests.api.expected import TABLE
from tests.api.town import OTHER_PROVIDER_KEY, PASSWORD, PROVIDER_KEY, Town
from tests.support.replies import KEY_IN_ERRORS


@pytest.mark.parametrize("caller", ["admin-jwt", "local-token", "local", "nobody"])
def test_nothing_that_can_be_read_holds_a_secret(town: Town, caller: str) -> None:
    for route, row in TABLE.items():
        if route.startswith("GET"):
            text = town.ask("GET", row.path, caller).text
            for secret in (PROVIDER_KEY, OTHER_PROVIDER_KEY, PASSWORD, town.local_token, town.setup_link, "$argon2"):
                assert secret not in text, route


@pytest.mark.parametrize("model", ["far", "farther"])
def test_a_model_that_cannot_be_reached(town: Town, model: str) -> None:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    response = town.ask("POST", "/v1/chat/completions", "member-jwt", json=body)
    assert response.status_code == 502
    assert PROVIDER_KEY not in response.text
    assert "127.0.0.1:9" not in response.text


def test_settings_that_are_secret(town: Town) -> None:
    town.api("PUT", "/api/settings/retrieval.embedder_key", {"value": KEY_IN_ERRORS})
    for caller in ("admin-jwt", "local-token"):
        assert KEY_IN_ERRORS not in town.ask("GET", "/api/settings", caller).text
    wrong = town.ask("PUT", "/api/settings/limits.body_bytes", "admin-jwt", json={"value": KEY_IN_ERRORS})
    assert (wrong.status_code, KEY_IN_ERRORS in wrong.text) == (400, False)
    town.api("DELETE", "/api/settings/retrieval.embedder_key")


def test_a_key_is_shown_once(town: Town) -> None:
    made = town.ask("POST", "/api/keys", "member-jwt", json={"name": "once"})
    assert made.headers["cache-control"] == "no-store"
    key = made.json()["key"]
    assert key not in town.ask("GET", "/api/keys", "member-jwt").text
    assert key not in town.ask("GET", "/api/keys", "admin-jwt").text
    for column in ("hash", "password"):
        assert column not in town.ask("GET", "/api/keys", "member-jwt").json()["keys"][0]
        assert column not in town.ask("GET", "/api/users", "admin-jwt").json()["users"][0]

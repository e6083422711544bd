from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from antiphon.core.errors import BadRequest
from antiphon.settings.declared import SETTINGS, Values


def test_names_in_the_environment_are_nobody_elses() -> None:
    variables = [variable for setting in SETTINGS.values() for variable in setting.variables]
    assert len(variables) == len(set(variables))


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_explained_and_its_default_is_valid(name: str) -> None:
    setting = SETTINGS[name]
    assert setting.description.endswith(".")
    assert setting.parse(setting.default, "default") == setting.default


def test_safe_as_it_comes() -> None:
    values = Values()
    assert values.server.host == "127.0.0.1"
    assert values.access.anonymous is False
    assert values.access.environment_key_public is False
    assert values.dialects.store_text == frozenset()
    assert values.server.trusted_proxies == ()
    assert values.access.admin_password is None


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("server.port", -1),
        ("server.port", 65_536),
        ("server.port", "many"),
        ("server.host", ""),
        ("server.public_url", "chat.example.org"),
        ("server.public_url", "javascript:alert(1)"),
        ("server.public_url", "https://user@example.org"),
        ("server.root_path", "chat"),
        ("server.trusted_proxies", ["10.0.0.1/8"]),
        ("server.trusted_proxies", ["everyone"]),
        ("access.local_access", "everything"),
        ("access.anonymous", "perhaps"),
        ("models.idle_seconds", 0),
        ("models.idle_seconds", float("inf")),
        ("retrieval.min_score", 1.1),
        ("retrieval.min_score", float("nan")),
        ("retrieval.top_k", 0),
        ("limits.widget_per_minute", 0),
        ("dialects.bots", ["kuwa"]),
    ],
)
def test_values_that_are_refused_by_name(name: str, raw: Any) -> None:
    with pytest.raises(BadRequest) as refused:
        SETTINGS[name].parse(raw, "somewhere")
    assert refused.value.param == name
    assert "somewhere" in refused.value.message


def test_a_refused_secret_is_not_repeated() -> None:
    with pytest.raises(BadRequest) as refused:
        SETTINGS["access.admin_password"].parse(["hunter2hunter2"], "file")
    assert "hunter2" not in f"{refused.value.message}{refused.value.detail}"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("server.trusted_proxies", "10.0.0.0/8, ::1", (ip_network("10.0.0.0/8"), ip_network("::1"))),
        ("dialects.bots", "kuwa=helper, ask=other", {"kuwa": "helper", "ask": "other"}),
        ("dialects.bots", '{"kuwa": "a,b"}', {"kuwa": "a,b"}),
        ("dialects.store_text", '["ask"]', frozenset({"ask"})),
        ("access.anonymous", "yes", True),
        ("retrieval.top_k", "7", 7),
        ("models.default_model", "1234", "1234"),
    ],
)
def test_what_the_environment_can_say(name: str, text: str, value: Any) -> None:
    setting = SETTINGS[name]
    assert setting.parse(setting.split(text), "environment") == value


@pytest.mark.parametrize(
    ("given", "asked_at"),
    [
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:1234", "http://127.0.0.1:1234"),
        (":1234", "http://127.0.0.1:1234"),
        ("gpu.lan", "http://gpu.lan:11434"),
        ("https://ollama.example.org/", "https://ollama.example.org"),
        ("http://[::1]:99/sub", "http://[::1]:99/sub"),
        ("off", ""),
    ],
)
def test_an_ollama_is_asked_where_it_can_be(given: str, asked_at: str) -> None:
    assert SETTINGS["models.ollama_url"].parse(given, "environment") == asked_at

from __future__ import annotations

import pytest

from antiphon.models.environment import upstreams_in


@pytest.mark.parametrize(
    ("environ", "name", "base_url", "key"),
    [
        ({"OPENAI_API_KEY": "k"}, "openai", "https://api.openai.com/v1", "k"),
        ({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://vllm:8000/v1/"}, "openai", "http://vllm:8000/v1", "k"),
        ({"OPENAI_BASE_URL": "http://vllm:8000"}, "openai", "http://vllm:8000", None),
        ({"OPENAI_API_BASE": "http://old"}, "openai", "http://old", None),
        ({"ANTHROPIC_API_KEY": "k"}, "anthropic", "https://api.anthropic.com/v1", "k"),
        ({"ANTHROPIC_AUTH_TOKEN": "k", "ANTHROPIC_BASE_URL": "http://gate"}, "anthropic", "http://gate/v1", "k"),
        (
            {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "https://me.openai.azure.com/"},
            "azure",
            "https://me.openai.azure.com/openai/v1",
            "k",
        ),
        ({"GOOGLE_API_KEY": "k"}, "gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "k"),
        ({"DEEPSEEK_API_KEY": " k "}, "deepseek", "https://api.deepseek.com/v1", "k"),
    ],
)
def test_conventional_names(environ: dict[str, str], name: str, base_url: str, key: str | None) -> None:
    (found,) = upstreams_in(environ)
    assert (found.name, found.base_url, found.key) == (name, base_url, key)
    assert set(found.variables) == set(environ)


@pytest.mark.parametrize("environ", [{}, {"OPENAI_API_KEY": ""}, {"AZURE_OPENAI_API_KEY": "k"}, {"ANTHROPIC_BASE_URL": "http://gate"}])
def test_nothing_to_use(environ: dict[str, str]) -> None:
    assert upstreams_in(environ) == ()


def test_several_servers_in_two_lists() -> None:
    found = upstreams_in({"OPENAI_API_BASE_URLS": "http://a/v1;http://b/v1;http://c", "OPENAI_API_KEYS": "x;;"})
    assert [(one.name, one.base_url, one.key) for one in found] == [
        ("openai-1", "http://a/v1", "x"),
        ("openai-2", "http://b/v1", None),
        ("openai-3", "http://c", None),
    ]


def test_organisation_and_project_travel_as_headers() -> None:
    (found,) = upstreams_in({"OPENAI_API_KEY": "k", "OPENAI_ORG_ID": "org", "OPENAI_PROJECT_ID": "proj"})
    assert found.headers == {"OpenAI-Organization": "org", "OpenAI-Project": "proj"}


def test_a_key_does_not_show() -> None:
    assert "sentinel" not in repr(upstreams_in({"OPENAI_API_KEY": "sentinel"}))

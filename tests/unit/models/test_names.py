from __future__ import annotations

import pytest

from antiphon.core.errors import BadRequest
from antiphon.models.names import address, backend_name, model_name, roots


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://h:1", ("http://h:1/v1", "http://h:1")),
        ("http://h:1/", ("http://h:1/v1", "http://h:1")),
        ("http://h:1/v1", ("http://h:1/v1",)),
        ("https://h/v1/", ("https://h/v1",)),
        ("https://h/v1beta/openai/", ("https://h/v1beta/openai",)),
        ("https://h/api/v3", ("https://h/api/v3",)),
        ("https://h/inference", ("https://h/inference/v1", "https://h/inference")),
        ("https://h/v1/chat/completions", ("https://h/v1",)),
        ("localhost:11434", ("http://localhost:11434/v1", "http://localhost:11434")),
        ("0.0.0.0:11434", ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434")),
        ("http://[::1]:8000", ("http://[::1]:8000/v1", "http://[::1]:8000")),
    ],
)
def test_where_an_api_begins(given: str, expected: tuple[str, ...]) -> None:
    assert roots(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        "",
        "http://",
        "ftp://h",
        "http://user:secret@h",
        "http://h?x=1",
        "http://h#x",
        "http://h/a b",
        "http://[::1",
        "http://h:port",
        "file:///etc",
    ],
)
def test_what_is_no_address(given: str) -> None:
    with pytest.raises(BadRequest):
        address(given)


@pytest.mark.parametrize("name", ["gpt-4o", "llama3.2:3b", "org/model", "模型", "a" * 128])
def test_names_of_models(name: str) -> None:
    assert model_name(name) == name


@pytest.mark.parametrize("name", ["", "a b", "a?b", "a#b", "/a", "a\x00", "a\n", "a" * 129])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(BadRequest):
        model_name(name)
    with pytest.raises(BadRequest):
        backend_name(name)


@pytest.mark.parametrize("name", ["a/b", "quote", "echo"])
def test_names_that_a_server_may_not_have(name: str) -> None:
    with pytest.raises(BadRequest):
        backend_name(name)

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.accounts.names import clean_email, clean_name, fold
from antiphon.core.errors import BadRequest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada", "ADA"),
        ("Straße", "STRASSE"),
        ("Nguyễn", unicodedata.normalize("NFD", "NGUYỄN")),
        ("é", "e\u0301"),
        ("Ада", "АДА"),
        ("K", "\u212a"),
        ("ΣΑΣ", "σας"),
    ],
)
def test_the_same_name(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@given(st.text())
def test_folding_is_stable(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(text)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "a@b",
        "x" * 65,
        "zero\u200bwidth",
        "bidi\u202eeman",
        "nul\0",
        "tab\tbed",
        "line\nbreak",
        "\ud800",
        "\ufeffbom",
        "\U000e0041tag",
    ],
)
def test_no_name(name: str) -> None:
    with pytest.raises(BadRequest) as refused:
        clean_name(name)
    assert refused.value.param == "name"


@pytest.mark.parametrize(("given_name", "name"), [(" Ada ", "Ada"), ("陈小明", "陈小明"), ("Ng Văn A", "Ng Văn A"), ("e\u0301", "é")])
def test_a_name(given_name: str, name: str) -> None:
    assert clean_name(given_name) == name


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "@x.org",
        "ada@",
        "a@b@c.org",
        "a b@c.org",
        "a@b c.org",
        "<a@b.org>",
        "a,b@c.org",
        "a@b..org",
        "a" * 250 + "@b.org",
        "a\u200b@b.org",
    ],
)
def test_no_address(email: str) -> None:
    with pytest.raises(BadRequest) as refused:
        clean_email(email)
    assert refused.value.param == "email"


@pytest.mark.parametrize("email", ["ada@example.org", "ada+tag@sub.example.org", "root@localhost", "用户@例子.中国"])
def test_an_address(email: str) -> None:
    assert clean_email(f" {email} ") == email

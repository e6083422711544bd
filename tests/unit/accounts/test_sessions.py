from __future__ import annotations

import pytest

from antiphon.accounts.sessions import Page, from_own_page, read_cookie, set_cookie

OWN = "https://chat.example.org"


@pytest.mark.parametrize(
    ("method", "headers", "own"),
    [
        ("GET", {}, True),
        ("HEAD", {"origin": "https://evil.example"}, True),
        ("POST", {}, False),
        ("POST", {"origin": OWN}, True),
        ("POST", {"sec-fetch-site": "same-origin"}, True),
        ("POST", {"sec-fetch-site": "same-origin", "origin": OWN}, True),
        ("POST", {"sec-fetch-site": "same-site", "origin": OWN}, False),
        ("POST", {"sec-fetch-site": "cross-site"}, False),
        ("POST", {"sec-fetch-site": "none"}, False),
        ("POST", {"sec-fetch-site": "same-origin", "origin": "https://evil.example"}, False),
        ("POST", {"origin": "null"}, False),
        ("POST", {"origin": OWN + ".evil.example"}, False),
        ("POST", {"origin": "http://chat.example.org"}, False),
        ("POST", {"origin": OWN + ":444"}, False),
        ("DELETE", {"origin": "https://evil.example"}, False),
        ("PUT", {"referer": OWN + "/page"}, False),
        ("PATCH", {"origin": ""}, False),
    ],
)
def test_who_may_act_with_a_cookie(method: str, headers: dict[str, str], own: bool) -> None:
    assert from_own_page(headers, Page(method, frozenset({OWN}))) is own


@pytest.mark.parametrize(
    ("cookie", "secret"),
    [
        ("", None),
        ("antiphon_session=abc", "abc"),
        ("a=1; antiphon_session=abc; b=2", "abc"),
        ("antiphon_session=", None),
        ("xantiphon_session=abc", None),
        ("antiphon_session=abc; antiphon_session=abc", "abc"),
        ("antiphon_session=abc; antiphon_session=planted", None),
        (";;;=;", None),
    ],
)
def test_reading(cookie: str, secret: str | None) -> None:
    assert read_cookie({"cookie": cookie}) == secret


def test_setting() -> None:
    assert set_cookie("abc", 60, secure=True) == "antiphon_session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
    assert set_cookie("", 0, secure=False, path="/chat") == "antiphon_session=; Path=/chat; Max-Age=0; HttpOnly; SameSite=Lax"

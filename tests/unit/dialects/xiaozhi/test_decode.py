from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.errors import BadRequest
from antiphon.core.messages import said
from antiphon.dialects.xiaozhi.decode import decode, decode_credentials
from tests.unit.dialects.cases import body, head

PAIR = ("temporary_user", "default_password")
FIELDS = dict(zip(("username", "password"), PAIR, strict=True))


def multipart(fields: dict[str, str], boundary: str = "xYz") -> bytes:
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    return ("".join(parts) + f"--{boundary}--\r\n").encode()


def test_both_spellings_of_content() -> None:
    ask = decode(
        head("/chatCompletion"),
        body(
            [{"role": "system", "content": "Be kind."}, {"role": "assistant", "Content": "Hi"}, {"role": "user", "Content": "Who?", "x": 1}]
        ),
    )
    assert ask.request.messages == (said("system", "Be kind."), said("assistant", "Hi"), said("user", "Who?"))
    assert (ask.stream, ask.request.model) == (False, None)


@pytest.mark.parametrize(("path", "stream"), [("/chatCompletion", False), ("/chatCompletionStream", True)])
def test_the_path_says_whether_to_stream(path: str, stream: bool) -> None:
    assert decode(head(path), body([{"role": "user", "content": "x"}])).stream is stream


@pytest.mark.parametrize(
    "value", [{}, "x", [], [{"role": "user"}], [{"role": "robot", "content": "x"}], [{"role": "user", "content": 1}], ["x"]]
)
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(BadRequest):
        decode(head("/chatCompletion"), body(value))


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("multipart/form-data; boundary=xYz", multipart(FIELDS)),
        ('multipart/form-data; boundary="x y"', multipart(FIELDS, "x y")),
        ("multipart/form-data", body(FIELDS)),
        ("multipart/form-data", b'\n{\n    "username": "temporary_user",\n    "password": "default_password"\n}\n'),
        ("application/json", body(FIELDS)),
        ("application/x-www-form-urlencoded", urlencode(FIELDS).encode()),
        ("text/plain", urlencode(FIELDS).encode()),
    ],
)
def test_credentials_in_a_body(content_type: str, content: bytes) -> None:
    assert decode_credentials(head("/auth", headers={"content-type": content_type}), content) == PAIR


def test_credentials_outside_the_body() -> None:
    assert decode_credentials(head("/auth", query=FIELDS), b"") == PAIR
    assert decode_credentials(head("/auth", headers={"params": urlencode(FIELDS)}), b"") == PAIR
    assert decode_credentials(head("/auth", headers={"content-type": "application/json"}, query=FIELDS), b"{}") == PAIR


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"username": "a"}',
        b'{"username": "a", "password": ""}',
        b'{"username": "a", "password": 5}',
        b'{"username": "a\\u0000", "password": "b"}',
        b"username=a",
        b"username=a%00&password=b",
        b"\xff\xfe\x00",
        b"x" * 100_000,
        b"&" * 1_000,
    ],
)
def test_incomplete_credentials_are_none(content: bytes) -> None:
    assert decode_credentials(head("/auth"), content) is None


def test_a_file_part_is_no_password() -> None:
    content = multipart({"username": "a"}).replace(
        b"--xYz--", b'--xYz\r\nContent-Disposition: form-data; name="password"; filename="p"\r\n\r\nb\r\n--xYz--'
    )
    assert decode_credentials(head("/auth", headers={"content-type": "multipart/form-data; boundary=xYz"}), content) is None


@given(name=st.text(min_size=1).filter(lambda text: "\0" not in text and text.isprintable()), cut=st.integers(0, 400))
def test_multipart_of_any_name_and_cut(name: str, cut: int) -> None:
    request = head("/auth", headers={"content-type": "multipart/form-data; boundary=xYz"})
    content = multipart({"username": name, "password": "p"})
    assert decode_credentials(request, content) == (name, "p")
    assert decode_credentials(request, content[:cut]) in (None, (name, "p"))


@given(st.binary(max_size=200))
def test_noise_in_a_multipart_body_is_none(content: bytes) -> None:
    assert decode_credentials(head("/auth", headers={"content-type": "multipart/form-data; boundary=x"}), content) is None

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from antiphon.accounts.authenticate import Authenticator
from antiphon.accounts.secrets import Keyring
from antiphon.api.identify import client_address, identify, is_local, same_origin
from antiphon.api.services import Options
from antiphon.core.errors import Unauthenticated
from antiphon.dialects.base import Head
from antiphon.storage.database import Database
from antiphon.storage.migrate import whole_metadata

pytestmark = pytest.mark.anyio

PLAIN = Options()
PUBLIC = Options(public_url="https://chat.example/app")
PROXIED = Options(trusted_proxies=(ip_network("10.0.0.0/8"), ip_network("fd00::/8"), ip_network("127.0.0.1/32")))
LOCAL_TOKEN = "local-" + "x" * 40


def scope(peer: str | None = "127.0.0.1", version: str = "1.1", scheme: str = "http") -> dict[str, Any]:
    return {"type": "http", "client": None if peer is None else (peer, 5), "http_version": version, "scheme": scheme}


def head(**headers: str) -> Head:
    return Head("POST", "/", {}, {name.replace("_", "-"): value for name, value in headers.items()})


def direct(host: str = "localhost:8000", **headers: str) -> Head:
    return head(host=host, **headers)


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "LOCALHOST", "127.0.0.1:8000", "[::1]", "[::1]:8000"])
def test_a_direct_visit_from_this_machine_is_local(peer: str, host: str) -> None:
    assert is_local(PLAIN, scope(peer), direct(host))
    assert is_local(PLAIN, scope(peer), direct(host, origin=f"http://{host}"))


@pytest.mark.parametrize("peer", [None, "", "192.168.1.5", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "not an address", "128.0.0.1"])
def test_a_visit_from_elsewhere_is_not(peer: str | None) -> None:
    assert not is_local(PLAIN, scope(peer), direct())


@pytest.mark.parametrize(
    "host",
    ["", "chat.example", "localhost.evil.example", "evil.example:80", "a@localhost", "localhost@evil.example", "[::1", "[", "::1"]
    + ["127.0.0.1.nip.io", "localhost:80:80", "localhost/", "localhost, evil.example", "0.0.0.0", "localhost.", "localhost#evil"],
)
def test_a_name_that_is_not_this_machine_s_is_not_local(host: str) -> None:
    assert not is_local(PLAIN, scope(), direct(host))


@pytest.mark.parametrize(
    "header",
    ["forwarded", "via", "x_real_ip", "x_forwarded_for", "x_forwarded_host", "x_forwarded_proto", "x_forwarded_port", "x_forwarded_server"],
)
def test_whatever_a_proxy_adds_makes_a_visit_not_local(header: str) -> None:
    assert not is_local(PLAIN, scope(), direct(**{header: ""}))
    assert not is_local(PLAIN, scope(), direct(**{header: "127.0.0.1"}))


def test_an_old_protocol_or_a_public_server_is_never_local() -> None:
    assert not is_local(PLAIN, scope(version="1.0"), direct())
    assert not is_local(PUBLIC, scope(), direct())
    assert not is_local(PLAIN, scope(), head())


@pytest.mark.parametrize(
    "origin", ["null", "", "http://evil.example", "https://localhost:8000", "http://localhost", "http://localhost:8000/"]
)
def test_a_page_of_somebody_else_is_not_local(origin: str) -> None:
    assert not is_local(PLAIN, scope(), direct(origin=origin))


@pytest.mark.parametrize(
    ("options", "host", "origin", "same"),
    [
        (PLAIN, "chat.example", None, True),
        (PLAIN, "chat.example", "http://chat.example", True),
        (PLAIN, "chat.example", "https://chat.example", False),
        (PUBLIC, "inner:8000", "https://chat.example", True),
        (PUBLIC, "inner:8000", "https://chat.example/app", False),
        (PUBLIC, "inner:8000", "http://inner:8000", False),
        (PUBLIC, "inner:8000", "null", False),
    ],
)
def test_whose_page_asks(options: Options, host: str, origin: str | None, same: bool) -> None:
    asked = head(host=host) if origin is None else head(host=host, origin=origin)
    assert same_origin(options, scope(), asked) == same


@pytest.mark.parametrize(
    ("options", "peer", "forwarded", "client"),
    [
        (PLAIN, "203.0.113.7", None, "203.0.113.7"),
        (PLAIN, "10.0.0.1", "203.0.113.7", "10.0.0.1"),
        (PROXIED, "203.0.113.7", "198.51.100.1", "203.0.113.7"),
        (PROXIED, "10.0.0.1", "203.0.113.7", "203.0.113.7"),
        (PROXIED, "10.0.0.1", "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        (PROXIED, "10.0.0.1", "203.0.113.7, 10.2.2.2 , 10.3.3.3", "203.0.113.7"),
        (PROXIED, "10.0.0.1", "203.0.113.7,,", "203.0.113.7"),
        (PROXIED, "::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        (PROXIED, "fd00::1", "2001:db8::7", "2001:db8::7"),
        (PROXIED, "127.0.0.1", "203.0.113.7", "203.0.113.7"),
        (PROXIED, "127.0.0.2", "203.0.113.7", "127.0.0.2"),
        (PROXIED, "10.0.0.1", "10.2.2.2, 10.3.3.3", "10.0.0.1"),
        (PROXIED, "10.0.0.1", "203.0.113.7, <script>", "10.0.0.1"),
        (PROXIED, "10.0.0.1", "unknown", "10.0.0.1"),
        (PROXIED, "10.0.0.1", "", "10.0.0.1"),
        (PROXIED, "10.0.0.1", None, "10.0.0.1"),
        (PROXIED, None, "203.0.113.7", ""),
    ],
)
def test_whose_address_counts(options: Options, peer: str | None, forwarded: str | None, client: str) -> None:
    asked = head() if forwarded is None else head(x_forwarded_for=forwarded)
    assert client_address(options, scope(peer), asked) == client


@pytest.fixture
def authenticator(tmp_path: Path) -> Iterator[Authenticator]:
    database = Database(tmp_path / "accounts.db")
    database.write_now(whole_metadata().create_all)
    yield Authenticator(database, Keyring(b"k" * 32), local_token=LOCAL_TOKEN)
    database.close()


async def test_somebody_at_the_machine(authenticator: Authenticator) -> None:
    actor = await identify(authenticator, PLAIN, scope(), direct())
    assert (actor.kind, actor.client) == ("local", "127.0.0.1")


async def test_somebody_at_the_machine_where_that_is_switched_off(authenticator: Authenticator) -> None:
    actor = await identify(authenticator, Options(local_access=False), scope(), direct())
    assert (actor.kind, actor.client) == ("anonymous", "127.0.0.1")


async def test_nobody_in_particular(authenticator: Authenticator) -> None:
    actor = await identify(authenticator, PROXIED, scope("10.0.0.1"), direct("chat.example", x_forwarded_for="203.0.113.7"))
    assert (actor.kind, actor.client, actor.subject) == ("anonymous", "203.0.113.7", "anonymous:203.0.113.7")


async def test_a_credential_counts_from_anywhere(authenticator: Authenticator) -> None:
    actor = await identify(authenticator, PLAIN, scope("203.0.113.7"), head(host="chat.example", authorization=f"Bearer {LOCAL_TOKEN}"))
    assert (actor.admin, actor.client) == (True, "203.0.113.7")


async def test_a_credential_that_does_not_hold_is_no_step_down(authenticator: Authenticator) -> None:
    with pytest.raises(Unauthenticated):
        await identify(authenticator, PLAIN, scope(), direct(authorization="Bearer sk-wrong"))

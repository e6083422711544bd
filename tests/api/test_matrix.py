"""Every route, every caller, every carrier of a credential, against a running server; and that the table of expectations is whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from antiphon.api import management
from antiphon.app import Application
from antiphon.settings.layers import Settings
from antiphon.storage.directory import DataDirectory
from tests.api.expected import DIALECTS, MANAGEMENT, TABLE, status_for
from tests.api.town import HOST, Town

pytestmark = pytest.mark.anyio


@pytest.fixture
async def application(tmp_path: Path) -> AsyncIterator[Application]:
    directory = DataDirectory(tmp_path / "data")
    directory.lock()
    application = Application(Settings.load({"server.data": directory.path, "models.ollama_url": "off"}, None), directory)
    await application.start()
    yield application
    await application.stop()
    directory.release()


async def test_every_route_has_a_row(application: Application) -> None:
    assert {f"{method} {path}" for method, path in application.asgi.inventory()} == DIALECTS.keys()
    rest = application.asgi.rest
    assert isinstance(rest, FastAPI)
    assert {f"{method} {path}" for method, path, _ in management.policies(rest)} == MANAGEMENT.keys()


@pytest.mark.parametrize("route", TABLE)
def test_route(town: Town, route: str) -> None:
    """The whole row at once: who gets what."""
    row, method = TABLE[route], route.partition(" ")[0]
    wrong = {}
    for name, caller in town.callers.items():
        response = town.ask(method, row.path, name, json=row.body, headers={**caller.headers, **row.headers})
        if response.status_code != (owed := status_for(row, name, caller)):
            wrong[name] = f"{response.status_code} instead of {owed}: {response.text[:200]}"
    assert wrong == {}


@pytest.mark.parametrize("route", MANAGEMENT)
def test_cookies_act_only_for_our_own_pages(town: Town, route: str) -> None:
    """A request that changes something, sent by a browser for a page of somebody else, or by a page that we cannot know, is refused."""
    row, method = MANAGEMENT[route], route.partition(" ")[0]
    cookie = {"Cookie": town.callers["admin-cookie"].headers["Cookie"]}
    foreign = [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://{HOST}.evil.example"},
        {"Origin": f"https://{HOST}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": f"http://{HOST}", "Sec-Fetch-Site": "cross-site"},
    ]
    if method == "GET":
        return
    for headers in foreign:
        response = town.ask(method, row.path, json=row.body, headers={**cookie, **row.headers, **headers})
        assert (response.status_code, response.json()["error"]["code"]) == (403, "cross_site"), headers
    if row.who != "open":
        assert town.ask(method, row.path, json=row.body, headers=cookie).status_code == 403


@pytest.mark.parametrize("route", [route for route in MANAGEMENT if route.startswith("GET")])
def test_reading_with_a_cookie_needs_no_origin(town: Town, route: str) -> None:
    row = MANAGEMENT[route]
    cookie = {"Cookie": town.callers["admin-cookie"].headers["Cookie"]}
    assert town.ask("GET", row.path, headers=cookie).status_code == row.status


@pytest.mark.parametrize("route", DIALECTS)
def test_a_token_in_the_address_is_nothing(town: Town, route: str) -> None:
    row, method = DIALECTS[route], route.partition(" ")[0]
    for name in ("token", "access_token", "api_key", "key", "authorization"):
        response = town.ask(method, row.path + ("&" if "?" in row.path else "?") + f"{name}={town.key['root']}", json=row.body)
        assert response.status_code == status_for(row, "nobody", town.callers["nobody"])


def test_two_credentials_are_none(town: Town) -> None:
    headers = {"Authorization": f"Bearer {town.key['anna']}", "x-api-key": town.key["bert"]}
    for path in ("/v1/models", "/api/me"):
        assert town.ask("GET", path, headers=headers).status_code == 401

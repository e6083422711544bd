"""The server that the API is tested on: who there is, what belongs to whom, and every way to carry a credential.

Secrets are recognisable, so that a test can look for them in everything that left the server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx2 as httpx

from tests.support.server import Server

HOST = "chat.example.org"
"""A name that is not this machine's, so that callers are not taken for somebody who sits here."""
PASSWORD = "sentinel-password-of-everybody"
PROVIDER_KEY = "sk-sentinel-key-of-the-provider"
OTHER_PROVIDER_KEY = "sk-sentinel-key-of-the-environment"

NOTES = {
    "shared": "# The garden\n\nTomatoes are watered in the evening, roses in the morning.\n",
    "annas": "# The attic\n\nThe wooden ladder to the attic stands behind the wardrobe.\n",
    "berts": "# The cellar\n\nThe cellar key hangs behind the stove.\n",
    "open": "# Opening hours\n\nThe library opens at nine and closes at six.\n",
}

Standing = Literal["nobody", "local", "member", "admin", "dead"]


@dataclass(frozen=True)
class Caller:
    """scopes: of a confined key. query: for what stands in the address. cookie: whether that is what it carries."""

    standing: Standing
    headers: dict[str, str] = field(default_factory=dict)
    scopes: frozenset[str] = frozenset()
    query: dict[str, str] = field(default_factory=dict)
    cookie: bool = False


class Town(Server):
    """user, key, token: by name. callers: by name. setup_link: the secret that was printed and used."""

    def __init__(self, data: Path) -> None:
        super().__init__(
            data,
            environment={"ANTIPHON_SIGN_IN_TRIES": "1000", "TOWN_KEY": OTHER_PROVIDER_KEY, "ANTIPHON_LOG_LEVEL": "debug"},
        )
        self.user: dict[str, str] = {}
        self.key: dict[str, str] = {}
        self.token: dict[str, str] = {}
        self.callers: dict[str, Caller] = {}
        self.seen: list[str] = []
        self._client = httpx.Client(timeout=60, trust_env=False, verify=False)

    def __exit__(self, *ended: Any) -> None:
        self._client.close()
        super().__exit__(*ended)

    @property
    def local_token(self) -> str:
        return str(json.loads((self.data / "server.json").read_text(encoding="utf-8"))["token"])

    @property
    def setup_link(self) -> str:
        return next(word for word in self.log().split() if "/setup#" in word).partition("#")[2]

    def ask(self, method: str, path: str, caller: str = "nobody", **options: Any) -> httpx.Response:
        """One request of a caller; what came back is kept in `seen`."""
        who = self.callers[caller]
        headers = {**({} if who.standing == "local" else {"Host": HOST}), **who.headers, **options.pop("headers", {})}
        params = {**who.query, **options.pop("params", {})}
        response = self._client.request(method, self.url + path, headers=headers, params=params or None, **options)
        self._client.cookies.clear()
        self.seen.append(f"{response.headers}\n{response.text}")
        return response

    def furnish(self) -> None:
        self.api("POST", "/api/setup", {"token": self.setup_link, "name": "root", "email": "root@example.org", "password": PASSWORD})
        for name in ("anna", "bert", "gone"):
            self.user[name] = self.add_user(name, PASSWORD, f"{name}@example.org")
        self.user["root"] = next(one["id"] for one in self.api("GET", "/api/users")["users"] if one["name"] == "root")
        for name in ("anna", "bert", "gone", "root"):
            self.token[name] = self.sign_in(name, PASSWORD)
            self.key[name] = self.add_key(self.user[name])
        for scope in ("chat", "search", "ingest", "admin"):
            made = self.api("POST", "/api/keys", {"name": scope, "user": self.user["anna"], "scopes": [scope]})
            self.key[f"anna-{scope}"] = made["key"]
        self.key["root-chat"] = self.api("POST", "/api/keys", {"name": "c", "user": self.user["root"], "scopes": ["chat"]})["key"]
        revoked = self.api("POST", "/api/keys", {"name": "revoked", "user": self.user["anna"]})
        self.key["revoked"] = revoked["key"]
        self.callers = self._callers()
        self._things()
        self.api("DELETE", f"/api/keys/{revoked['details']['id']}")
        self.api("PATCH", f"/api/users/{self.user['gone']}", {"suspended": True})

    def _callers(self) -> dict[str, Caller]:
        def bearer(credential: str) -> dict[str, str]:
            return {"Authorization": f"Bearer {credential}"}

        def cookie(name: str) -> dict[str, str]:
            return {"Cookie": f"antiphon_session={self._session(name)}", "Origin": f"http://{HOST}", "Sec-Fetch-Site": "same-origin"}

        found = {
            "nobody": Caller("nobody"),
            "local": Caller("local"),
            "member-jwt": Caller("member", bearer(self.token["anna"])),
            "member-key": Caller("member", bearer(self.key["anna"])),
            "member-x-api-key": Caller("member", {"x-api-key": self.key["anna"]}),
            "member-cookie": Caller("member", cookie("anna"), cookie=True),
            "other-jwt": Caller("member", bearer(self.token["bert"])),
            "admin-jwt": Caller("admin", bearer(self.token["root"])),
            "admin-cookie": Caller("admin", cookie("root"), cookie=True),
            "admin-key": Caller("admin", bearer(self.key["root"])),
            "admin-key-chat": Caller("member", bearer(self.key["root-chat"]), frozenset({"chat"})),
            "local-token": Caller("admin", bearer(self.local_token)),
            "suspended-jwt": Caller("dead", bearer(self.token["gone"])),
            "suspended-key": Caller("dead", bearer(self.key["gone"])),
            "suspended-cookie": Caller("dead", cookie("gone"), cookie=True),
            "revoked-key": Caller("dead", bearer(self.key["revoked"])),
            "forged": Caller("dead", bearer("sk-" + "a" * 43)),
        }
        for scope in ("chat", "search", "ingest", "admin"):
            found[f"member-key-{scope}"] = Caller("member", {"x-api-key": self.key[f"anna-{scope}"]}, frozenset({scope}))
        return found

    def _session(self, name: str) -> str:
        body = {"username": name, "password": PASSWORD}
        response = httpx.post(self.url + "/api/session", json=body, headers={"Host": HOST}, timeout=30, trust_env=False)
        assert response.is_success, response.text
        return response.headers["set-cookie"].partition("=")[2].partition(";")[0]

    @contextmanager
    def streaming(self, method: str, path: str, caller: str, **options: Any) -> Iterator[httpx.Response]:
        """A response to be read as it comes."""
        with (
            httpx.Client(timeout=60, trust_env=False, verify=False) as client,
            client.stream(method, self.url + path, headers={"Host": HOST, **self.callers[caller].headers}, **options) as response,
        ):
            yield response

    def check_that_secrets_were_kept(self) -> None:
        """What callers saw holds none of ours; the log holds nobody's (but for the set-up link, which is printed to be used)."""
        ours = [PROVIDER_KEY, OTHER_PROVIDER_KEY, PASSWORD, self.local_token]
        sessions = [caller.headers["Cookie"].partition("=")[2] for caller in self.callers.values() if caller.cookie]
        log = self.log()
        assert [secret for secret in [*ours, *self.key.values(), *self.token.values(), *sessions] if secret in log] == []
        assert log.count(self.setup_link) == 1
        assert [secret for secret in [*ours, self.setup_link] if any(secret in seen for seen in self.seen)] == []

    def ticket(self, caller: str, run: str | None = None) -> str:
        return str(self.ask("POST", "/api/tickets", caller, json={"run": run} if run else {}).json()["ticket"])

    def _things(self) -> None:
        """Collections: `shared` of the members, `annas` and `berts` private, `open` for everybody with a site of that name."""
        for name, caller, visibility in (
            ("shared", "member-jwt", "members"),
            ("annas", "member-jwt", "private"),
            ("berts", "other-jwt", "private"),
            ("open", "member-jwt", "public"),
        ):
            assert self.ask("POST", "/api/collections", caller, json={"name": name, "visibility": visibility}).status_code == 201
            folder = self.data.parent / name
            folder.mkdir()
            (folder / "note.md").write_text(NOTES[name], encoding="utf-8")
            self.cli("ingest", str(folder), "--collection", name)
        self.cli("models", "add", "far", "--base-url", "http://127.0.0.1:9/v1", "--api-key", PROVIDER_KEY)
        self.cli("models", "set", "echo", "--for", "members")
        self.cli("models", "add", "farther", "--base-url", "http://127.0.0.1:9/v1", "--api-key-env", "TOWN_KEY")
        self.cli("collections", "set", "open", "--public", "--origin", "https://docs.example.org", "--per-minute", "1000")
        self.api("PUT", "/api/bots/helper", {"persona": "sentinel-persona", "collections": ["shared"]})

    def document(self, collection: str) -> str:
        return str(self.api("GET", f"/api/collections/{collection}/documents")["documents"][0]["id"])

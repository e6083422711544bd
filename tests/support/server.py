"""A real `antiphon serve` in a process of its own, on a free port, with a data directory of its own.

    with Server(tmp_path / "data") as server:
        server.cli("user", "add", "anna", "--password", "-", typed="a long password")     # as an owner does it
        server.api("GET", "/api/me")                                                      # with the directory's local token
        httpx.get(server.url + "/v1/models", headers={"Authorization": f"Bearer {key}"})

It inherits nothing from the environment of the tests but PATH, and looks for no Ollama. It is ended by its process id; what it wrote is in
`log()`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2 as httpx

from tests.support.upstream import closed_port

ANTIPHON = Path(sys.executable).parent / "antiphon"
START_SECONDS = 60.0


class Server:
    """environment: settings for the server (ANTIPHON_...). options: more of `antiphon serve`'s."""

    def __init__(self, data: Path, *, environment: dict[str, str] | None = None, options: Sequence[str] = ()) -> None:
        self.data = data
        self.port = closed_port()
        self._options = options
        self._log = data.parent / f"{data.name}.log"
        self._environment = {"PATH": os.environ["PATH"], "ANTIPHON_OLLAMA_URL": "", **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Returns once /healthz answers. AssertionError with the log when it does not."""
        command = [str(ANTIPHON), "serve", "--port", str(self.port), "--data", str(self.data), *self._options]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self._environment, cwd=self.data.parent, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + START_SECONDS
        while not self._healthy():
            assert self._process.poll() is None and time.monotonic() < deadline, self.log()  # noqa: PT018
            time.sleep(0.05)

    def _healthy(self) -> bool:
        try:
            return httpx.get(self.url + "/healthz", timeout=2, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """The exit status. A server that does not end within 20 s is killed, and counts as a failure."""
        assert self._process is not None
        self._process.send_signal(sign)
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def cli(self, *arguments: str, typed: str = "") -> str:
        """What `antiphon ARGUMENTS --data DIR` printed; `typed` is its standard input. AssertionError when it fails."""
        command = [str(ANTIPHON), *arguments, "--data", str(self.data)]
        done = subprocess.run(command, env=self._environment, input=typed.encode(), capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """The management API's answer to the administrator of this data directory. AssertionError for a failure."""
        token = json.loads((self.data / "server.json").read_text(encoding="utf-8"))["token"]
        headers = {"Authorization": f"Bearer {token}"}
        response = httpx.request(method, self.url + path, json=body, headers=headers, timeout=60, trust_env=False)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def add_user(self, name: str, password: str, email: str | None = None) -> str:
        """The id of a new member."""
        made = self.api("POST", "/api/users", {"name": name, "password": password, "email": email})
        return str(made["id"])

    def add_key(self, user: str) -> str:
        made = self.api("POST", "/api/keys", {"name": "tests", "user": user})
        return str(made["key"])

    def sign_in(self, user: str, password: str) -> str:
        """A token as `POST /auth` gives it."""
        given = {"username": user, "password": password}
        response = httpx.post(self.url + "/auth", data=given, timeout=60, trust_env=False)
        assert response.is_success, response.text
        return str(response.json()["accessToken"])

    def add_model(self, name: str, base_url: str, **fields: Any) -> None:
        """A model that everybody may ask, of an OpenAI-compatible server."""
        self.api("POST", "/api/models", {"name": name, "base_url": base_url, "visibility": "public", **fields})

    def open_site(self, slug: str, collection: str, *, bot: str = "antiphon", origins: Sequence[str] = (), per_minute: int = 1000) -> None:
        """A site that everybody may ask."""
        site = {"collection": collection, "bot": bot, "origins": list(origins), "per_minute": per_minute, "public": True}
        self.api("PUT", f"/api/sites/{slug}", site)

    @contextmanager
    def answering(self, dialect: str, name: str) -> Iterator[None]:
        """While inside, the dialect's questions that name no model go to this bot or model."""
        self.api("PUT", "/api/settings/dialects.bots", {"value": {dialect: name}})
        try:
            yield
        finally:
            self.api("DELETE", "/api/settings/dialects.bots")

"""How a verb reaches the server: the live one of the data directory, else a private one that this process runs while the verb works.

Both are the same HTTP API with the same local token, so a verb never knows which it is. Only a private one loads the server's code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote

import click
import httpx2 as httpx

from antiphon.core.errors import AntiphonError, BadRequest, Conflict, NotFound, OurError
from antiphon.settings.layers import Settings
from antiphon.storage.directory import DataDirectory

F = TypeVar("F", bound=Callable[..., Any])


def data_option(command: F) -> F:
    """`--data DIR` and `--config FILE`, as every verb takes them."""
    config = click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Configuration file.")
    data = click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data directory (default ./antiphon-data).")
    return data(config(command))


class Server:
    """The API as a verb uses it: JSON in, JSON out; whatever fails is raised as one sentence."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def get(self, path: str, **params: Any) -> Any:
        return self._told(self.client.get(path, params=params))

    def post(self, path: str, body: Any = None) -> Any:
        return self._told(self.client.post(path, json=body))

    def patch(self, path: str, body: Any) -> Any:
        return self._told(self.client.patch(path, json=body))

    def put(self, path: str, body: Any) -> Any:
        return self._told(self.client.put(path, json=body))

    def delete(self, path: str) -> None:
        self._told(self.client.delete(path))

    def _told(self, response: httpx.Response) -> Any:
        if not response.is_success:
            fail(response)
        return response.json() if response.content else None


def at(*steps: str) -> str:
    """The path of these steps; names may hold any character."""
    return "/" + "/".join(quote(step, safe="") for step in steps)


def fail(response: httpx.Response) -> NoReturn:
    """Raise what the server said."""
    try:
        message = response.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = f"The server answered with status {response.status_code}."
    kinds: dict[int, type[AntiphonError]] = {404: NotFound, 409: Conflict}
    raise kinds.get(response.status_code, BadRequest)(str(message))


@contextmanager
def connect(data: Path | None, config: Path | None = None) -> Iterator[Server]:
    """The server of this data directory. Raises Conflict when a process that has not announced itself holds the directory."""
    settings = Settings.load({"server.data": data}, config)
    directory = DataDirectory(settings.values.server.data)
    live = directory.live_server()
    if live is not None:
        with _client(live.url, live.token) as client:
            yield Server(client)
        return
    from antiphon.cli.running import private_server  # lazy: takes a second, and most verbs find a server running

    with private_server(settings, directory) as (url, token), _client(url, token) as client:
        yield Server(client)


@contextmanager
def _client(url: str, token: str) -> Iterator[httpx.Client]:
    timeout = httpx.Timeout(300, connect=5)
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=timeout, trust_env=False) as client:
        try:
            yield client
        except httpx.TransportError as error:
            raise OurError(f"The server at {url} does not answer ({type(error).__name__}).") from None

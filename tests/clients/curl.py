"""curl, the client that every documentation prints."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Page:
    """What curl brought: status, headers with lower-case names, the body as it came."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def records(self) -> list[str]:
        """The body's records of an event stream."""
        return [record for record in self.body.split("\n\n") if record]


def curl(*arguments: str) -> Page:
    """AssertionError when curl itself fails; a status of the server's is no failure."""
    command = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "30", "--include", *arguments]
    done = subprocess.run(command, capture_output=True, timeout=40, check=False)
    assert done.returncode == 0, done.stderr
    return _page(done.stdout)


def post(url: str, value: Any, *arguments: str) -> Page:
    """A JSON body in the way that curl is told in documentation."""
    return curl(url, "-H", "Content-Type: application/json", "-d", json.dumps(value, ensure_ascii=False), *arguments)


def _page(output: bytes) -> Page:
    head, _, body = output.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Page(int(first.split(" ")[1]), headers, body.decode())

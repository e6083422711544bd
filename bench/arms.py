"""What is measured: the ways from a client to the paced model server, all open at the same time.

direct      no one between
nginx       a plain proxy, the yardstick; left out when the machine has no nginx
openai      our OpenAI dialect: API key checked, usage metered, run and text recorded
widget      our widget's dialect on a public site over a small collection: searched, cited, conversation recorded
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench.load import Found, Job, load
from bench.process import end
from tests.support.server import Server
from tests.support.upstream import closed_port

QUESTION = "At which pace does a lantern burn? PACE"
PAGE = "# Lanterns\n\nA lantern burns at a steady pace: one measure of oil lasts a night.\n\nTrim the wick every evening, or it smokes.\n"
SETTINGS = {
    "ANTIPHON_DEFAULT_MODEL": "paced",
    "ANTIPHON_MIN_SCORE": "0",
    "ANTIPHON_STORE_TEXT": "openai-chat,qa-widget",
    "ANTIPHON_WIDGET_PER_MINUTE": "10000000",
    "ANTIPHON_LOG_FORMAT": "json",
}


class Arm(NamedTuple):
    """pid: the process whose tree is between client and model server, None for direct. end: what a complete stream ends with."""

    name: str
    port: int
    pid: int | None
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    end: str

    def load(self, *, streams: int, total: int, chunks: int, pause_ms: int, spread: float | None = None) -> Found:
        """spread: seconds over which the streams begin; one pause when not given, so that chunks do not come in step."""
        body = {**self.body}
        for field in ("question", "messages"):
            if field in body:
                body[field] = _paced(body[field], f"pace {chunks}x{pause_ms}")
        spread = pause_ms / 1000 if spread is None else spread
        return load(Job(self.port, self.path, self.headers, body, streams, total, chunks, self.end, spread))


def _paced(value: Any, pace: str) -> Any:
    if isinstance(value, str):
        return value.replace("PACE", pace)
    return [{**message, "content": _paced(message["content"], pace)} for message in value]


@contextmanager
def arms(work: Path) -> Iterator[list[Arm]]:
    """work: an empty directory for data and logs."""
    with ExitStack() as stack:
        upstream = _started(stack, [sys.executable, "-m", "bench.paced", "0"])
        assert upstream.stdout is not None
        port = int(upstream.stdout.readline())
        yield [*_outside(stack, work, port), *_ours(stack, work, port)]


def _started(stack: ExitStack, command: list[str]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    stack.callback(end, process)
    return process


def _outside(stack: ExitStack, work: Path, port: int) -> list[Arm]:
    body = {"model": "paced", "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
    found = [Arm("direct", port, None, "/v1/chat/completions", {}, body, "data: [DONE]")]
    nginx = shutil.which("nginx")
    if nginx:
        proxy = closed_port()
        (work / "nginx.conf").write_text(_NGINX.format(work=work, port=port, proxy=proxy), encoding="utf-8")
        process = _started(stack, [nginx, "-p", str(work), "-c", str(work / "nginx.conf"), "-e", str(work / "nginx.log")])
        _wait(proxy)
        found.append(Arm("nginx", proxy, process.pid, "/v1/chat/completions", {}, body, "data: [DONE]"))
    return found


def _ours(stack: ExitStack, work: Path, port: int) -> list[Arm]:
    page = work / "lantern.md"
    page.write_text(PAGE, encoding="utf-8")
    server = stack.enter_context(Server(work / "data", environment=SETTINGS))
    server.add_user("bench", "a password for the bench")
    server.add_model("paced", f"http://127.0.0.1:{port}/v1")
    server.cli("ingest", str(page), "--collection", "lantern")
    server.cli("collections", "set", "lantern", "--public", "--bot", "paced")  # a site that names its bot takes the bot's least confidence
    asked = {"model": "paced", "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
    key = {"authorization": f"Bearer {server.add_key('bench')}"}
    visited = {"tokenSlug": "lantern", "question": QUESTION, "language": "en", "sessionId": "session-NUMBER"}
    return [
        Arm("openai", server.port, server.pid, "/v1/chat/completions", key, asked, "data: [DONE]"),
        Arm("widget", server.port, server.pid, "/api/chat/stream", {}, visited, 'data: {"type":"done"}'),
    ]


def _wait(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            assert time.monotonic() < deadline, f"nothing listens on port {port}"
            time.sleep(0.05)


_NGINX = """
worker_processes 1; daemon off; pid {work}/nginx.pid; worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/fastcgi;
  uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  upstream model {{ server 127.0.0.1:{port}; keepalive 512; }}
  server {{
    listen 127.0.0.1:{proxy} backlog=2048;
    location / {{ proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
  }}
}}
"""

"""Many streams read at once: what arrived, when, and whether all of it did. Reads the marks of bench/paced.py in any dialect.

Runs in a process of its own, reads its job as JSON on standard input and writes its findings as JSON to standard output:

    echo '{"port": 8000, "path": "/v1/chat/completions", "headers": {}, "body": {...}, "streams": 10, "total": 100}' | python -m bench.load
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from array import array
from typing import Any, cast

import httptools
import msgspec
import uvloop

from bench.paced import MARK


class Job(msgspec.Struct):
    """streams: how many at once, begun evenly over `spread` seconds; total: how many in all. chunks: marks in each.

    body: NUMBER in it becomes the request's number. end: what a complete stream ends with, less white space.
    """

    port: int
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    streams: int
    total: int
    chunks: int
    end: str
    spread: float = 0.02


class Found(msgspec.Struct):
    """Times in milliseconds. added: between a chunk's departure from the model's server and its arrival here. first: from sending the
    request to the first chunk. bad: streams that were incomplete, disordered, or not an answer."""

    complete: int
    bad: int
    chunks: int
    seconds: float
    added_p50: float
    added_p99: float
    first_p50: float
    first_p99: float
    problem: str = ""


class _Run:
    """What all connections share."""

    def __init__(self, job: Job) -> None:
        self._body = msgspec.json.encode(job.body).replace(b"NUMBER", b"%08d")
        length = len(self._body) + 4 * self._body.count(b"%08d")
        head = [f"POST {job.path} HTTP/1.1", f"host: 127.0.0.1:{job.port}", "content-type: application/json", f"content-length: {length}"]
        head += [f"{name}: {value}" for name, value in job.headers.items()]
        self._head = "\r\n".join(head).encode() + b"\r\n\r\n"
        self.job = job
        self.left = job.total
        self.running = 0
        self.added = array("d")
        self.first = array("d")
        self.complete = 0
        self.bad = 0
        self.problem = ""
        self.over = asyncio.get_running_loop().create_future()

    def request(self) -> bytes:
        """The next request."""
        self.left -= 1
        return self._head + self._body.replace(b"%08d", b"%08d" % self.left)


class _Reader(asyncio.Protocol):
    """One connection; asks again as long as there is something left to ask."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._parser: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not registered as one
        self._run.running += 1
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if self._parser is not None:
            self._fail(f"connection lost: {error}")
        self._run.running -= 1
        if not self._run.running and not self._run.over.done():
            self._run.over.set_result(None)

    def _ask(self) -> None:
        run = self._run
        if not run.left:
            self._parser = None
            self._transport.close()
            return
        self._parser = httptools.HttpResponseParser(self)
        self._seen = 0
        self._rest = b""
        self._good = True
        self._asked = time.monotonic()
        self._transport.write(run.request())

    def data_received(self, data: bytes) -> None:
        self._now = time.monotonic_ns() // 1000
        if self._parser is not None:
            self._parser.feed_data(data)

    def on_headers_complete(self) -> None:
        if self._parser.get_status_code() != 200:
            self._fail(f"status {self._parser.get_status_code()}")

    def on_body(self, data: bytes) -> None:
        text = self._rest + data
        done = 0
        for mark in MARK.finditer(text):
            done = mark.end()
            if int(mark[1]) != self._seen:
                self._fail(f"chunk {int(mark[1])} instead of {self._seen}")
            if not self._seen:
                self._run.first.append((time.monotonic() - self._asked) * 1000)
            self._seen += 1
            self._run.added.append((self._now - int(mark[2])) / 1000)
        self._rest = text[done:][-2048:]

    def on_message_complete(self) -> None:
        run = self._run
        if self._seen != run.job.chunks:
            self._fail(f"{self._seen} chunks of {run.job.chunks}: {self._rest[-300:]!r}")
        elif not self._rest.rstrip().endswith(run.job.end.encode()):
            self._fail(f"ends with {self._rest[-200:]!r}")
        run.complete += self._good
        self._ask()

    def _fail(self, problem: str) -> None:
        if self._good:
            self._good = False
            self._run.bad += 1
            self._run.problem = self._run.problem or problem


async def _load(job: Job) -> Found:
    run = _Run(job)
    loop = asyncio.get_running_loop()
    began = time.monotonic()
    for number in range(job.streams):
        await asyncio.sleep(max(0.0, began + number * job.spread / job.streams - time.monotonic()))
        await loop.create_connection(lambda: _Reader(run), "127.0.0.1", job.port)
    await run.over
    seconds = time.monotonic() - began
    added, first = sorted(run.added), sorted(run.first)
    return Found(
        complete=run.complete,
        bad=run.bad,
        chunks=len(added),
        seconds=round(seconds, 3),
        added_p50=_at(added, 0.5),
        added_p99=_at(added, 0.99),
        first_p50=_at(first, 0.5),
        first_p99=_at(first, 0.99),
        problem=run.problem,
    )


def _at(values: list[float], part: float) -> float:
    return round(values[min(len(values) - 1, int(len(values) * part))], 3) if values else 0.0


def load(job: Job, limit: float = 300) -> Found:
    """Run one job in a process of its own, so that the reading of one does not slow another; `limit` in seconds."""
    command = [sys.executable, "-m", "bench.load"]
    done = subprocess.run(command, input=msgspec.json.encode(job), stdout=subprocess.PIPE, timeout=limit, check=True)
    return msgspec.json.decode(done.stdout, type=Found)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_load(msgspec.json.decode(sys.stdin.buffer.read(), type=Job)))))

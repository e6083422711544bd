"""What the server costs before it does anything: time to be ready, idle memory, size on disk."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Final, NamedTuple

from bench.process import end, memory
from tests.support.server import ANTIPHON, Server
from tests.support.upstream import closed_port

STARTS: Final = 5
IDLE_SECONDS: Final = 60.0
PROJECT: Final = Path(__file__).parent.parent


class StartFigures(NamedTuple):
    """first: seconds from starting the process on an empty directory to an answer of /healthz; ready: median on a directory in use.
    idle: MB of the process tree a minute after its start. installed: MB of site-packages, None where it could not be installed.
    """

    first: float
    ready: float
    idle: float
    installed: float | None


def measure() -> StartFigures:
    with tempfile.TemporaryDirectory(prefix="bench-") as work:
        data = Path(work) / "data"
        first = _ready(data)
        ready = statistics.median(_ready(data) for _ in range(STARTS))
        with Server(data) as server:
            time.sleep(IDLE_SECONDS)
            idle = memory(server.pid)
        return StartFigures(first, ready, idle, _installed(Path(work) / "venv"))


def _ready(data: Path) -> float:
    """Seconds from the start of the process to the first answer."""
    port = closed_port()
    began = time.monotonic()
    command = [str(ANTIPHON), "serve", "--port", str(port), "--data", str(data)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _healthy(port):
            assert process.poll() is None, "the server ended"
            assert time.monotonic() - began < 60, "the server does not answer"
            time.sleep(0.01)
        return time.monotonic() - began
    finally:
        end(process)


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _installed(environment: Path) -> float | None:
    """MB that `pip install --no-compile` of this project adds to an environment with nothing else in it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
    command += ["--prefix", str(environment), "--ignore-installed", "-r", str(PROJECT / "requirements" / "runtime.txt")]
    done = subprocess.run([*command, "--require-hashes"], capture_output=True, check=False)
    if done.returncode:
        print(done.stderr.decode()[-2000:], file=sys.stderr)
        return None
    own = sum(file.stat().st_size for file in (PROJECT / "src").rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return (sum(file.stat().st_size for file in packages.rglob("*") if file.is_file()) + own) / 2**20

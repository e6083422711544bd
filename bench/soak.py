"""A long mixed load on one server, and what must be true of it: no failure of our own, no growing memory, nothing left behind.

    python -m bench.soak --minutes 5

Idle counts (asyncio tasks, open descriptors) are taken after a first short load, when every cache and pool has been made; the same must be
there again SETTLE_SECONDS after the last deed. Memory is judged by the median of all slopes between two samples of the last half (Theil and
Sen), which a single jump of the allocator does not move.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path
from typing import Final, NamedTuple

import httpx2 as httpx

from bench.arms import PAGE
from bench.process import memory
from bench.traffic import Caller, Traffic
from tests.support.server import Server

CALLERS: Final = 200
WARM_SECONDS: Final = 30.0
SETTLE_SECONDS: Final = 30.0
MOST_GROWTH: Final = 1.0  # MiB a minute
CACHES: Final = 2.0  # MiB that caches may still take in the last half of a run of less than JUDGED_STRICTLY seconds
JUDGED_STRICTLY: Final = 300.0
SPARE_DESCRIPTORS: Final = 4  # a connection to us may be closing when we count
PASSWORD: Final = "a password for the soak"
SETTINGS: Final = {
    "ANTIPHON_FIRST_BYTE_SECONDS": "5",
    "ANTIPHON_IDLE_SECONDS": "5",
    "ANTIPHON_MIN_SCORE": "0",
    "ANTIPHON_WIDGET_PER_MINUTE": "2000",
    "ANTIPHON_BOTS": "xiaozhi=plain,qa-widget=plain",
    "ANTIPHON_DEFAULT_MODEL": "plain",
    "ANTIPHON_LOG_FORMAT": "json",
    "ANTIPHON_LOG_LEVEL": "warning",
}


class Count(NamedTuple):
    """tasks: of asyncio. descriptors: open ones."""

    tasks: float
    descriptors: float


class Findings(NamedTuple):
    """statuses: how often which was answered. growth: MiB a minute in the last half. problems: empty for a good server."""

    deeds: int
    statuses: dict[int, int]
    seconds: float
    growth: float | None
    megabytes: float
    idle: Count
    after: Count
    problems: list[str]


def soak(seconds: float, work: Path, say: Callable[[str], object], callers: int = CALLERS, seed: int = 1) -> Findings:
    """work: an empty directory. The load itself takes `seconds`, besides warming up and settling."""
    with ExitStack() as stack:
        upstream = stack.enter_context(subprocess.Popen([sys.executable, "-m", "tests.support.upstream"], stdout=subprocess.PIPE))
        stack.callback(upstream.terminate)
        assert upstream.stdout is not None
        address = upstream.stdout.readline().decode().strip()
        server = stack.enter_context(Server(work / "data", environment=SETTINGS))
        traffic = Traffic(_prepared(server, address, work), seed)
        return asyncio.run(_soaked(server, traffic, seconds, say, callers))


async def _soaked(server: Server, traffic: Traffic, seconds: float, say: Callable[[str], object], callers: int) -> Findings:
    await _load(traffic, callers, WARM_SECONDS)
    idle = await _settled(server, None)
    say(f"warm: {memory(server.pid):.0f} MB, {idle}")
    samples: list[tuple[float, float]] = []
    watch = asyncio.create_task(_sample(server.pid, samples, say))
    began = time.monotonic()
    await _load(traffic, callers, seconds)
    watch.cancel()
    took = time.monotonic() - began
    after = await _settled(server, idle)
    growth = slope(samples[len(samples) // 2 :])
    problems = _problems(server, traffic, idle, after)
    if growth is not None and growth >= _most_growth(seconds):
        problems.append(f"memory grows by {growth:.2f} MiB a minute")
    deeds, statuses = sum(traffic.done.values()), dict(sorted(traffic.statuses.items()))
    return Findings(deeds, statuses, took, growth, memory(server.pid), idle, after, problems)


def _prepared(server: Server, upstream: str, work: Path) -> Caller:
    page = work / "lantern.md"
    page.write_text(PAGE, encoding="utf-8")
    server.add_user("soak", PASSWORD)
    server.add_model("upstream", upstream, discover=True)
    server.cli("ingest", str(page), "--collection", "lantern")
    server.cli("collections", "set", "lantern", "--public", "--bot", "plain")
    return Caller(server.url, server.add_key("soak"), server.sign_in("soak", PASSWORD), "lantern", "lantern")


async def _load(traffic: Traffic, callers: int, seconds: float) -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await traffic.run(callers, over)


async def _sample(pid: int, samples: list[tuple[float, float]], say: Callable[[str], object]) -> None:
    """Once a second (seconds, MB)."""
    while True:
        samples.append((time.monotonic(), await asyncio.to_thread(memory, pid)))
        if len(samples) % 30 == 0:
            say(f"{len(samples):4d} s: {samples[-1][1]:.1f} MB")
        await asyncio.sleep(1)


async def _settled(server: Server, idle: Count | None) -> Count:
    """The counts once they are back at `idle`, or as they are when time is over; without `idle`, once they have stopped falling."""
    deadline = time.monotonic() + SETTLE_SECONDS
    best = await asyncio.to_thread(_count, server)
    quiet = 0
    while time.monotonic() < deadline:
        await asyncio.sleep(1)
        now = await asyncio.to_thread(_count, server)
        if idle is not None and _is_back(now, idle):
            return now
        quiet = quiet + 1 if now == best else 0
        best = now
        if idle is None and quiet == 8:
            break
    return best


def _is_back(now: Count, idle: Count) -> bool:
    return now.tasks <= idle.tasks and now.descriptors <= idle.descriptors + SPARE_DESCRIPTORS


def _count(server: Server) -> Count:
    figures = _metrics(server)
    return Count(figures["antiphon_tasks"], figures["process_open_fds"])


def _metrics(server: Server) -> dict[str, float]:
    text = httpx.get(server.url + "/metrics", timeout=30, trust_env=False).text
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def slope(samples: list[tuple[float, float]]) -> float | None:
    """MiB a minute: the median slope between any two samples at least 5 s apart."""
    slopes = [
        (after[1] - before[1]) / (after[0] - before[0]) * 60 for before, after in combinations(samples, 2) if after[0] - before[0] >= 5
    ]
    return statistics.median(slopes) if slopes else None


def _most_growth(seconds: float) -> float:
    return MOST_GROWTH if seconds >= JUDGED_STRICTLY else MOST_GROWTH + CACHES / (seconds / 2 / 60)


def _problems(server: Server, traffic: Traffic, idle: Count, after: Count) -> list[str]:
    found = [f"{count} times {what}" for what, count in traffic.wrong.most_common(20)]
    ours = {name: value for name, value in _metrics(server).items() if name.startswith("antiphon_errors_total") and 'fault="ours"' in name}
    found += [f"{name} = {value:.0f}" for name, value in ours.items() if value]
    if "Traceback" in server.log():
        found.append("a trace in the log: " + server.log().partition("Traceback")[2][:2000])
    if not _is_back(after, idle):
        found.append(f"left behind: {after} where {idle} was idle")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description="A mixed load of 200 callers, and what must be true of it.")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--callers", type=int, default=CALLERS)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as work:
        found = soak(given.minutes * 60, Path(work), print, given.callers, given.seed)
    growth = "not judged" if found.growth is None else f"{found.growth:+.2f} MiB a minute"
    print(
        f"{found.deeds} deeds in {found.seconds:.0f} s; memory {found.megabytes:.0f} MB, {growth}; idle {found.idle}, after {found.after}"
    )
    print("answered:", ", ".join(f"{status} {count} times" for status, count in found.statuses.items()))
    for problem in found.problems:
        print("PROBLEM:", problem)
    sys.exit(bool(found.problems))


if __name__ == "__main__":
    main()

"""The stream path, measured from outside: CPU per chunk, added latency, time to first token, many streams, memory per idle stream.

Judge by ratios: rounds of all arms alternate, so what else the machine does falls on each alike. CPU per chunk includes everything that a
request costs, spread over the chunks of its answer.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from bench.arms import Arm, arms
from bench.load import Found
from bench.process import cpu_seconds, memory

IDLE_STREAMS = 500
LENGTHS = (100, 400)  # chunks of an answer


class Round(NamedTuple):
    """cpu: microseconds a chunk of everything between client and model server; None for direct."""

    found: Found
    cpu: float | None


class StreamFigures(NamedTuple):
    """rounds: by length of the answers, then by arm. first, many: by arm. memory: KB for each idle stream, by arm."""

    rounds: dict[int, dict[str, list[Round]]]
    first: dict[str, list[Found]]
    many: dict[str, Found]
    memory: dict[str, float]

    def cpu(self, length: int, arm: str) -> float | None:
        """Median over the rounds, in microseconds."""
        values = [one.cpu for one in self.rounds[length][arm] if one.cpu is not None]
        return statistics.median(values) if values else None

    def ratio(self, length: int, arm: str) -> float | None:
        """Median over the rounds of CPU per chunk to nginx's in the same round; None without nginx."""
        pairs = zip(self.rounds[length][arm], self.rounds[length].get("nginx", ()), strict=False)
        ratios = [ours.cpu / yardstick.cpu for ours, yardstick in pairs if ours.cpu and yardstick.cpu]
        return statistics.median(ratios) if ratios else None

    def first_token(self, arm: str) -> float:
        """Milliseconds, median over the rounds."""
        return statistics.median(one.first_p50 for one in self.first[arm])


def measure(rounds: int = 5) -> StreamFigures:
    with tempfile.TemporaryDirectory(prefix="bench-") as work, arms(Path(work)) as found:
        for arm in found:  # warm: connections, caches, first imports
            arm.load(streams=20, total=60, chunks=20, pause_ms=10)
        loaded = {length: _interleaved(found, rounds, length) for length in LENGTHS}
        first = _first_tokens(found, rounds)
        many = {arm.name: arm.load(streams=500, total=500, chunks=50, pause_ms=100, spread=2.0) for arm in found}
    idle = {arm.name: idle_memory(arm.name) for arm in found if arm.pid is not None}
    return StreamFigures(loaded, first, many, idle)


def _interleaved(found: list[Arm], rounds: int, length: int) -> dict[str, list[Round]]:
    """100 streams at once, 50 chunks a second each, at least 30,000 chunks."""
    results: dict[str, list[Round]] = {arm.name: [] for arm in found}
    for _ in range(rounds):
        for arm in found:
            before = cpu_seconds(arm.pid) if arm.pid is not None else 0.0
            one = arm.load(streams=100, total=max(100, 30_000 // length), chunks=length, pause_ms=20)
            used = cpu_seconds(arm.pid) - before if arm.pid is not None else None
            results[arm.name].append(Round(one, None if used is None or not one.chunks else used / one.chunks * 1e6))
            _say(arm, one, results[arm.name][-1].cpu)
    return results


def _first_tokens(found: list[Arm], rounds: int) -> dict[str, list[Found]]:
    results: dict[str, list[Found]] = {arm.name: [] for arm in found}
    for _ in range(rounds):
        for arm in found:
            results[arm.name].append(arm.load(streams=10, total=100, chunks=10, pause_ms=20, spread=0.2))
            _say(arm, results[arm.name][-1], None)
    return results


def idle_memory(name: str) -> float:
    """KB that each of IDLE_STREAMS open streams adds while it waits for its next chunk, to processes that had no more than a few before."""
    with tempfile.TemporaryDirectory(prefix="bench-") as work, arms(Path(work)) as found:
        (arm,) = [arm for arm in found if arm.name == name]
        assert arm.pid is not None
        arm.load(streams=20, total=60, chunks=20, pause_ms=10)
        before = memory(arm.pid)
        waiting = threading.Thread(target=lambda: arm.load(streams=IDLE_STREAMS, total=IDLE_STREAMS, chunks=2, pause_ms=10_000, spread=3.0))
        waiting.start()
        time.sleep(9)
        added = memory(arm.pid) - before
        waiting.join()
        return added * 1024 / IDLE_STREAMS


def _say(arm: Arm, one: Found, cpu: float | None) -> None:
    used = "" if cpu is None else f"{cpu:7.1f} us/chunk,"
    print(
        f"  {arm.name:8s}{used} added {one.added_p50:.2f}/{one.added_p99:.2f} ms, first {one.first_p50:.2f} ms, "
        f"{one.complete} complete, {one.bad} bad {one.problem}",
        file=sys.stderr,
    )

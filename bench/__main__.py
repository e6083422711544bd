"""`python -m bench [--data DIR]`: measure, and write docs/benchmarks.md.

Without --data, the figures of retrieval are left out; DIR holds the sets named in bench/datasets.py.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench import retrieval, start, stream
from bench.stream import IDLE_STREAMS, LENGTHS, StreamFigures

TARGET = Path(__file__).parent.parent / "docs" / "benchmarks.md"
ARMS = {"direct": "direct", "nginx": "nginx, proxy only", "openai": "OpenAI dialect", "widget": "widget dialect"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, and write docs/benchmarks.md.")
    parser.add_argument("--data", type=Path, help="folder with retrieval sets")
    parser.add_argument("--weights", type=Path, help="folder with the local embedder")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the stream measurements")
    given = parser.parse_args()
    parts = ["# Benchmarks\n", _where(), *_streams(stream.measure(given.rounds)), *_start(start.measure())]
    if given.data is not None:
        parts += ["", retrieval.report(given.data, given.weights)]
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")
    print(f"wrote {TARGET}")


def _where() -> str:
    return (
        f"Written by `make bench` on {time.strftime('%Y-%m-%d')}: {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"load average {os.getloadavg()[0]:.1f} at the start. Absolute figures are this machine's; read the ratios.\n"
    )


def _streams(found: StreamFigures) -> Iterator[str]:
    yield "## Streams\n"
    yield (
        "Everything on: API key checked, usage metered, run and text recorded; for the widget also the search of its collection, citations "
        "and the visitor's conversation. One server process. 100 streams at once, 50 chunks a second each. CPU time is that of the process "
        "tree, and what a request costs is spread over the chunks of its answer, so short answers show it and long ones do not. Rounds "
        "alternate between the ways; figures are medians over the rounds, ratios of each round's own.\n"
    )
    shortest = found.rounds[LENGTHS[0]]
    if "nginx" not in shortest:
        yield "**nginx is not installed on this machine: there are no ratios.**\n"
    else:
        yield f"Yardstick: {_version('nginx')}, one worker, `proxy_buffering off`.\n"
    yield "| chunks | way | CPU a chunk, us | to nginx | added, ms p50 | p99 | complete and in order |\n|---|---|---|---|---|---|---|"
    for length, arms in found.rounds.items():
        for arm, rounds in arms.items():
            cpu, ratio = found.cpu(length, arm), found.ratio(length, arm)
            complete = sum(one.found.complete for one in rounds)
            total = complete + sum(one.found.bad for one in rounds)
            p50, p99 = (_median([getattr(one.found, f"added_p{part}") for one in rounds]) for part in (50, 99))
            yield f"| {length} | {ARMS[arm]} | {_number(cpu)} | {_number(ratio, 2)} | {p50:.2f} | {p99:.1f} | {complete} of {total} |"
    yield "\nTime to first token, 10 streams at once; the model's server takes 5 ms itself:\n"
    yield "| way | ms, median | beyond direct |\n|---|---|---|"
    for arm in found.first:
        yield f"| {ARMS[arm]} | {found.first_token(arm):.1f} | {found.first_token(arm) - found.first_token('direct'):.1f} |"
    yield "\n500 streams at once, 10 chunks a second each:\n"
    yield "| way | complete and in order | added, ms p50 | p99 |\n|---|---|---|---|"
    for arm, one in found.many.items():
        yield f"| {ARMS[arm]} | {one.complete} of {one.complete + one.bad} | {one.added_p50:.2f} | {one.added_p99:.1f} |"
    yield f"\nMemory for each of {IDLE_STREAMS} streams that wait for their next chunk:\n"
    yield "| way | KB |\n|---|---|"
    for arm, kilobytes in found.memory.items():
        yield f"| {ARMS[arm]} | {kilobytes:.0f} |"


def _start(found: start.StartFigures) -> Iterator[str]:
    yield "\n## Start and size\n"
    installed = "could not be installed here" if found.installed is None else f"{found.installed:.0f} MB"
    yield "| | |\n|---|---|"
    yield f"| from start to the first answer of `/healthz`, median of {start.STARTS} | {found.ready:.2f} s |"
    yield f"| the same on an empty data directory | {found.first:.2f} s |"
    yield f"| memory of the process tree, idle for {start.IDLE_SECONDS:.0f} s | {found.idle:.0f} MB |"
    yield f"| installed by `pip install --no-compile`, with all dependencies | {installed} |"


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _number(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _version(program: str) -> str:
    path = shutil.which(program)
    assert path is not None
    return subprocess.run([path, "-v"], capture_output=True, text=True, check=True).stderr.strip().rpartition(" ")[2]


if __name__ == "__main__":
    main()

"""What the processes of a tree have used, read from /proc (Linux)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TICK: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def tree(pid: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for child, fields in _stats():
        children.setdefault(int(fields[1]), []).append(child)
    found, todo = [], [pid]
    while todo:
        found.append(one := todo.pop())
        todo += children.get(one, [])
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time of the tree so far, in user and kernel."""
    wanted = set(tree(pid))
    return sum(int(fields[11]) + int(fields[12]) for one, fields in _stats() if one in wanted) / _TICK


def memory(pid: int) -> float:
    """Resident memory of the tree in MB (2^20 bytes); what forked processes share is counted once for each."""
    total = 0
    for one in tree(pid):
        try:
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1])
        except OSError:
            continue
    return total * _PAGE / 2**20


def descriptors(pid: int) -> int:
    """Open descriptors of the process itself."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _stats() -> Iterator[tuple[int, list[str]]]:
    """(pid, the fields of its stat line from `state` on)."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                yield int(name), Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue

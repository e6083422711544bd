"""A few child processes that turn bytes into text, used from any thread.

A child is lent to one caller at a time. One that crashes, stalls or runs out of time is ended and fails its document by name; the next
document gets a fresh one. Children are started when first needed, replaced after a number of documents, and let go by `rest()`.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import Final

from antiphon.core.errors import Unavailable
from antiphon.retrieval.extract.document import Unreadable
from antiphon.retrieval.reading import protocol

MEMORY: Final = 1_536 * 1024 * 1024
MAX_DOCUMENT: Final = 100 * 1024 * 1024
_LIFETIME: Final = 500  # documents, so that what a parser leaks stays bounded


class Extractor:
    """`extract` blocks; call it from worker threads. processes: how many documents are read at once. Seconds are per document, memory is
    the address space of each process in bytes."""

    def __init__(self, processes: int = 2, *, wall_seconds: float = 60, cpu_seconds: int = 45, memory: int = MEMORY) -> None:
        self._memory = memory
        self._wall_seconds = wall_seconds
        self._cpu_seconds = cpu_seconds
        self._free = threading.Semaphore(processes)
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._lent: set[_Child] = set()
        self._closed = False

    def extract(self, data: bytes, *, name: str, media_type: str | None = None) -> protocol.Success:
        """The document and its passages. Raises Unreadable, whose message says why and what to do."""
        if len(data) > MAX_DOCUMENT:
            raise Unreadable("too_large", f"The document is larger than {MAX_DOCUMENT // 1024 // 1024} MiB.")
        with self._free:
            child = self._borrow()
            try:
                answer = child.ask(protocol.Task(data, name, media_type, self._cpu_seconds), self._wall_seconds)
            finally:
                self._return(child)
        if isinstance(answer, protocol.Failure):
            raise Unreadable(answer.reason, answer.message, detail=answer.detail)
        return answer

    def rest(self) -> None:
        """Let idle children go; the next document starts a new one."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.end()

    def close(self) -> None:
        """End every child, those at work too, and start none from here on."""
        with self._lock:
            self._closed = True
            lent = list(self._lent)
        for child in lent:
            child.kill()
        self.rest()

    def _borrow(self) -> _Child:
        with self._lock:
            if self._closed:
                raise Unavailable("The server is shutting down.")
            child = self._idle.pop() if self._idle else _Child(self._memory)
            self._lent.add(child)
        return child

    def _return(self, child: _Child) -> None:
        with self._lock:
            self._lent.discard(child)
            if not self._closed and child.fit:
                self._idle.append(child)
                return
        child.end()


class _Child:
    """One process and its two pipes."""

    def __init__(self, memory: int) -> None:
        self._served = 0
        self._whole = True
        self._process = subprocess.Popen(  # noqa: S603  # our own program and a number
            [sys.executable, "-P", "-m", "antiphon.retrieval.reading.child", str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"PYTHONPATH": ":".join(path for path in sys.path if path), "LANG": "C.UTF-8", "PYTHONUTF8": "1"},
            start_new_session=True,  # an interrupt at the terminal is the parent's to handle
        )

    @property
    def fit(self) -> bool:
        return self._whole and self._served < _LIFETIME and self._process.poll() is None

    def ask(self, task: protocol.Task, wall_seconds: float) -> protocol.Answer:
        """Raises Unreadable when the child did not live to answer."""
        self._served += 1
        self._whole = False
        stalled = threading.Event()
        timer = threading.Timer(wall_seconds, self._stall, (stalled,))
        timer.daemon = True
        timer.start()
        try:
            frame = self._exchange(task)
        finally:
            timer.cancel()
        if frame is None:
            raise self._post_mortem(stalled.is_set())
        self._whole = True
        return protocol.answer_decoder.decode(frame)

    def kill(self) -> None:
        """From any thread; whoever waits for an answer learns that there is none."""
        self._process.kill()

    def end(self) -> None:
        """Safe to call twice."""
        process = self._process
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was left in the buffer has no reader any more
                    continue

    def _exchange(self, task: protocol.Task) -> bytes | None:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            protocol.send(stdin, protocol.encoder.encode(task))  # type: ignore[arg-type]
            return protocol.receive(stdout)  # type: ignore[arg-type]
        except OSError:
            return None

    def _stall(self, stalled: threading.Event) -> None:
        stalled.set()
        self._process.kill()

    def _post_mortem(self, stalled: bool) -> Unreadable:
        self._process.kill()
        code = self._process.wait()
        if stalled or code == -signal.SIGXCPU:
            return Unreadable("too_slow", "Reading the document took too long, so it was given up.")
        return Unreadable("corrupt", "The document made the parser crash.", detail=f"exit code {code}")

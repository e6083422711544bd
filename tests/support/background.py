"""An event loop in a thread of its own, for what must outlive one test: the fake upstream and the browser of a whole session.

Tests that use it are plain functions; `run` gives them a coroutine's result. So no test finds a foreign loop running in its thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")


class Background:
    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="background loop", daemon=True)

    def __enter__(self) -> Background:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(_end_others(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T], within: float = 60.0) -> T:
        """The result of `work`; TimeoutError after `within` seconds."""
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, within), self._loop).result()


async def _end_others() -> None:
    """Nothing that was left running stays behind half done."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

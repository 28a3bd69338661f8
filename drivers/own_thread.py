"""A thread of its own for the blocking calls of one device.

``asyncio.to_thread`` shares a handful of threads with everything else in the process: a few devices
that hang would hold them all, and the reader, the slips and the tamper switch would wait for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class OwnThread:
    """Runs one call at a time, in the order they were asked for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._executor: ThreadPoolExecutor | None = None

    async def run(self, call: Callable[[], T]) -> T:
        """Raises what ``call`` raises. A caller that is cancelled is free at once; what was begun
        goes on to its end, what was not is dropped, and the next call comes after it."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix=self._name)
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    def close(self) -> None:
        """End the thread, waiting for nothing: the call under way may never end. A device that is
        opened again gets a new one."""
        executor, self._executor = self._executor, None
        if executor:
            executor.shutdown(wait=False, cancel_futures=True)

"""The one supervisor of child processes.

Native code (SANE, dlib, OpenCV, Tesseract, PC/SC, PKCS#11) may hang or crash, so it runs in a
child with a deadline on every call. A hang or a death becomes a typed fault, and the next call gets
a fresh child: after a back-off when it fails again and again, and not at all while the circuit is
open.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from drivers import wire
from drivers.contract import DeviceError, Fault, Health, Status

log = logging.getLogger(__name__)

_CIRCUIT_FAILURES = 5
_CIRCUIT_SECONDS = 30.0
_BACKOFF_FIRST = 0.1
_REAP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How to run a child. ``target`` is ``module:factory``; ``options`` go to the factory."""

    name: str
    target: str
    options: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    deadline: float = 30.0
    nice: int = 0


class Child:
    """A supervised child process. Calls are answered one at a time, in order."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self._process: subprocess.Popen[bytes] | None = None
        self._sock: socket.socket | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"child-{spec.name}")
        self._closing = threading.Event()
        self._swap = threading.Lock()  # of process and socket, which close() takes from a call
        self._failures = 0
        self._failed_at = 0.0
        self._status = Status(Health.ABSENT, time.monotonic())

    def status(self) -> Status:
        return self._status

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def call(self, method: str, *, deadline: float | None = None, **arguments: Any) -> Any:
        """Run ``method`` in the child.

        Raises DeviceError: the child's own coded error, or CHILD_DIED, CHILD_TIMEOUT,
        CHILD_CIRCUIT_OPEN; CHILD_DEFECT when its code is at fault, and it lives on. Cancelling
        the caller does not stop the child; its deadline does.
        """
        loop = asyncio.get_running_loop()
        limit = self.spec.deadline if deadline is None else deadline
        call = loop.run_in_executor(self._thread, self._call, method, arguments, limit)
        call.add_done_callback(_retrieve)
        return await asyncio.shield(call)

    async def close(self) -> None:
        """End the child at once, whatever it does; a call under way raises CHILD_DIED."""
        self._closing.set()
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        self._stop()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _call(self, method: str, arguments: dict[str, Any], limit: float) -> Any:
        try:
            sock = self._ensure_running()
        except OSError as error:  # no memory or no handles for another process
            failure = DeviceError(Fault.CHILD_DIED, f"{self.spec.name}: {error.strerror}")
            self._record_failure(failure)
            raise failure from None
        self._set(Health.BUSY)
        try:
            answer = self._exchange(sock, method, arguments, limit)
        except DeviceError as error:
            self._record_failure(error)
            raise
        self._failures = 0
        self._set(Health.READY)
        if "ok" in answer:
            return answer["ok"]
        told = DeviceError(**answer["error"])
        if told.code == Fault.CHILD_DEFECT:
            log.error("child %s: a defect in %s: %s", self.spec.name, method, told.detail)
        raise told

    def _exchange(
        self, sock: socket.socket, method: str, arguments: dict[str, Any], limit: float
    ) -> dict[str, Any]:
        end = time.monotonic() + limit
        call = {"method": method, "arguments": arguments, "options": dict(self.spec.options)}
        try:
            wire.send(sock, call, end)
            answer: dict[str, Any] = wire.receive(sock, end)
        except TimeoutError:
            raise DeviceError(Fault.CHILD_TIMEOUT, f"{self.spec.name}.{method}") from None
        except (OSError, EOFError, ValueError):
            raise DeviceError(Fault.CHILD_DIED, f"{self.spec.name}.{method}") from None
        return answer

    def _record_failure(self, error: DeviceError) -> None:
        self._stop()
        self._failures += 1
        self._failed_at = time.monotonic()
        self._set(Health.FAULT, error.code)
        log.warning("child %s failed (%s), %d in a row", self.spec.name, error, self._failures)

    def _ensure_running(self) -> socket.socket:
        with self._swap:
            process, sock = self._process, self._sock
        if sock and process and process.poll() is None:
            return sock
        self._stop()
        if self._closing.is_set():
            raise DeviceError(Fault.CHILD_DIED, f"{self.spec.name} is closed", retryable=False)
        since_failure = time.monotonic() - self._failed_at
        if self._failures >= _CIRCUIT_FAILURES and since_failure < _CIRCUIT_SECONDS:
            raise DeviceError(Fault.CHILD_CIRCUIT_OPEN, self.spec.name)
        if self._failures > 1:
            pause = _BACKOFF_FIRST * 2 ** min(self._failures, _CIRCUIT_FAILURES) - since_failure
            if self._closing.wait(max(0.0, pause)):
                raise DeviceError(Fault.CHILD_DIED, f"{self.spec.name} is closed", retryable=False)
        return self._start()

    def _start(self) -> socket.socket:
        self._set(Health.OPENING)
        ours, theirs = socket.socketpair()
        try:
            process = self._spawn(theirs)
        except BaseException:
            ours.close()
            raise
        with self._swap:
            self._process, self._sock = process, ours
        if self._closing.is_set():  # close() may have looked before there was anything to stop
            self._stop()
            raise DeviceError(Fault.CHILD_DIED, f"{self.spec.name} is closed", retryable=False)
        if self.spec.nice:
            os.setpriority(os.PRIO_PROCESS, process.pid, self.spec.nice)
        return ours

    def _spawn(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        with theirs:
            return subprocess.Popen(
                [sys.executable, "-m", "drivers.child", self.spec.target, str(theirs.fileno())],
                env={**os.environ, **self.spec.environment},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _stop(self) -> None:
        with self._swap:
            process, sock, self._process, self._sock = self._process, self._sock, None, None
        if process:
            # The whole group: Tesseract, for one, is a process of the child's own.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if sock:
            _hang_up(sock)
        if process:
            self._reap(process)

    def _reap(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL does not end a process that a driver of the kernel holds: nobody waits for it."""
        try:
            process.wait(_REAP_SECONDS)
        except subprocess.TimeoutExpired:
            log.error("child %s (%d) is held by the kernel", self.spec.name, process.pid)
            threading.Thread(target=process.wait, name="reaper", daemon=True).start()

    def _set(self, health: Health, code: str | None = None) -> None:
        self._status = Status(health, time.monotonic(), code)


def _hang_up(sock: socket.socket) -> None:
    """Closing alone would not wake a call that reads from it."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the child was quicker
    sock.close()


def _retrieve(call: asyncio.Future[Any]) -> None:
    """Mark a result as seen although its caller was cancelled."""
    if not call.cancelled():
        call.exception()

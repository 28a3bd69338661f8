"""A child that hangs, dies or misbehaves becomes a typed fault, and the next call works again."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from drivers import supervisor
from drivers.contract import DeviceError, Fault, Health
from drivers.supervisor import Child, ChildSpec
from drivers.wire import Blob


class Worker:
    """The child's side."""

    def __init__(self, greeting: str = "") -> None:
        self.greeting = greeting

    def greet(self, name: str) -> str:
        return f"{self.greeting} {name}"

    def reverse(self, data: Blob) -> Blob:
        return Blob.of(data.read()[::-1])

    def hang(self) -> None:
        signal.pause()

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    def trickle(self) -> None:
        """An answer whose end is near, and never comes."""
        line = int(sys.argv[2])
        for byte in struct.pack(">II", 1000, 0) + bytes(1000):
            os.write(line, bytes([byte]))
            time.sleep(0.1)

    def jam(self) -> None:
        raise DeviceError(Fault.SCANNER_JAM, "page 2", paper_inside=True)

    def blunder(self) -> None:
        raise KeyError("Nguyễn Thị Bịa Đặt")

    def process_id(self) -> int:
        return os.getpid()


def run(story: Callable[[Child], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        child = Child(ChildSpec("test", f"{__name__}:Worker", {"greeting": "Chào"}))
        try:
            return await story(child)
        finally:
            await child.close()

    return asyncio.run(main())


def test_answers_with_plain_values() -> None:
    assert run(lambda child: child.call("greet", name="Lan")) == "Chào Lan"


def test_bulk_data_travels_in_shared_memory() -> None:
    data = os.urandom(3_000_001)
    answer = run(lambda child: child.call("reverse", data=Blob.of(data)))
    assert answer.read() == data[::-1]


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("die", Fault.CHILD_DIED),
        ("hang", Fault.CHILD_TIMEOUT),
        ("trickle", Fault.CHILD_TIMEOUT),
    ],
)
def test_a_lost_child_is_replaced(method: str, code: Fault) -> None:
    async def story(child: Child) -> None:
        before = await child.call("process_id")
        with pytest.raises(DeviceError) as caught:
            await child.call(method, deadline=0.3)
        assert caught.value.code == code
        assert child.status().health is Health.FAULT
        assert await child.call("process_id") != before
        assert child.status().health is Health.READY

    run(story)


def test_coded_errors_keep_their_code_and_what_is_known_of_the_paper() -> None:
    with pytest.raises(DeviceError) as caught:
        run(lambda child: child.call("jam"))
    assert caught.value.code == Fault.SCANNER_JAM
    assert caught.value.paper_inside


def test_a_defect_in_the_child_is_logged_without_its_message_and_the_child_lives_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(child: Child) -> DeviceError:
        before = await child.call("process_id")
        with pytest.raises(DeviceError) as caught:
            await child.call("blunder")
        assert await child.call("process_id") == before
        return caught.value

    error: DeviceError = run(story)
    assert error.code == Fault.CHILD_DEFECT
    assert "KeyError at test_supervisor.py" in error.detail
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "blunder: KeyError at test_supervisor.py" in record.getMessage()
    assert "Nguyễn" not in f"{error} {record.getMessage()}"


def test_private_methods_cannot_be_called() -> None:
    with pytest.raises(DeviceError):
        run(lambda child: child.call("__init__", greeting="x"))


def test_the_circuit_opens_after_repeated_deaths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_BACKOFF_FIRST", 0.001)

    async def story(child: Child) -> str:
        for _ in range(supervisor._CIRCUIT_FAILURES):
            with pytest.raises(DeviceError):
                await child.call("die")
        with pytest.raises(DeviceError) as caught:
            await child.call("greet", name="Lan")
        return caught.value.code

    assert run(story) == Fault.CHILD_CIRCUIT_OPEN


def test_one_call_tries_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_BACKOFF_FIRST", 0.001)

    async def code_of(call: Awaitable[Any]) -> str:
        with pytest.raises(DeviceError) as caught:
            await call
        return caught.value.code

    async def story(child: Child) -> None:
        for _ in range(supervisor._CIRCUIT_FAILURES):
            await code_of(child.call("die"))
        monkeypatch.setattr(supervisor, "_CIRCUIT_SECONDS", 0.0)
        assert await code_of(child.call("die")) == Fault.CHILD_DIED
        monkeypatch.undo()
        # It failed: the circuit is open again at once, not after five more deaths.
        assert await code_of(child.call("greet", name="Lan")) == Fault.CHILD_CIRCUIT_OPEN
        monkeypatch.setattr(supervisor, "_CIRCUIT_SECONDS", 0.0)
        monkeypatch.setattr(supervisor, "_BACKOFF_FIRST", 0.001)
        assert await child.call("greet", name="Lan") == "Chào Lan"
        assert child.status().health is Health.READY

    run(story)


def test_a_child_that_cannot_be_started_is_a_typed_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")

    async def story(child: Child) -> None:
        with pytest.raises(DeviceError) as caught:
            await child.call("greet", name="Lan")
        assert caught.value.code == Fault.CHILD_DIED
        monkeypatch.undo()
        assert await child.call("greet", name="Lan") == "Chào Lan"

    run(story)


def test_a_cancelled_caller_leaves_the_child_usable() -> None:
    async def story(child: Child) -> str:
        waiting = asyncio.create_task(child.call("hang", deadline=0.5))
        await asyncio.sleep(0.2)
        waiting.cancel()
        answer: str = await child.call("greet", name="Lan")
        return answer

    assert run(story) == "Chào Lan"


def test_a_child_that_is_closed_while_it_starts_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    starting, go_on = threading.Event(), threading.Event()
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def slow(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        starting.set()
        go_on.wait()
        started.append(real(*arguments, **options))
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", slow)

    async def story(child: Child) -> str:
        call = asyncio.create_task(child.call("hang", deadline=60))
        await asyncio.to_thread(starting.wait)
        closing = asyncio.create_task(child.close())
        while not child._closing.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0)
        go_on.set()
        await asyncio.wait_for(closing, 20)
        assert started[0].returncode == -signal.SIGKILL
        with pytest.raises(DeviceError) as caught:
            await call
        return caught.value.code

    assert run(story) == Fault.CHILD_DIED


def test_a_process_that_does_not_die_holds_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As one in a driver of the kernel, which SIGKILL does not end."""
    monkeypatch.setattr(supervisor, "_REAP_SECONDS", 0.05)
    released = threading.Event()

    async def story(child: Child) -> None:
        held = await child.call("process_id")
        assert child._process
        end = child._process.wait

        def wait(timeout: float | None = None) -> int:
            if not released.wait(timeout):
                raise subprocess.TimeoutExpired("child", timeout or 0)
            return end()

        monkeypatch.setattr(child._process, "wait", wait)
        with pytest.raises(DeviceError) as caught:
            await asyncio.wait_for(child.call("hang", deadline=0.1), 10)
        assert caught.value.code == Fault.CHILD_TIMEOUT
        assert await child.call("process_id") != held
        assert f"child test ({held}) is held by the kernel" in caplog.text
        released.set()

    run(story)

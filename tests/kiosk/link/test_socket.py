"""The socket by itself: frames, callers, deadlines, and errors that carry codes and no data."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from certify.errors import CertifyError
from kiosk.failures import Fault, KioskError
from kiosk.link import frames, messages, server, verbs
from kiosk.link.client import LinkClient
from kiosk.link.clock import MOST_OFF, TRUSTED_SECONDS, ClockCheck
from kiosk.link.verbs import VERSION
from offline_queue.errors import Fault as QueueFault
from offline_queue.errors import QueueError

PERSON = messages.Identity(
    full_name="Nguyễn Thị Bịa",
    citizen_number="001099000001",
    birth_date=date(1990, 2, 3),
    level=2,
    photo=bytes(range(256)) * 1000,
)
BRIEF: verbs.Verb[Any, Any] = verbs.Verb("status", messages.Empty, messages.LinkStatus, 0.05)


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="link-") as folder:
        yield Path(folder) / "link.sock"


def serve(
    path: Path,
    handlers: dict[str, server.Handler],
    story: Callable[[LinkClient], Awaitable[Any]],
    users: frozenset[int] | None = None,
) -> Any:
    async def main() -> Any:
        allowed = frozenset({os.getuid()}) if users is None else users
        listening = await server.VerbServer(handlers, allowed).serve(server.bind(path))
        try:
            return await story(LinkClient(path))
        finally:
            listening.close()

    return asyncio.run(main())


async def identify(request: messages.IdentifyRequest) -> messages.Identity:
    assert request.payload == "token"
    return PERSON


async def hang(_: messages.Message) -> messages.Message:
    await asyncio.Event().wait()
    raise AssertionError


def raising(error: Exception) -> server.Handler:
    async def handler(_: messages.Message) -> messages.Message:
        raise error

    return handler


def test_a_person_arrives_as_sent(path: Path) -> None:
    request = messages.IdentifyRequest(payload="token")
    answer = serve(path, {"identify": identify}, lambda link: link.call(verbs.IDENTIFY, request))
    assert answer == PERSON


def test_calls_at_the_same_time_are_answered_each(path: Path) -> None:
    async def left(request: messages.LeaseRequest) -> messages.LeaseAnswer:
        await asyncio.sleep(0)
        return messages.LeaseAnswer(left=request.count)

    async def story(link: LinkClient) -> list[int]:
        requests = [messages.LeaseRequest(kind="dossier", count=count) for count in range(20)]
        answers = await asyncio.gather(*(link.call(verbs.LEASE, each) for each in requests))
        return [answer.left for answer in answers]

    assert serve(path, {"lease": left}, story) == list(range(20))


def test_a_link_that_is_not_running_is_absent(path: Path) -> None:
    with pytest.raises(KioskError) as caught:
        asyncio.run(LinkClient(path).call(verbs.STATUS, messages.Empty()))
    assert (caught.value.code, caught.value.retryable) == (Fault.LINK_ABSENT, True)
    server.bind(path).close()  # a socket that a dead process left behind
    with pytest.raises(KioskError) as caught:
        asyncio.run(LinkClient(path).call(verbs.STATUS, messages.Empty()))
    assert caught.value.code == Fault.LINK_ABSENT


def test_a_late_answer_is_a_timeout(path: Path) -> None:
    with pytest.raises(KioskError) as caught:
        serve(path, {"status": hang}, lambda link: link.call(BRIEF, messages.Empty()))
    assert (caught.value.code, caught.value.retryable) == (Fault.LINK_TIMEOUT, True)


def test_the_process_too_ends_what_takes_too_long(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(verbs.VERBS, "status", BRIEF)  # the client waits longer
    with pytest.raises(KioskError) as caught:
        serve(path, {"status": hang}, lambda link: link.call(verbs.STATUS, messages.Empty()))
    assert caught.value.code == Fault.LINK_TIMEOUT


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (KioskError(Fault.IDENTITY_LEVEL, "level 1"), Fault.IDENTITY_LEVEL, False),
        (QueueError(QueueFault.UNREACHABLE, retryable=True), Fault.LINK_OFFLINE, True),
        (QueueError(QueueFault.UNKNOWN, retryable=True), Fault.LINK_OFFLINE, True),
        (QueueError(QueueFault.DISK_FULL, retryable=True), QueueFault.DISK_FULL, True),
        (CertifyError("certify.lease-conflict"), "certify.lease-conflict", False),
    ],
)
def test_an_error_keeps_its_code(path: Path, error: Exception, code: str, retryable: bool) -> None:
    with pytest.raises(KioskError) as caught:
        serve(
            path, {"status": raising(error)}, lambda link: link.call(verbs.STATUS, messages.Empty())
        )
    assert (caught.value.code, caught.value.retryable) == (code, retryable)


def test_a_defect_tells_where_and_never_about_whom(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    defect = raising(RuntimeError(PERSON.full_name))
    with pytest.raises(KioskError) as caught:
        serve(path, {"status": defect}, lambda link: link.call(verbs.STATUS, messages.Empty()))
    assert caught.value.code == Fault.UNEXPECTED
    assert "RuntimeError" in caplog.text
    assert "test_socket.py" in caplog.text
    assert PERSON.full_name not in caplog.text + str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        {"v": VERSION, "verb": "format-disk", "request": {}},
        {"v": VERSION + 1, "verb": "status", "request": {}},
        {"v": VERSION, "verb": "status", "request": {"surplus": 1}},
        {"v": VERSION, "verb": "status", "request": None},
        {},
    ],
)
def test_a_call_that_is_not_in_the_contract_is_refused(path: Path, call: dict[str, Any]) -> None:
    async def story(_: LinkClient) -> dict[str, Any]:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(frames.encode(call))
        answer = await frames.read(reader)
        writer.close()
        return answer

    answer = serve(path, {"status": hang}, story)
    assert answer["error"]["code"] == Fault.UNEXPECTED


@pytest.mark.parametrize(
    "sent", [b"", b"\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1\xff", b"\0\0\0\1\1", b"\0\0\0\5\1"]
)
def test_nonsense_on_the_wire_ends_that_connection_alone(path: Path, sent: bytes) -> None:
    async def story(link: LinkClient) -> messages.Identity:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(sent)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        return await link.call(verbs.IDENTIFY, messages.IdentifyRequest(payload="token"))

    assert serve(path, {"identify": identify}, story) == PERSON


def test_nonsense_as_an_answer_is_no_link(path: Path) -> None:
    async def story(answer: bytes) -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await frames.read(reader)
            writer.write(answer)
            writer.close()

        listening = await asyncio.start_unix_server(talk, str(path))
        try:
            await LinkClient(path).call(verbs.STATUS, messages.Empty())
        finally:
            listening.close()

    for answer in (b"", b"\0\0\0\1\1", frames.encode({}), frames.encode({"ok": {"online": 7}})):
        path.unlink(missing_ok=True)
        with pytest.raises(KioskError) as caught:
            asyncio.run(story(answer))
        assert caught.value.code == Fault.LINK_ABSENT


def test_a_stranger_is_not_answered(path: Path) -> None:
    request = messages.IdentifyRequest(payload="token")
    with pytest.raises(KioskError) as caught:
        serve(
            path,
            {"identify": identify},
            lambda link: link.call(verbs.IDENTIFY, request),
            users=frozenset({os.getuid() + 1}),
        )
    assert caught.value.code == Fault.LINK_ABSENT


def test_who_may_call() -> None:
    assert server.allowed_users(()) == {0, os.getuid()}
    assert server.allowed_users(("daemon",)) == {0, os.getuid(), 1}
    with pytest.raises(KioskError, match="no-such-user"):
        server.allowed_users(("no-such-user",))


def test_a_clock_is_trusted_for_a_day_after_it_agreed() -> None:
    start, seconds = datetime(2026, 11, 24, tzinfo=UTC), [0.0]
    clock = ClockCheck(lambda: start + timedelta(seconds=seconds[0]), lambda: seconds[0])
    wall = start
    assert not clock.trusted
    clock.compare(None)
    assert not clock.trusted
    clock.compare(wall + MOST_OFF)
    assert clock.trusted
    seconds[0] = TRUSTED_SECONDS
    assert clock.trusted
    seconds[0] += 1
    assert not clock.trusted
    wall = start + timedelta(seconds=seconds[0])
    clock.compare(wall)
    assert clock.trusted
    clock.compare(wall - MOST_OFF - timedelta(seconds=1))
    assert not clock.trusted


@pytest.mark.parametrize("jump", [timedelta(days=3650), -timedelta(days=3650), 2 * MOST_OFF])
def test_a_clock_that_was_set_is_not_trusted_until_it_agrees_again(jump: timedelta) -> None:
    wall = [datetime(2026, 11, 24, tzinfo=UTC)]
    clock = ClockCheck(lambda: wall[0], lambda: 0.0)
    clock.compare(wall[0])
    assert clock.trusted
    wall[0] += jump
    assert not clock.trusted
    clock.compare(wall[0])
    assert clock.trusted

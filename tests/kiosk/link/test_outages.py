"""Whatever the world does, a dossier waits whole, its state is told, and it goes out alone."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from kiosk.clock import local_now
from kiosk.link import handlers, messages, process, upkeep, verbs
from kiosk.link.client import LinkClient
from offline_queue.outbox import State
from tests.kiosk.link.office import Office, back, delivered, gone, nothing_waits, run
from tests.kiosk.link.place import until_answered

Outage = Callable[[Office, pytest.MonkeyPatch], AbstractContextManager[None]]


@contextmanager
def line_is(mode: Any, office: Office) -> Iterator[None]:
    office.line.set(mode)
    yield
    office.line.set("good")


def line(mode: str) -> Outage:
    return lambda office, _: line_is(mode, office)


@contextmanager
def without_names(office: Office, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """The resolver does not answer; connections that are open end."""
    portal, real = int(office.line.address.rpartition(":")[2]), socket.getaddrinfo

    def resolve(host: Any, port: Any, *rest: Any, **options: Any) -> Any:
        if port == portal:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real(host, port, *rest, **options)

    with patch.context() as names:
        names.setattr(socket, "getaddrinfo", resolve)
        office.line.set("good")
        yield


OUTAGES: dict[str, Outage] = {
    "cable out": line("cut"),
    "silence": line("silent"),
    "garbage": line("garbage"),
    "captive page": line("captive"),
    "500": line("broken"),
    "429": line("busy"),
    "no names": without_names,
}


@pytest.mark.parametrize("name", OUTAGES)
def test_a_dossier_outlives_every_outage(
    office: Office, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(process, "ASK_SECONDS", 0.3)
    monkeypatch.setattr(process, "UPLOAD_SECONDS", 0.5)

    async def story(link: LinkClient) -> None:
        with OUTAGES[name](office, monkeypatch):
            dossier = office.lock()
            submitted = await link.call(
                verbs.SUBMIT, messages.SubmitRequest(dossier_id=str(dossier))
            )
            assert submitted.state in ("locked", "sending", "unknown")
            await until_answered(lambda: gone(link))
            status = await link.call(verbs.STATUS, messages.Empty())
            assert (status.online, status.outbox_waiting) == (False, 1)
            assert held(office, dossier) in (State.LOCKED, State.SENDING, State.UNKNOWN)
            assert not await delivered(office)
        await until_answered(lambda: back(link))
        await until_answered(lambda: nothing_waits(link))
        assert await delivered(office)
        assert held(office, dossier) is State.ERASED

    run(office, story)


@pytest.mark.parametrize("years", [-30, 30])
def test_a_clock_that_jumps_by_years_loses_and_rejects_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch, years: int
) -> None:
    off = [timedelta(0)]

    def wrong() -> datetime:
        return local_now() + off[0]

    for module in (handlers, process, upkeep):
        monkeypatch.setattr(module, "local_now", wrong)

    async def clock_is(link: LinkClient, trusted: bool) -> bool:
        return (await link.call(verbs.STATUS, messages.Empty())).clock_trusted is trusted

    async def story(link: LinkClient) -> None:
        await until_answered(lambda: clock_is(link, trusted=True))
        office.line.set("cut")
        before = office.lock()
        off[0] = timedelta(days=365 * years)
        after = office.lock("H26.15-261124-0002")
        await until_answered(lambda: clock_is(link, trusted=False))
        assert {held(office, dossier) for dossier in (before, after)} <= {
            State.LOCKED,
            State.SENDING,
            State.UNKNOWN,
        }
        office.line.set("good")
        await until_answered(lambda: nothing_waits(link))
        assert {held(office, dossier) for dossier in (before, after)} == {State.ERASED}
        off[0] = timedelta(0)
        await until_answered(lambda: clock_is(link, trusted=True))

    run(office, story)


def held(office: Office, dossier: UUID) -> State:
    outbox = office.outbox()
    try:
        return outbox.get(dossier).state
    finally:
        outbox.close()

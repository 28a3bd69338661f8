"""The link process: enrolment, trust, numbers, its socket and its files."""

from __future__ import annotations

import asyncio
import itertools
import stat
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certify.numbers import NumberStore
from kiosk.clock import local_now
from kiosk.failures import Fault, KioskError
from kiosk.link import messages, process, verbs
from kiosk.link.client import LinkClient
from kiosk.link.upkeep import Upkeep
from offline_queue.outbox import State
from offline_queue.uploader import Uploader
from tests.kiosk.link.place import (
    Place,
    codes_left,
    refused,
    run,
    until,
    until_answered,
    until_ready,
)
from tests.offline_queue.invented import locked_dossier
from tests.offline_queue.small_portal import CODE


def test_a_first_start_enrols_and_fills_its_stock(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        await until_ready(client)
        trust = await client.call(verbs.TRUST, messages.Empty())
        assert trust.bundle == place.portal.files["trust-bundle"]
        assert trust.policy == place.portal.files["policy"]
        status = await client.call(verbs.STATUS, messages.Empty())
        assert (status.online, status.outbox_waiting, status.clock_trusted) == (True, 0, True)

    run(place, story)
    assert list(place.portal.devices) == ["kiosk-01"]
    numbers = NumberStore(place.settings.site.state / "numbers.db")
    now = local_now()
    assert numbers.left("dossier", now.year, now) == 100
    assert numbers.left("certificate", now.year, now) == 0
    numbers.close()
    link = place.settings.site.state / "link"
    assert stat.S_IMODE((link / "device.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(link.stat().st_mode) == 0o700


def test_a_second_start_is_the_same_kiosk_and_needs_no_portal(place: Place) -> None:
    run(place, until_ready)
    key = place.portal.devices["kiosk-01"]
    place.portal.close()

    async def story(client: LinkClient) -> None:
        trust = await client.call(verbs.TRUST, messages.Empty())
        assert trust.policy == place.portal.files["policy"]
        assert await codes_left(client) == 100
        status = await client.call(verbs.STATUS, messages.Empty())
        assert (status.online, status.clock_trusted) == (False, False)

    run(place, story)
    assert place.portal.devices["kiosk-01"] == key
    assert sum("POST /v1/devices" in call for call in place.portal.calls) == 1


def test_certificate_numbers_are_leased_only_where_the_policy_allows(place: Place) -> None:
    request = messages.LeaseRequest(kind="certificate", count=5)

    async def forbidden(client: LinkClient) -> None:
        await until_ready(client)
        assert (await client.call(verbs.LEASE, request)).left == 0

    async def allowed(client: LinkClient) -> None:
        async def filled() -> bool:
            return (await client.call(verbs.LEASE, request)).left == 50

        await until_answered(filled)

    run(place, forbidden)
    place.publish(serial=4, modes=("pre-check", "post-check"))
    run(place, allowed)


def test_a_large_demand_for_numbers_is_met(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        await until_ready(client)
        answer = await client.call(verbs.LEASE, messages.LeaseRequest(kind="dossier", count=260))
        assert answer.left == 260

    run(place, story)


@pytest.mark.parametrize("how", ["older", "forged", "garbage"])
def test_trust_is_never_downgraded(place: Place, how: str) -> None:
    run(place, until_ready)
    good = dict(place.portal.files)
    if how == "older":
        place.publish(serial=2)
    elif how == "forged":
        place.publish(serial=9, signer=ec.generate_private_key(ec.SECP256R1()))
    else:
        place.portal.files = {"trust-bundle": b"garbage", "policy": b"garbage"}
    asked = len(place.portal.calls)

    async def story(client: LinkClient) -> None:
        # It was asked for, refused, and asked for again.
        await until(lambda: place.portal.calls[asked:].count("GET /v1/trust-bundle") >= 2)
        trust = await client.call(verbs.TRUST, messages.Empty())
        assert {"trust-bundle": trust.bundle, "policy": trust.policy} == good

    run(place, story)


def test_a_stored_policy_that_was_changed_is_not_used(place: Place) -> None:
    run(place, until_ready)
    place.portal.close()
    (place.settings.site.state / "link" / "policy.cose").write_bytes(b"changed")

    async def story(client: LinkClient) -> None:
        with pytest.raises(KioskError) as caught:
            await client.call(verbs.TRUST, messages.Empty())
        assert refused(caught, Fault.LINK_OFFLINE)

    run(place, story)


def test_a_wrong_code_does_not_enrol_and_a_right_one_later_does(place: Place) -> None:
    (place.folder / "code").write_text("wrong")

    async def story(client: LinkClient) -> None:
        await until(lambda: sum("devices" in call for call in place.portal.calls) >= 2)
        outbox = place.outbox()
        with pytest.raises(Exception, match=r"queue\.not-enrolled"):
            locked_dossier(outbox)
        (place.folder / "code").write_text(CODE)
        await until_ready(client)
        locked_dossier(outbox)
        outbox.close()

    run(place, story)


def test_one_link_at_a_time(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        with pytest.raises(KioskError) as caught:
            await process.serve(place.settings, asyncio.Event())
        assert refused(caught, Fault.LINK_RUNNING)
        assert (await client.call(verbs.STATUS, messages.Empty())).outbox_waiting == 0

    run(place, story)


def test_the_socket_is_private_replaces_a_dead_one_and_goes_with_the_process(place: Place) -> None:
    socket = place.settings.link.socket
    socket.parent.mkdir()
    socket.touch()

    async def story(client: LinkClient) -> None:
        await until(socket.is_socket)
        assert stat.S_IMODE(socket.stat().st_mode) == 0o660

    run(place, story)
    assert not socket.exists()


def test_a_defect_in_either_loop_ends_neither(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for part, name in ((Upkeep, "look_after"), (Uploader, "step")):
        monkeypatch.setattr(part, name, once_broken(getattr(part, name)))

    async def story(client: LinkClient) -> None:
        await until_ready(client)
        outbox = place.outbox()
        dossier = locked_dossier(outbox)
        await until(lambda: outbox.get(dossier).state is State.ERASED)
        outbox.close()

    run(place, story)
    assert caplog.text.count("ZeroDivisionError at test_link.py") == 2
    assert "what a citizen wrote" not in caplog.text


def once_broken(call: Callable[[Any], bool]) -> Callable[[Any], bool]:
    times = itertools.count()

    def broken(self: Any) -> bool:
        if next(times) == 0:
            raise ZeroDivisionError("what a citizen wrote")
        return call(self)

    return broken


@pytest.mark.parametrize("file", [None, "missing.pem", "code"])
def test_without_a_trust_anchor_link_does_not_start(place: Place, file: str | None) -> None:
    link = place.settings.link.model_copy(
        update={"trust_anchor_file": file and place.folder / file}
    )
    settings = place.settings.model_copy(update={"link": link})
    with pytest.raises(KioskError) as caught:
        asyncio.run(process.serve(settings, asyncio.Event()))
    assert refused(caught, Fault.SETTINGS_INVALID)


def test_a_damaged_enrolment_or_key_is_told(place: Place) -> None:
    folder = place.settings.site.state / "link"
    folder.mkdir(parents=True)
    for name in ("enrolment.json", "device.key"):
        (folder / name).write_text("{}")
        with pytest.raises(KioskError, match=name):
            asyncio.run(process.serve(place.settings, asyncio.Event()))

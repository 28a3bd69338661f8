"""The link process as its client sees it, against a small portal and a small provider."""

from __future__ import annotations

import asyncio
import json
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certify import cose
from certify.numbers import NumberStore
from certify.trust import NamedPack, Policy, TrustBundle, sign_bundle, sign_policy
from kiosk.clock import local_now
from kiosk.failures import Fault, KioskError
from kiosk.link import process, verbs
from kiosk.link.client import LinkClient
from kiosk.settings import IdentitySettings, LinkSettings, Settings, Site
from offline_queue.intake import Problem
from offline_queue.outbox import Outbox, State
from offline_queue.signatures import public_pem
from tests.kiosk.link.small_vneid import CODE as PHONE_CODE
from tests.kiosk.link.small_vneid import SmallVneid
from tests.offline_queue.invented import locked_dossier
from tests.offline_queue.small_portal import CODE, SmallPortal

ISSUED, EXPIRES = datetime(2026, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)


class Place:
    """A kiosk's state folder, a portal, a provider and a trust anchor."""

    def __init__(self, folder: Path, portal: SmallPortal, provider: SmallVneid) -> None:
        self.folder = folder
        self.portal = portal
        self.provider = provider
        self.anchor = ec.generate_private_key(ec.SECP256R1())
        (folder / "anchor.pem").write_text(public_pem(self.anchor.public_key()))
        (folder / "code").write_text(f"{CODE}\n")
        self.settings = Settings(
            site=Site(environment="test", state=folder / "state"),
            identity=IdentitySettings(issuer=provider.address),
            link=LinkSettings(
                socket=folder / "run" / "link.sock",
                portal=portal.address,
                enrolment_code_file=folder / "code",
                trust_anchor_file=folder / "anchor.pem",
                poll_seconds=0.02,
            ),
        )
        self.publish(serial=3)

    def publish(
        self,
        serial: int,
        modes: tuple[str, ...] = ("pre-check",),
        signer: ec.EllipticCurvePrivateKey | None = None,
        packs: tuple[NamedPack, ...] = (),
    ) -> None:
        def sign(message: bytes) -> bytes:
            der = (signer or self.anchor).sign(message, ec.ECDSA(hashes.SHA256()))
            return b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))

        kid = cose.key_id(self.anchor.public_key())
        bundle = TrustBundle(
            serial=serial,
            issued=ISSUED,
            expires=EXPIRES,
            roots=(),
            seal_keys={},
            seal_host="seal.example",
        )
        policy = Policy(
            serial=serial,
            issued=ISSUED,
            expires=EXPIRES,
            modes=frozenset(modes),  # type: ignore[arg-type]
            thresholds={},
            post_check_papers=frozenset(),
            post_check_inspect_days=1,
            procedure_packs=packs,
        )
        self.portal.files = {
            "trust-bundle": sign_bundle(bundle, sign, kid),
            "policy": sign_policy(policy, sign, kid),
        }

    def outbox(self) -> Outbox:
        state = self.settings.site.state
        return Outbox(state / "outbox", machine_key=state / "machine.key")


@pytest.fixture
def place() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="link-"))  # short: a socket's path has 107 bytes at most
    with SmallPortal() as portal, SmallVneid() as provider:
        yield Place(folder, portal, provider)
    shutil.rmtree(folder)


@asynccontextmanager
async def running(place: Place) -> AsyncIterator[LinkClient]:
    stop = asyncio.Event()
    task = asyncio.create_task(process.serve(place.settings, stop))
    client = LinkClient(place.settings.link.socket)
    try:
        await until(lambda: place.settings.link.socket.exists() or task.done())
        yield client
    finally:
        stop.set()
        await task


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is awaited happens in threads
            await asyncio.sleep(0.005)


async def until_answered(call: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await call():  # noqa: ASYNC110 - what is awaited happens in threads
            await asyncio.sleep(0.005)


async def until_ready(client: LinkClient) -> None:
    """Enrolled, trust fetched, codes in stock."""

    async def ready() -> bool:
        return await codes_left(client) > 0

    await until_answered(ready)


async def codes_left(client: LinkClient) -> int:
    try:
        await client.call(verbs.TRUST, verbs.Empty())
    except KioskError:
        return 0
    request = verbs.LeaseRequest(kind="dossier", count=0)
    return (await client.call(verbs.LEASE, request)).left


def run(place: Place, story: Callable[[LinkClient], Awaitable[None]]) -> None:
    async def main() -> None:
        async with running(place) as client:
            await story(client)

    asyncio.run(main())


def refused(caught: pytest.ExceptionInfo[KioskError], code: Fault) -> bool:
    return caught.value.code == code


def test_a_first_start_enrols_and_fills_its_stock(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        await until_ready(client)
        trust = await client.call(verbs.TRUST, verbs.Empty())
        assert trust.bundle == place.portal.files["trust-bundle"]
        assert trust.policy == place.portal.files["policy"]
        status = await client.call(verbs.STATUS, verbs.Empty())
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
        trust = await client.call(verbs.TRUST, verbs.Empty())
        assert trust.policy == place.portal.files["policy"]
        assert await codes_left(client) == 100
        status = await client.call(verbs.STATUS, verbs.Empty())
        assert (status.online, status.clock_trusted) == (False, False)

    run(place, story)
    assert place.portal.devices["kiosk-01"] == key
    assert sum("POST /v1/devices" in call for call in place.portal.calls) == 1


def test_a_submitted_dossier_is_accepted_before_the_answer(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        await until_ready(client)
        outbox = place.outbox()
        dossier = locked_dossier(outbox)
        answer = await client.call(verbs.SUBMIT, verbs.SubmitRequest(dossier_id=str(dossier)))
        assert answer.state == "accepted"
        assert outbox.get(dossier).state is State.ERASED
        assert place.portal.accepted == [dossier]
        outbox.close()

    run(place, story)


def test_an_outage_is_told_at_once_and_the_dossier_follows_by_itself(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        await until_ready(client)
        outbox = place.outbox()
        place.portal.fault("PUT", *["500"] * 3)
        dossier = locked_dossier(outbox)
        answer = await client.call(verbs.SUBMIT, verbs.SubmitRequest(dossier_id=str(dossier)))
        assert answer.state in ("unknown", "accepted")  # the loop may have been faster thrice
        await until(lambda: outbox.get(dossier).state is State.ERASED)
        assert place.portal.held[dossier].commits == 1
        outbox.close()

    run(place, story)


def test_a_dossier_that_nobody_submits_is_sent_all_the_same(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        await until_ready(client)
        outbox = place.outbox()
        dossier = locked_dossier(outbox)
        await until(lambda: outbox.get(dossier).state is State.ERASED)
        outbox.close()

    run(place, story)


def test_submitting_what_is_not_there_is_told(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        for dossier, code in ((str(UUID(int=1)), "queue.not-found"), ("no id", Fault.UNEXPECTED)):
            with pytest.raises(KioskError) as caught:
                await client.call(verbs.SUBMIT, verbs.SubmitRequest(dossier_id=dossier))
            assert caught.value.code == code

    run(place, story)


def test_the_copy_is_waited_for_issued_or_refused(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        await until_ready(client)
        outbox = place.outbox()
        dossier = locked_dossier(outbox)
        request = verbs.CopyRequest(dossier_id=str(dossier))
        await client.call(verbs.SUBMIT, verbs.SubmitRequest(dossier_id=str(dossier)))
        held = place.portal.held[dossier]
        answer = await client.call(verbs.COPY, request)
        assert (answer.state, answer.processing, answer.pdf) == ("waiting", 1, None)
        held.processing = 9
        assert (await client.call(verbs.COPY, request)).state == "waiting"
        held.number, held.copy = "17", b"%PDF-1.7 copy"
        answer = await client.call(verbs.COPY, request)
        assert (answer.state, answer.number, answer.pdf) == ("issued", "17", b"%PDF-1.7 copy")
        held.processing = 10
        assert (await client.call(verbs.COPY, request)).state == "issued"
        for processing in (3, 8):
            held.processing, held.note = processing, "erased text on page 1"
            answer = await client.call(verbs.COPY, request)
            assert (answer.state, answer.pdf) == ("refused", None)
            assert answer.note == "erased text on page 1"
        outbox.close()

    run(place, story)


def test_a_copy_of_what_the_portal_does_not_know_is_waited_for(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        await until_ready(client)
        answer = await client.call(verbs.COPY, verbs.CopyRequest(dossier_id=str(UUID(int=1))))
        assert (answer.state, answer.processing) == ("waiting", None)

    run(place, story)


def test_a_phones_code_becomes_a_person_although_the_portal_is_down(place: Place) -> None:
    place.portal.close()
    place.provider.profile["photo"] = "/9j/4A=="

    async def story(client: LinkClient) -> None:
        request = verbs.IdentifyRequest(payload=PHONE_CODE)
        identity = await client.call(verbs.IDENTIFY, request)
        assert identity.citizen_number == "001099000001"
        assert identity.birth_date.year == 1990
        assert identity.photo == b"\xff\xd8\xff\xe0"
        with pytest.raises(KioskError) as caught:
            await client.call(verbs.IDENTIFY, request)
        assert refused(caught, Fault.IDENTITY_EXPIRED)

    run(place, story)


def test_without_network_what_needs_it_says_so(place: Place) -> None:
    place.portal.close()
    place.provider.close()

    async def story(client: LinkClient) -> None:
        calls: list[Awaitable[object]] = [
            client.call(verbs.IDENTIFY, verbs.IdentifyRequest(payload=PHONE_CODE)),
            client.call(verbs.COPY, verbs.CopyRequest(dossier_id=str(UUID(int=1)))),
            client.call(verbs.CALL_STAFF, verbs.StaffRequest(reason="help")),
            client.call(verbs.TRUST, verbs.Empty()),
        ]
        for call in calls:
            with pytest.raises(KioskError) as caught:
                await call
            assert refused(caught, Fault.LINK_OFFLINE)
            assert caught.value.retryable
        lease = await client.call(verbs.LEASE, verbs.LeaseRequest(kind="dossier", count=5))
        assert lease.left == 0

    run(place, story)


def test_staff_are_called(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        await until_ready(client)
        await client.call(verbs.CALL_STAFF, verbs.StaffRequest(reason="device.scanner.jam"))

    run(place, story)
    assert place.portal.staff_calls == ["device.scanner.jam"]


def test_certificate_numbers_are_leased_only_where_the_policy_allows(place: Place) -> None:
    request = verbs.LeaseRequest(kind="certificate", count=5)

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
        answer = await client.call(verbs.LEASE, verbs.LeaseRequest(kind="dossier", count=260))
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
        trust = await client.call(verbs.TRUST, verbs.Empty())
        assert {"trust-bundle": trust.bundle, "policy": trust.policy} == good

    run(place, story)


def test_a_stored_policy_that_was_changed_is_not_used(place: Place) -> None:
    run(place, until_ready)
    place.portal.close()
    (place.settings.site.state / "link" / "policy.cose").write_bytes(b"changed")

    async def story(client: LinkClient) -> None:
        with pytest.raises(KioskError) as caught:
            await client.call(verbs.TRUST, verbs.Empty())
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


def test_a_rejected_dossier_is_told(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        await until_ready(client)
        outbox = place.outbox()
        place.portal.fault("PUT", Problem.BAD_MANIFEST)
        dossier = locked_dossier(outbox)
        answer = await client.call(verbs.SUBMIT, verbs.SubmitRequest(dossier_id=str(dossier)))
        assert answer.state == "rejected"
        outbox.close()

    run(place, story)


def test_one_link_at_a_time(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        with pytest.raises(KioskError) as caught:
            await process.serve(place.settings, asyncio.Event())
        assert refused(caught, Fault.LINK_RUNNING)
        assert (await client.call(verbs.STATUS, verbs.Empty())).outbox_waiting == 0

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


class FleetPortal(SmallPortal):
    """Also takes heartbeats."""

    def __init__(self) -> None:
        super().__init__()
        self.beats: list[dict[str, Any]] = []

    def _route(self, method: str, path: list[str], body: bytes) -> tuple[int, str, bytes]:
        if (method, path) == ("POST", ["heartbeats"]):
            self.beats.append(json.loads(body))
            return 204, "", b""
        return super()._route(method, path, body)


def test_heartbeats_tell_how_the_kiosk_is() -> None:
    folder = Path(tempfile.mkdtemp(prefix="link-"))
    with FleetPortal() as portal, SmallVneid() as provider:
        place = Place(folder, portal, provider)

        async def story(client: LinkClient) -> None:
            await until(lambda: portal.beats)
            assert portal.beats[0].keys() == {
                "queue",
                "oldest_seconds",
                "devices",
                "version",
                "clock_trusted",
            }
            portal.fault("PUT", *["500"] * 1000)
            outbox = place.outbox()
            locked_dossier(outbox)
            outbox.close()
            devices = {"scanner": "device.scanner.jam", "camera": "ok"}
            assert (await client.call(verbs.REPORT, verbs.ReportRequest(devices=devices))).pushed
            beat = portal.beats[-1]
            assert (beat["queue"], beat["devices"], beat["clock_trusted"]) == (1, devices, True)
            assert 0 <= beat["oldest_seconds"] < 60
            told = len(portal.beats)
            await until(lambda: len(portal.beats) > told)  # link's own, with the same devices
            assert portal.beats[-1]["devices"] == devices

        run(place, story)
    shutil.rmtree(folder)

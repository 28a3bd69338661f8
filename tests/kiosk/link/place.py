"""A kiosk's state folder and whom its link speaks to, for tests in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certify import cose
from certify.trust import NamedPack, Policy, TrustBundle, sign_bundle, sign_policy
from kiosk.clock import local_now
from kiosk.failures import Fault, KioskError
from kiosk.link import messages, process, verbs
from kiosk.link.client import LinkClient
from kiosk.settings import IdentitySettings, LinkSettings, Settings, Site
from offline_queue.outbox import Outbox
from offline_queue.signatures import public_pem
from tests.kiosk.link.small_vneid import SmallVneid
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
        signer = signer or self.anchor
        self.portal.files = signed_trust(signer, self.anchor, serial, modes, packs)

    def outbox(self, clock: Callable[[], datetime] = local_now) -> Outbox:
        state = self.settings.site.state
        return Outbox(state / "outbox", machine_key=state / "machine.key", clock=clock)


def signed_trust(
    signer: ec.EllipticCurvePrivateKey,
    anchor: ec.EllipticCurvePrivateKey,
    serial: int,
    modes: tuple[str, ...] = ("pre-check",),
    packs: tuple[NamedPack, ...] = (),
) -> dict[str, bytes]:
    """Bundle and policy under the names in their addresses; they say that ``anchor`` signed."""

    def sign(message: bytes) -> bytes:
        der = signer.sign(message, ec.ECDSA(hashes.SHA256()))
        return b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))

    kid = cose.key_id(anchor.public_key())
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
    return {
        "trust-bundle": sign_bundle(bundle, sign, kid),
        "policy": sign_policy(policy, sign, kid),
    }


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
        await client.call(verbs.TRUST, messages.Empty())
    except KioskError:
        return 0
    request = messages.LeaseRequest(kind="dossier", count=0)
    return (await client.call(verbs.LEASE, request)).left


def run(place: Place, story: Callable[[LinkClient], Awaitable[None]]) -> None:
    async def main() -> None:
        async with running(place) as client:
            await story(client)

    asyncio.run(main())


def refused(caught: pytest.ExceptionInfo[KioskError], code: Fault) -> bool:
    return caught.value.code == code

"""An office for tests of link: the real portal and gateway behind lines that can be spoilt."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import uuid_utils

from certify.trust import NamedPack
from kiosk.clock import local_now
from kiosk.link import messages, process, verbs
from kiosk.link.client import LinkClient
from kiosk.portal import enrolment
from kiosk.portal.composition import Portal
from kiosk.portal.device_ca import DeviceCa
from kiosk.portal.trust import ANCHOR, BUNDLE, POLICY
from kiosk.sandbox.payments import PaymentSandbox
from kiosk.settings import (
    IdentitySettings,
    LinkSettings,
    PaymentSettings,
    Settings,
    Site,
)
from offline_queue.manifest import Applicant, Fee, Manifest, Paper, Part, WrappedKey
from offline_queue.outbox import Outbox
from tests.kiosk.link.place import Place, until, until_answered
from tests.kiosk.link.relay import Relay
from tests.kiosk.link.small_vneid import SmallVneid
from tests.kiosk.portal.line import APPLICANT, JPEG, TEXT, RunningPortal, settings_in
from tests.offline_queue.small_portal import SmallPortal

SECRET = "7K3M9QXT2B"
NUMBER = APPLICANT["citizen_number"]
NAMES = set(verbs.VERBS)


@dataclass
class Office:
    """A real portal behind a relay, a gateway behind another, and a kiosk's settings."""

    folder: Path
    portal: RunningPortal
    gateway: PaymentSandbox
    line: Relay
    pay_line: Relay
    provider: SmallVneid
    settings: Settings
    place: Place

    def publish(self, serial: int, packs: tuple[NamedPack, ...] = ()) -> None:
        """Bundle and policy, in the portal's trust folder."""
        self.place.publish(serial, packs=packs)
        trust_dir = self.portal.settings.trust_dir
        shutil.copy(self.folder / "anchor.pem", trust_dir / ANCHOR)
        for name, file in (("trust-bundle", BUNDLE), ("policy", POLICY)):
            (trust_dir / file).write_bytes(self.place.portal.files[name])

    @property
    def inside(self) -> Portal:
        found = self.portal._server._app.state.portal
        assert isinstance(found, Portal)
        return found

    @property
    def devices(self) -> DeviceCa:
        return self.inside.devices

    def fresh_code(self) -> None:
        code = enrolment.add_code(self.portal.settings.enrolment_codes_file, "kiosk-01")
        (self.folder / "code").write_text(code)

    def outbox(self) -> Outbox:
        state = self.settings.site.state
        return Outbox(state / "outbox", machine_key=state / "machine.key")

    def lock(self, code: str = "H26.15-261124-0001") -> UUID:
        """A dossier, locked as a session does it."""
        outbox, dossier = self.outbox(), UUID(str(uuid_utils.uuid7()))
        answers = {"applicant": APPLICANT, "answers": {"copies": 1}, "slip_secret": SECRET}
        outbox.new_draft(dossier, "2.000815")
        outbox.put_part(dossier, "answers.json", "application/json", json.dumps(answers).encode())
        outbox.put_part(dossier, "page-001.jpg", "image/jpeg", JPEG)
        outbox.put_part(dossier, "text.json", "application/json", json.dumps(TEXT).encode())

        def build(key: WrappedKey, parts: tuple[Part, ...]) -> Manifest:
            return Manifest(
                id=dossier,
                code=code,
                kiosk_id="kiosk-01",
                agency="H26.15",
                procedure="2.000815",
                procedure_version=1,
                mode="pre-check",
                applicants=(Applicant(grade="proven", method="vneid", face_match=True),),
                papers=(Paper(paper_class="diploma", pages=("page-001.jpg",)),),
                copies=1,
                fee=Fee(rule="tt226", amount=0, state="free"),
                locked_at=local_now(),
                clock_trusted=True,
                journal_head="00" * 32,
                key=key,
                parts=parts,
            )

        outbox.lock(dossier, build)
        outbox.close()
        return dossier


def short_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="link-"))  # a socket's path has 107 bytes at most


@contextmanager
def opened() -> Iterator[Office]:
    folder = short_folder()
    with PaymentSandbox() as gateway, SmallVneid() as provider:
        server = RunningPortal(settings_in(folder, message_gateway=f"{gateway.address}/messages"))
        place = Place(folder, SmallPortalLike(), provider)
        (folder / "notices.pem").write_text(gateway.notice_key)
        with Relay(server.address) as line, Relay(gateway.address) as pay_line:
            found = Office(
                folder,
                server,
                gateway,
                line,
                pay_line,
                provider,
                settings_of(folder, line, pay_line, provider),
                place,
            )
            found.publish(serial=3)
            found.fresh_code()
            yield found
        server.stop()
    shutil.rmtree(folder)


class SmallPortalLike(SmallPortal):
    """Only what Place needs: somewhere to publish signed files. It listens to nobody."""

    def __init__(self) -> None:
        self.files = {}
        self.address = ""


def settings_of(folder: Path, line: Relay, pay_line: Relay, provider: SmallVneid) -> Settings:
    return Settings(
        site=Site(environment="test", state=folder / "state"),
        identity=IdentitySettings(issuer=provider.address),
        payment=PaymentSettings(gateway=pay_line.address, notice_key_file=folder / "notices.pem"),
        link=LinkSettings(
            socket=folder / "link.sock",
            portal=line.address,
            enrolment_code_file=folder / "code",
            trust_anchor_file=folder / "anchor.pem",
            poll_seconds=0.02,
        ),
    )


@asynccontextmanager
async def running(office: Office) -> Any:
    stop = asyncio.Event()
    task = asyncio.create_task(process.serve(office.settings, stop))
    client = LinkClient(office.settings.link.socket)
    try:
        await until(lambda: office.settings.link.socket.exists() or task.done())
        yield client
    finally:
        stop.set()
        await task


def run(office: Office, story: Callable[[LinkClient], Awaitable[None]]) -> None:
    async def main() -> None:
        async with running(office) as client:
            await until_answered(lambda: in_stock(client))
            await story(client)

    asyncio.run(main())


async def in_stock(client: LinkClient) -> bool:
    answer = await client.call(verbs.LEASE, messages.LeaseRequest(kind="dossier", count=0))
    return answer.left > 0


async def standing_is(link: LinkClient, code: str) -> bool:
    return (await link.call(verbs.STATUS, messages.Empty())).standing == code


async def gone(link: LinkClient) -> bool:
    return not (await link.call(verbs.STATUS, messages.Empty())).online


async def back(link: LinkClient) -> bool:
    return (await link.call(verbs.STATUS, messages.Empty())).online


async def nothing_waits(link: LinkClient) -> bool:
    return (await link.call(verbs.STATUS, messages.Empty())).outbox_waiting == 0


async def delivered(office: Office) -> bool:
    found = await asyncio.to_thread(office.portal.desk, "GET", "/dossiers")
    return len(found.json()) == 1

"""Who this kiosk is, by mutual TLS against a real server, and which keys it has on a token."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from kiosk.clock import local_now
from kiosk.failures import Fault, KioskError
from kiosk.link import messages, process, verbs
from kiosk.link.certificate import Certificate, Request
from kiosk.link.client import LinkClient
from kiosk.link.device import device_key
from kiosk.link.payments import PaymentGateway
from kiosk.link.sessions import Pause, check_addresses, portal_session
from kiosk.link.token_key import TokenKey
from kiosk.portal import device_ca, enrolment
from kiosk.sandbox import token
from kiosk.settings import DeviceKeySettings, LinkSettings, PaymentSettings, Settings, Site
from offline_queue import signatures
from offline_queue.errors import QueueError
from tests.kiosk.link.gate import Authority, Gate
from tests.kiosk.link.office import (
    Office,
    SmallPortalLike,
    in_stock,
    run,
    short_folder,
    standing_is,
)
from tests.kiosk.link.place import Place, until, until_answered
from tests.kiosk.portal.line import settings_in

SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")


class Field(Office):
    """An office whose portal is met by mutual TLS. The gateway and the provider are not needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder, "server-ca")
        portal_settings = settings_in(folder)
        place = Place(folder, SmallPortalLike(), SmallVneidLike())  # type: ignore[arg-type]
        for name, data in place.portal.files.items():
            file = {"trust-bundle": "bundle.cose", "policy": "policy.cose"}[name]
            (folder / "trust" / file).write_bytes(data)
        self.gate = Gate(portal_settings, self.authority)
        self.portal_settings = portal_settings
        self.settings = Settings(
            site=Site(environment="production", state=folder / "state"),
            link=LinkSettings(
                socket=folder / "link.sock",
                portal=self.gate.address,
                enrolment_portal=self.gate.door,
                ca_file=self.authority.file,
                enrolment_code_file=folder / "code",
                trust_anchor_file=folder / "anchor.pem",
                poll_seconds=0.02,
            ),
        )
        self.fresh_code()

    @property
    def inside(self) -> Any:
        return self.gate.portal

    def fresh_code(self) -> None:
        code = enrolment.add_code(self.portal_settings.enrolment_codes_file, "kiosk-01")
        (self.folder / "code").write_text(code)

    @property
    def certificate(self) -> x509.Certificate:
        file = self.settings.site.state / "link" / "tls.pem"
        return x509.load_pem_x509_certificate(file.read_bytes())


class SmallVneidLike:
    address = "https://identity.example"


@pytest.fixture
def field() -> Iterator[Field]:
    folder = short_folder()
    found = Field(folder)
    yield found
    found.gate.close()
    shutil.rmtree(folder)


async def accepted(field: Field, link: LinkClient) -> None:
    dossier = field.lock()
    answer = await link.call(verbs.SUBMIT, messages.SubmitRequest(dossier_id=str(dossier)))
    assert answer.state == "accepted"


def begun(field: Field, story: Callable[[LinkClient], Awaitable[None]]) -> None:
    """As ``run``, for a link that will not get so far as to hold numbers."""

    async def main() -> None:
        stop = asyncio.Event()
        task = asyncio.create_task(process.serve(field.settings, stop))
        try:
            await until(lambda: field.settings.link.socket.exists() or task.done())
            await story(LinkClient(field.settings.link.socket))
        finally:
            stop.set()
            await task

    asyncio.run(main())


def test_enrolled_through_the_door_then_known_by_certificate(field: Field) -> None:
    async def story(link: LinkClient) -> None:
        await accepted(field, link)

    run(field, story)
    file = field.settings.site.state / "link" / "tls.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert field.certificate.subject.rfc4514_string() == "CN=kiosk-01"
    bare = portal_session(field.authority.file)
    with pytest.raises(requests.RequestException):
        bare.get(f"{field.gate.address}/v1/health", timeout=5)
    shown = portal_session(field.authority.file, file)
    assert shown.get(f"{field.gate.address}/v1/health", timeout=5).ok


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_only_the_configured_ca_is_believed(
    field: Field, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    other = Authority(field.folder, "other-ca")
    monkeypatch.setenv(variable, str(field.authority.file))  # what a system may trust
    with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        portal_session(other.file).get(f"{field.gate.door}/v1/health", timeout=5)
    monkeypatch.setenv(variable, str(other.file))
    assert portal_session(field.authority.file).get(f"{field.gate.door}/v1/health", timeout=5).ok


def test_a_portal_of_another_ca_gets_nothing(field: Field) -> None:
    other = Authority(field.folder, "other-ca")
    link = field.settings.link.model_copy(update={"ca_file": other.file})
    field.settings = field.settings.model_copy(update={"link": link})

    async def story(link: LinkClient) -> None:
        with pytest.raises(KioskError) as caught:
            await link.call(verbs.CALL_STAFF, messages.StaffRequest(reason="help"))
        assert caught.value.code == Fault.LINK_OFFLINE
        assert not (await link.call(verbs.STATUS, messages.Empty())).online

    begun(field, story)
    assert field.inside.store.public_key("kiosk-01") is None


def test_a_certificate_is_renewed_before_it_ends(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_ca, "LIFE", timedelta(hours=6))  # a third of 30 hours: due at once

    async def story(link: LinkClient) -> None:
        first = field.certificate.serial_number
        monkeypatch.setattr(device_ca, "LIFE", timedelta(days=30))
        await until(lambda: field.certificate.serial_number != first)
        assert field.certificate.not_valid_after_utc - local_now() > timedelta(days=29)
        await accepted(field, link)

    run(field, story)


def test_an_expired_certificate_is_told_and_a_fresh_code_mends_it(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_ca, "LIFE", -timedelta(hours=1))

    async def story(link: LinkClient) -> None:
        await until_answered(lambda: standing_is(link, Fault.LINK_EXPIRED))
        with pytest.raises(KioskError) as caught:
            await link.call(verbs.CALL_STAFF, messages.StaffRequest(reason="help"))
        assert caught.value.code == Fault.LINK_EXPIRED
        dossier = field.lock()  # taken in all the same
        monkeypatch.setattr(device_ca, "LIFE", timedelta(days=30))
        field.fresh_code()
        await until_answered(lambda: standing_is(link, ""))
        await until_answered(lambda: in_stock(link))
        answer = await link.call(verbs.SUBMIT, messages.SubmitRequest(dossier_id=str(dossier)))
        assert answer.state == "accepted"

    begun(field, story)


def test_a_revoked_certificate_is_told_and_a_fresh_code_mends_it(field: Field) -> None:
    async def story(link: LinkClient) -> None:
        field.devices.revoke("kiosk-01")
        await asyncio.to_thread(field.gate.read_revocations)
        await until_answered(lambda: standing_is(link, Fault.LINK_REVOKED))
        file = field.settings.site.state / "link" / "tls.pem"
        with pytest.raises(requests.RequestException):  # the proxy shuts the door by itself
            await asyncio.to_thread(
                portal_session(field.authority.file, file).get,
                f"{field.gate.address}/v1/health",
                timeout=5,
            )
        field.fresh_code()
        await until_answered(lambda: standing_is(link, ""))
        await accepted(field, link)

    run(field, story)


# Settings


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("link", "portal"),
        ("link", "enrolment_portal"),
        ("identity", "issuer"),
        ("payment", "gateway"),
    ],
)
def test_production_refuses_http(tmp_path: Path, section: str, key: str) -> None:
    ca = tmp_path / "ca.pem"
    ca.touch()
    good = Settings(link=LinkSettings(portal="https://portal.example", ca_file=ca))
    check_addresses(good)
    part = getattr(good, section).model_copy(update={key: "http://127.0.0.1:1"})
    plain = good.model_copy(update={section: part})
    with pytest.raises(KioskError, match=rf"settings\.invalid: {section}\.{key}"):
        check_addresses(plain)
    site = Site(environment="test")
    check_addresses(plain.model_copy(update={"site": site}))


@pytest.mark.parametrize("environment", ["production", "test"])
def test_https_needs_the_ca(tmp_path: Path, environment: Any) -> None:
    for file in (None, tmp_path / "missing.pem"):
        settings = Settings(
            site=Site(environment=environment),
            link=LinkSettings(portal="https://portal.example", ca_file=file),
        )
        with pytest.raises(KioskError, match=r"link\.ca_file"):
            check_addresses(settings)


def test_a_gateway_without_its_key_is_refused() -> None:
    with pytest.raises(KioskError, match="notice_key_file"):
        PaymentGateway(PaymentSettings(gateway="https://pay.example"))


def test_the_portal_may_ask_for_silence_in_seconds_only() -> None:
    now = 100.0
    pause = Pause(lambda: now)
    for text in ("", "soon", "-5", "Wed, 21 Oct 2026 07:28:00 GMT", "²"):
        pause.told(text)
    assert pause.left == 0
    pause.told("7")
    pause.told("3")
    assert pause.left == 7
    pause.told("86400")
    assert pause.left == 300
    now = 400.0
    assert pause.left == 0


def test_a_certificate_for_another_key_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(QueueError):
        Request("kiosk-01").with_certificate("nonsense")
    held = Certificate(tmp_path / "tls.pem")
    held.file.write_text("damaged")
    assert not held.expired(local_now())
    assert not held.due(local_now())


# Keys on a token


@pytest.fixture
def on_token(tmp_path: Path) -> DeviceKeySettings:
    (tmp_path / "tokens").mkdir()
    configuration = tmp_path / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tmp_path / 'tokens'}\nlog.level = ERROR\n")
    token.fill(SOFTHSM, configuration, "kiosk-device", "1234-5678", {})
    pin = tmp_path / "pin"
    pin.write_text("1234-5678\n")
    return DeviceKeySettings(
        module=SOFTHSM,
        token="kiosk-device",
        pin_file=pin,
        environment={"SOFTHSM2_CONF": str(configuration)},
    )


def test_a_key_on_a_token_signs_and_stays(on_token: DeviceKeySettings, tmp_path: Path) -> None:
    publics = []
    for _ in range(2):  # the second start finds the key of the first
        key = device_key(tmp_path / "device.key", on_token)
        assert isinstance(key, TokenKey)
        signature = signatures.sign(key, signatures.MANIFEST, b"statement")
        assert signatures.verify(key.public_key(), signatures.MANIFEST, b"statement", signature)
        assert not signatures.verify(key.public_key(), signatures.REQUEST, b"statement", signature)
        publics.append(signatures.public_pem(key.public_key()))
        with pytest.raises(TypeError):
            key.private_bytes()
        with pytest.raises(TypeError):
            key.sign(b"", ec.ECDSA(hashes.SHA512()))
        key.close()
    assert publics[0] == publics[1]
    assert not (tmp_path / "device.key").exists()


@pytest.mark.parametrize("change", [{"token": "another"}, {"pin_file": None}])
def test_a_token_that_cannot_be_used_is_told(
    on_token: DeviceKeySettings, tmp_path: Path, change: dict[str, Any]
) -> None:
    with pytest.raises(KioskError, match="device_key"):
        device_key(tmp_path / "device.key", on_token.model_copy(update=change))


def test_a_token_that_dies_is_a_silent_moment(on_token: DeviceKeySettings, tmp_path: Path) -> None:
    key = device_key(tmp_path / "device.key", on_token)
    assert isinstance(key, TokenKey)
    assert key._child.pid is not None
    os.kill(key._child.pid, signal.SIGKILL)
    signature = b""
    for _ in range(2):  # the call that finds it dead may fail, the next one gets a fresh child
        try:
            signature = signatures.sign(key, signatures.REQUEST, b"statement")
        except QueueError as error:
            assert error.retryable  # noqa: PT017 - either may happen
    assert signatures.verify(key.public_key(), signatures.REQUEST, b"statement", signature)
    key.close()


def test_a_dossier_signed_on_a_token_is_accepted(field: Field, on_token: DeviceKeySettings) -> None:
    field.settings = field.settings.model_copy(update={"device_key": on_token})

    async def story(link: LinkClient) -> None:
        await accepted(field, link)

    run(field, story)
    assert not (field.settings.site.state / "link" / "device.key").exists()

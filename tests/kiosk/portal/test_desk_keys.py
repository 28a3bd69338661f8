"""The desk's keys: on a token, at a signing service, in a developer's file; and what stops it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from certify.developer_key import DeveloperSigner
from certify.errors import CertifyError, Fault
from certify.remote import RemoteSigner
from kiosk.portal.desk import Desk
from kiosk.portal.desk_client import DeskClient
from kiosk.portal.desk_keys import open_keys
from kiosk.portal.errors import PortalError
from kiosk.portal.settings import DeskSettings, RemoteSettings
from kiosk.sandbox import signing_service
from kiosk.sandbox.signing_service import Holder, SigningSandbox
from tests.kiosk.portal.line import RunningPortal, TestKiosk
from tests.kiosk.portal.soft_signers import SoftAuthority, contents_of, drawn_page


@pytest.fixture
def authority(portal: RunningPortal) -> SoftAuthority:
    return SoftAuthority(portal.settings)


@pytest.fixture
def service(authority: SoftAuthority) -> Iterator[SigningSandbox]:
    officer = authority.officer
    with SigningSandbox({"lan": Holder(officer.key, [officer.certificate.dump()])}) as sandbox:
        yield sandbox


@pytest.fixture
def client(portal: RunningPortal, authority: SoftAuthority) -> Iterator[DeskClient]:
    with DeskClient(portal.address, portal.desk_secret(authority.officer.fingerprint)) as client:
        yield client


def settings(folder: Path, service: SigningSandbox, *, pin: str, **changes: Any) -> DeskSettings:
    for name, secret in (("pin", pin), ("client", signing_service.CLIENT_SECRET)):
        (folder / name).write_text(secret)
    remote = RemoteSettings(
        url=service.address,
        officer="lan",
        pin_file=folder / "pin",
        token_url=f"{service.address}/oauth2/token",
        client_id=signing_service.CLIENT,
        client_secret_file=folder / "client",
    )
    values: dict[str, Any] = {"portal": "http://x", "token_file": folder / "t", "remote": remote}
    return DeskSettings(environment="test", **values | changes)


def approved(kiosk: TestKiosk, client: DeskClient, code: str) -> None:
    dossier = kiosk.dossier(contents=contents_of(drawn_page()), code=code)
    dossier.send()
    client.approve(str(dossier.id), "at-the-desk")


def remote_desk(
    client: DeskClient, authority: SoftAuthority, folder: Path, service: SigningSandbox, pin: str
) -> Desk:
    keys = folder / "keys"
    keys.mkdir()
    for role in ("agency", "seal"):
        (keys / f"{role}.p12").write_bytes(authority.pkcs12(role, "a developer's"))
    (folder / "passphrase").write_text("a developer's")
    opened = open_keys(
        settings(folder, service, pin=pin, developer_keys=keys, pin_file=folder / "passphrase")
    )
    assert isinstance(opened.officer, RemoteSigner)
    assert isinstance(opened.seal, DeveloperSigner)
    return Desk(client, officer=opened.officer, agency=opened.agency, seal=opened.seal)


def test_an_officer_whose_key_is_at_a_service(
    kiosk: TestKiosk,
    client: DeskClient,
    authority: SoftAuthority,
    service: SigningSandbox,
    tmp_path: Path,
) -> None:
    desk = remote_desk(client, authority, tmp_path, service, "13572468")
    desk.require_own()
    approved(kiosk, client, "H26.15-261124-0001")
    assert desk.sign_approved() == 1


def test_a_wrong_pin_ends_the_desk_before_the_key_is_locked(
    kiosk: TestKiosk,
    client: DeskClient,
    authority: SoftAuthority,
    service: SigningSandbox,
    tmp_path: Path,
) -> None:
    desk = remote_desk(client, authority, tmp_path, service, "00000000")
    for number in range(1, 5):
        approved(kiosk, client, f"H26.15-261124-000{number}")
    for _ in range(3):
        with pytest.raises(CertifyError) as caught:
            desk.sign_approved()
        assert caught.value.code == Fault.SIGNER_REFUSED
    assert service.service.calls.count("credentials/authorize") == 1


def test_a_service_that_is_down_is_asked_again(
    kiosk: TestKiosk,
    client: DeskClient,
    authority: SoftAuthority,
    service: SigningSandbox,
    tmp_path: Path,
) -> None:
    desk = remote_desk(client, authority, tmp_path, service, "13572468")
    approved(kiosk, client, "H26.15-261124-0001")
    service.service.faults.down = True
    with pytest.raises(CertifyError) as caught:
        desk.sign_approved()
    assert (caught.value.code, caught.value.retryable) == (Fault.SIGNER_UNREACHABLE, True)
    service.service.faults.down = False
    assert desk.sign_approved() == 1


def test_a_key_that_is_nowhere_is_a_mistake_in_the_settings(
    service: SigningSandbox, tmp_path: Path
) -> None:
    with pytest.raises(PortalError, match="key of agency"):
        open_keys(settings(tmp_path, service, pin="13572468"))

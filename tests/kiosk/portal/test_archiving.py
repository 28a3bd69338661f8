"""Copies reach the archive level by themselves, and outlive the certificates of their signers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec

from certify import cose, trust
from certify.copyfile import open_reader, read_copy
from certify.errors import Fault
from certify.issue import issue_post_check
from certify.pages import SourcePage
from certify.verify import State, verify
from kiosk.commands.servers import portal as portal_command
from kiosk.portal import archiving
from kiosk.portal.accounts import Role
from kiosk.portal.archiving import Worker, lift_at
from kiosk.portal.desk import Desk
from kiosk.portal.desk_client import DeskClient
from kiosk.portal.settings import ArchiveSettings
from kiosk.portal.times import now
from kiosk.portal.trust import read_bundle
from offline_queue.signatures import public_pem
from tests.certify import archive_pki, specimens
from tests.certify.archive_pki import Authority
from tests.kiosk.portal.backends import Storage
from tests.kiosk.portal.line import RunningPortal, TestDossier, TestKiosk, settings_in
from tests.kiosk.portal.people import logged_in
from tests.kiosk.portal.soft_signers import contents_of, drawn_page, post_check, post_check_facts

YEARS_LATER = datetime.now(UTC) + timedelta(days=1000)
SEAL, KIOSK_SEAL = (specimens.stranger(name, name) for name in ("seal", "kiosk seal"))


@pytest.fixture(scope="module")
def answering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with archive_pki.running(tmp_path_factory.mktemp("archive")) as running:
        yield running


@pytest.fixture
def portal(
    tmp_path: Path, storage: Storage, stopping: list[RunningPortal], answering: Authority
) -> Iterator[RunningPortal]:
    names = {"agency": specimens.AGENCY, "officer": specimens.OFFICER}
    archive = ArchiveSettings(tsa_url=answering.tsa_url)
    running = RunningPortal(settings_in(tmp_path, **storage.settings, **names, archive=archive))
    publish(running, answering)
    yield running
    running.tell_to_stop()
    stopping.append(running)


def publish(portal: RunningPortal, answering: Authority) -> None:
    keys = {each.key_id: each.private.public_key() for each in (SEAL, KIOSK_SEAL)}
    bundle = trust.TrustBundle(
        serial=1,
        issued=datetime.now(UTC),
        expires=YEARS_LATER + timedelta(days=1),
        roots=(answering.root,),
        seal_keys={
            key_id: key
            for key_id, key in keys.items()
            if isinstance(key, ec.EllipticCurvePublicKey)
        },
        seal_host=portal.settings.seal_host,
        leases={KIOSK_SEAL.key_id: YEARS_LATER},
    )
    anchor = ec.generate_private_key(ec.SECP256R1())
    sign, kid = cose.software_signer(anchor), cose.key_id(anchor.public_key())
    (portal.settings.trust_dir / "anchor.pem").write_text(public_pem(anchor.public_key()))
    (portal.settings.trust_dir / "bundle.cose").write_bytes(trust.sign_bundle(bundle, sign, kid))


@pytest.fixture
def client(portal: RunningPortal, answering: Authority) -> Iterator[DeskClient]:
    certificate = sha256(answering.signers["officer"].certificate.dump()).hexdigest()
    with DeskClient(portal.address, portal.desk_secret(certificate)) as client:
        yield client


@pytest.fixture
def desk(client: DeskClient, answering: Authority) -> Desk:
    signers = answering.signers
    return Desk(client, officer=signers["officer"], agency=signers["agency"], seal=SEAL)


def worker(portal: RunningPortal, tsa_url: str) -> Worker:
    inside = portal.inside
    archives, folder = inside.offices.archives, portal.settings.trust_dir
    return Worker(inside.store, inside.vault, archives, folder, lift_at(tsa_url))


def issued(kiosk: TestKiosk, client: DeskClient, desk: Desk) -> TestDossier:
    dossier = kiosk.dossier(contents=contents_of(drawn_page()))
    dossier.send()
    client.approve(str(dossier.id), "at-the-desk")
    assert desk.sign_approved() == 1
    return dossier


def copy_of(kiosk: TestKiosk, dossier: TestDossier) -> bytes:
    return kiosk.call("GET", f"{dossier.path}/copy").content


def seal_page(portal: RunningPortal, pdf: bytes) -> str:
    reader = open_reader(pdf)
    assert reader is not None
    body = read_copy(reader).seal.partition("/V/")[2]
    return requests.get(f"{portal.address}/V/{body}", timeout=10).text


def test_a_copy_is_lifted_and_holds_when_its_signers_certificates_have_expired(
    portal: RunningPortal, kiosk: TestKiosk, client: DeskClient, desk: Desk
) -> None:
    dossier = issued(kiosk, client, desk)
    before = copy_of(kiosk, dossier)
    bundle = read_bundle(portal.settings.trust_dir)
    assert verify(before, bundle, at=YEARS_LATER).code == "copy.signer-expired"
    assert "dấu thời gian" not in seal_page(portal, before)
    tsa_url = portal.settings.archive.tsa_url if portal.settings.archive else ""
    assert worker(portal, tsa_url).work() == 1
    after = copy_of(kiosk, dossier)
    assert after.startswith(before)
    later = verify(after, bundle, at=YEARS_LATER)
    assert (later.state, later.level) == (State.OFFICER_AND_AGENCY, "B-LTA"), later.evidence
    assert worker(portal, tsa_url).work() == 0
    assert "dấu thời gian" in seal_page(portal, before)  # whoever holds the paper


def test_what_does_not_answer_is_asked_again_later(
    portal: RunningPortal,
    kiosk: TestKiosk,
    client: DeskClient,
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dossier = issued(kiosk, client, desk)
    before = copy_of(kiosk, dossier)
    assert portal.settings.archive is not None
    tsa_url = portal.settings.archive.tsa_url
    nowhere = worker(portal, tsa_url.replace("/tsa/tsa", "/tsa/none"))
    assert (nowhere.work(), nowhere.failed) == (0, 1)
    assert copy_of(kiosk, dossier) == before
    line = portal.inside.offices.archives.of(str(dossier.id))
    assert line is not None
    assert (line.fault, line.lifted_at) == (str(Fault.ARCHIVE_UNAVAILABLE), None)
    with logged_in(portal, "lan", Role.OFFICER) as browser:
        page = browser.get(f"{portal.address}/desk/{dossier.id}", timeout=10).text
        assert "Chờ dấu thời gian, thử lại" in page
    again = worker(portal, tsa_url)
    assert again.work() == 0  # not at once
    later = now() + timedelta(minutes=1, seconds=1)
    monkeypatch.setattr(archiving, "now", lambda: later)
    assert again.work() == 1


@dataclass(frozen=True)
class AtTheKiosk:
    """Issues copies there, with certificates that this authority answers for."""

    portal: RunningPortal
    answering: Authority

    def post_check_copy(self, page: SourcePage, **changes: Any) -> bytes:
        settings = self.portal.settings
        facts = post_check_facts(settings, **changes)
        agency, host = self.answering.signers["agency"], settings.seal_host
        return issue_post_check([page], facts, agency=agency, seal=KIOSK_SEAL, seal_host=host).pdf


def test_a_copy_is_lifted_before_its_inspection_and_after_it(
    portal: RunningPortal,
    kiosk: TestKiosk,
    client: DeskClient,
    desk: Desk,
    answering: Authority,
) -> None:
    dossier = post_check(kiosk, AtTheKiosk(portal, answering))
    lifting = worker(portal, answering.tsa_url)
    assert lifting.work() == 1
    client.inspect(str(dossier.id), "at-the-desk")
    assert lifting.work() == 0
    assert desk.sign_approved() == 1
    signed = copy_of(kiosk, dossier)
    bundle = read_bundle(portal.settings.trust_dir)
    assert verify(signed, bundle).state == State.OFFICER_AND_AGENCY
    assert lifting.work() == 1
    after = copy_of(kiosk, dossier)
    assert after.startswith(signed)
    later = verify(after, bundle, at=YEARS_LATER)
    assert (later.state, later.level) == (State.OFFICER_AND_AGENCY, "B-LTA"), later.evidence


def test_what_is_being_signed_or_was_revoked_is_left_alone(
    portal: RunningPortal, kiosk: TestKiosk, client: DeskClient, answering: Authority
) -> None:
    dossier = post_check(kiosk, AtTheKiosk(portal, answering))
    before = copy_of(kiosk, dossier)

    def inspected_meanwhile(pdf: bytes, roots: tuple[bytes, ...]) -> bytes:
        client.inspect(str(dossier.id), "at-the-desk")
        return lift_at(answering.tsa_url)(pdf, roots)

    inside = portal.inside
    archives, folder = inside.offices.archives, portal.settings.trust_dir
    lifting = Worker(inside.store, inside.vault, archives, folder, inspected_meanwhile)
    assert (lifting.work(), lifting.failed) == (0, 0)
    assert copy_of(kiosk, dossier) == before
    inside.inspections.revoke(str(dossier.id), "Bản sao không đúng với bản chính", "Ai đó")
    assert archives.take() is None


def test_a_lift_that_is_no_addition_is_not_kept(
    portal: RunningPortal, kiosk: TestKiosk, answering: Authority
) -> None:
    dossier = post_check(kiosk, AtTheKiosk(portal, answering))
    before = copy_of(kiosk, dossier)
    inside = portal.inside
    archives, folder = inside.offices.archives, portal.settings.trust_dir
    idle = Worker(inside.store, inside.vault, archives, folder, lambda pdf, _: pdf)
    assert (idle.work(), idle.failed) == (0, 1)
    line = archives.of(str(dossier.id))
    assert line is not None
    assert (line.fault, copy_of(kiosk, dossier)) == ("copy.not-lifted", before)


def test_the_command_lifts_what_waits(tmp_path: Path, answering: Authority) -> None:
    portal = RunningPortal(settings_in(tmp_path, agency=specimens.AGENCY))
    try:
        publish(portal, answering)
        kiosk = TestKiosk(portal, "kiosk-01")
        kiosk.enrol()
        dossier = post_check(kiosk, AtTheKiosk(portal, answering))
        file = tmp_path / "portal.toml"
        file.write_text(
            f'state = "portal"\nofficer = "{portal.settings.officer}"\ntrust_dir = "trust"\n'
            f'agency = "{specimens.AGENCY}"\nseal_host = "{portal.settings.seal_host}"\n'
            'enrolment_codes_file = "codes"\n'
        )
        command = ["archive", "--once", "--settings", str(file)]
        assert "no table [archive]" in CliRunner().invoke(portal_command, command).output
        with file.open("a") as more:
            more.write(f'[archive]\ntsa_url = "{answering.tsa_url}"\n')
        assert "1 lifted, 0 failed" in CliRunner().invoke(portal_command, command).output
        bundle = read_bundle(portal.settings.trust_dir)
        assert verify(copy_of(kiosk, dossier), bundle).level == "B-LTA"
    finally:
        portal.stop()

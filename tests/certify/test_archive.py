"""Archive level: a copy that still holds when all its signers' certificates have expired."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import pem
from cryptography.hazmat.primitives.asymmetric import ec

from certify import cose
from certify.archive import lift
from certify.errors import CertifyError, Fault
from certify.issue import Issued, issue_pre_check
from certify.trust import TrustBundle
from certify.verify import State, verify
from tests.certify import archive_pki, specimens
from tests.certify.archive_pki import Authority
from tests.certify.forgery import code
from tests.certify.pdfa import broken_rules

YEARS_LATER = datetime.now(UTC) + timedelta(days=1000)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with archive_pki.running(tmp_path_factory.mktemp("archive")) as running:
        yield running


@pytest.fixture(scope="module")
def trust(authority: Authority) -> TrustBundle:
    now = datetime.now(UTC)
    return TrustBundle(1, now, YEARS_LATER, (authority.root,), {}, specimens.SEAL_HOST)


@pytest.fixture(scope="module")
def sealing(trust: TrustBundle) -> tuple[TrustBundle, specimens.SoftwareSigner]:
    seal = specimens.stranger("seal", "seal")
    public = seal.private.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    return replace(trust, seal_keys={cose.key_id(public): public}), seal


@pytest.fixture(scope="module")
def bundle(sealing: tuple[TrustBundle, specimens.SoftwareSigner]) -> TrustBundle:
    return sealing[0]


@pytest.fixture(scope="module")
def copy(authority: Authority, sealing: tuple[TrustBundle, specimens.SoftwareSigner]) -> Issued:
    return issue_pre_check(
        [specimens.page()],
        specimens.facts(),
        officer=authority.signers["officer"],
        agency=authority.signers["agency"],
        seal=sealing[1],
        seal_host=specimens.SEAL_HOST,
    )


@pytest.fixture(scope="module")
def lifted(copy: Issued, authority: Authority) -> bytes:
    return lift(copy.pdf, authority.tsa_url, [authority.root])


def test_a_lifted_copy_is_a_new_revision_of_the_same(
    copy: Issued, lifted: bytes, bundle: TrustBundle
) -> None:
    assert lifted.startswith(copy.pdf)
    verdict = verify(lifted, bundle)
    assert (verdict.ok, verdict.level) == (True, "B-LTA"), verdict.evidence
    assert verify(copy.pdf, bundle).level == "B-B"
    assert broken_rules(lifted) == []


def test_it_holds_after_its_signers_have_expired(
    copy: Issued, lifted: bytes, bundle: TrustBundle
) -> None:
    assert code(copy.pdf, bundle, at=YEARS_LATER) == "copy.signer-expired"
    later = verify(lifted, bundle, at=YEARS_LATER)
    assert (later.ok, later.state, later.level) == (True, State.OFFICER_AND_AGENCY, "B-LTA")


def test_a_later_revocation_leaves_what_a_timestamp_proves(
    copy: Issued, lifted: bytes, bundle: TrustBundle, authority: Authority
) -> None:
    serial = authority.signers["officer"].certificate.serial_number
    at = datetime.now(UTC) + timedelta(hours=2)
    revoked = replace(bundle, revoked_certificates={serial: at - timedelta(hours=1)})
    assert verify(lifted, revoked, at=at).ok
    assert code(copy.pdf, revoked, at=at) == "copy.time-unproven"


def test_other_tools_agree(lifted: bytes, authority: Authority, tmp_path: Path) -> None:
    """Each tool says the same of both signatures (pdfsig has no word for timestamps)."""
    file, root = tmp_path / "copy.pdf", tmp_path / "root.pem"
    file.write_bytes(lifted)
    root.write_bytes(pem.armor("CERTIFICATE", authority.root))
    assert said("pdfsig", "-nocert", file).count("Signature is Valid") == 2
    assert "No syntax or stream encoding errors" in said("qpdf", "--check", file)
    python = (sys.executable, "-W", "ignore", "-m", "pyhanko", "sign", "validate")
    options = ("--pretty-print", "--no-revocation-check", "--trust-replace", "--trust", root)
    assert said(*python, *options, file).count("The signature is judged VALID.") == 2


def said(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_garbage_behind_the_archive_timestamp(lifted: bytes, bundle: TrustBundle) -> None:
    assert code(lifted + b"more\n", bundle) == "copy.not-fully-signed"


def test_a_stranger_can_lift_nothing(lifted: bytes, bundle: TrustBundle) -> None:
    """Under other roots neither the timestamps nor the signers count."""
    other = replace(bundle, roots=(specimens.stranger("R", "R").certificate.dump(),))
    assert not verify(lifted, other).ok


def test_no_timestamp_authority_means_later(copy: Issued, authority: Authority) -> None:
    nowhere = authority.tsa_url.replace("/tsa/tsa", "/tsa/none")
    with pytest.raises(CertifyError) as caught:
        lift(copy.pdf, nowhere, [authority.root])
    assert (caught.value.code, caught.value.retryable) == (Fault.ARCHIVE_UNAVAILABLE, True)

"""One sandbox PKI, its signers and one issued copy of each mode, for all tests of a worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pkcs11
import pytest

from certify.issue import Issued, issue_post_check, issue_pre_check
from certify.signing import Pkcs11Signer, open_signer
from certify.trust import TrustBundle, load_anchor, load_bundle
from kiosk.sandbox import pki
from kiosk.sandbox.pki import SandboxPki
from tests.certify import specimens


@dataclass(frozen=True)
class Signers:
    officer: Pkcs11Signer
    agency: Pkcs11Signer
    seal: Pkcs11Signer
    kiosk_agency: Pkcs11Signer
    kiosk_seal: Pkcs11Signer


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxPki]:
    made = pki.create(
        tmp_path_factory.mktemp("pki"), agency=specimens.AGENCY, officer=specimens.OFFICER
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "SOFTHSM2_CONF", str(made.softhsm_conf))
        # Another test of this process may have loaded the library with its own configuration.
        pkcs11.lib(str(made.module)).reinitialize()
        yield made


@pytest.fixture(scope="session")
def signers(sandbox: SandboxPki) -> Signers:
    def signer(token: str, pin: Path, key: str) -> Pkcs11Signer:
        return open_signer(sandbox.module, token, key, pin.read_text())

    return Signers(
        officer=signer(pki.DESK_TOKEN, sandbox.desk_pin, "officer"),
        agency=signer(pki.DESK_TOKEN, sandbox.desk_pin, "agency"),
        seal=signer(pki.DESK_TOKEN, sandbox.desk_pin, "seal"),
        kiosk_agency=signer(pki.KIOSK_TOKEN, sandbox.kiosk_pin, "agency"),
        kiosk_seal=signer(pki.KIOSK_TOKEN, sandbox.kiosk_pin, "seal"),
    )


@pytest.fixture(scope="session")
def bundle(sandbox: SandboxPki) -> TrustBundle:
    anchor = load_anchor((sandbox.trust_dir / "anchor.pem").read_text())
    return load_bundle(
        (sandbox.trust_dir / "bundle.cose").read_bytes(), anchor, at=datetime.now(UTC)
    )


@pytest.fixture(scope="session")
def pre_check(signers: Signers) -> Issued:
    """Two pages; the last has room at its foot."""
    return issue_pre_check(
        [specimens.page(20), specimens.page(4)],
        specimens.facts(),
        officer=signers.officer,
        agency=signers.agency,
        seal=signers.seal,
        seal_host=specimens.SEAL_HOST,
    )


@pytest.fixture(scope="session")
def post_check(signers: Signers) -> Issued:
    """One page, written to its foot, so that the statement is on a second sheet."""
    return issue_post_check(
        [specimens.page(36)],
        specimens.facts("post-check"),
        agency=signers.kiosk_agency,
        seal=signers.kiosk_seal,
        seal_host=specimens.SEAL_HOST,
    )

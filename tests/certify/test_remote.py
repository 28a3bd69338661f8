"""Remote signing: both versions of the API, and every way in which the service says no."""

from __future__ import annotations

import asyncio
import base64
import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.signers import PdfSignatureMetadata, async_sign_pdf
from pyhanko.sign.signers.csc_signer import (
    CSCAuthorizationInfo,
    CSCAuthorizationManager,
    CSCServiceSessionInfo,
    CSCSigner,
    fetch_certs_in_csc_credential,
)
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from certify.csc import Account, CscClient, Version
from certify.errors import CertifyError, Fault
from certify.issue import assemble, issue_pre_check, sign_copy
from certify.remote import RemoteSigner
from certify.secret import Secret
from certify.trust import TrustBundle
from certify.verify import verify
from kiosk.sandbox import signing_service
from kiosk.sandbox.pki import SandboxPki
from kiosk.sandbox.signing_service import Holder, SigningSandbox
from tests.certify import specimens

AUTHORITY = ec.generate_private_key(ec.SECP256R1())
ROOT_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Remote CA")])
RSA_KEY = rsa.generate_private_key(65537, 2048)
ROOT = (
    x509.CertificateBuilder()
    .subject_name(ROOT_NAME)
    .issuer_name(ROOT_NAME)
    .public_key(AUTHORITY.public_key())
    .serial_number(x509.random_serial_number())
    .not_valid_before(datetime.now(UTC) - timedelta(days=2))
    .not_valid_after(datetime.now(UTC) + timedelta(days=40))
    .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    .sign(AUTHORITY, hashes.SHA256())
)
UNSIGNED = assemble([specimens.page()], specimens.facts(), lambda _: "HTTPS://EXAMPLE/V/")
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def holder(private: specimens.Private, common_name: str, **how: Any) -> Holder:
    subject = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, specimens.AGENCY),
        ]
    )
    signer = specimens.certified_signer(subject, private, ROOT_NAME, AUTHORITY)
    return Holder(private, [signer.certificate.dump()], **how)


@dataclass
class Desk:
    """An officer's account at the service, and the phone beside it."""

    sandbox: SigningSandbox
    asked: list[str] = field(default_factory=list)
    typed: list[str] = field(default_factory=list)

    def account(self, version: Version, **changes: Any) -> Account:
        made = Account(
            url=self.sandbox.address,
            version=version,
            token_url=f"{self.sandbox.address}/oauth2/token",
            client_id=signing_service.CLIENT,
            client_secret=Secret(signing_service.CLIENT_SECRET),
            poll=0.01,
        )
        return replace(made, **changes)

    def signer(
        self,
        version: Version = "v1",
        credential: str = "officer",
        *,
        pin: str = "13572468",
        batch: int = 1,
        **account: Any,
    ) -> RemoteSigner:
        client = CscClient(self.account(version, **account))
        return RemoteSigner(client, credential, pin=Secret(pin), ask=self._ask, batch=batch)

    def _ask(self, question: str) -> Secret:
        self.asked.append(question)
        return Secret(self.typed.pop(0) if self.typed else self.holder().code)

    def holder(self) -> Holder:
        return self.sandbox.service.holders["officer"]

    def count(self, method: str) -> int:
        return self.sandbox.service.calls.count(method)


@pytest.fixture
def desk() -> Iterator[Desk]:
    holders = {
        "officer": holder(RSA_KEY, specimens.OFFICER),
        "agency": holder(EC_KEY, specimens.AGENCY),
    }
    with SigningSandbox(holders) as sandbox:
        yield Desk(sandbox)


def refused(action: Callable[[], object]) -> CertifyError:
    with pytest.raises(CertifyError) as caught:
        action()
    return caught.value


def digest_of(signer: RemoteSigner) -> bytes:
    return signer.sign_es256(b"message")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_copy_signed_by_remote_keys_is_genuine(desk: Desk, version: Version) -> None:
    """RSA for the officer, ECDSA for the agency and the seal."""
    agency = desk.signer(version, "agency")
    copy = issue_pre_check(
        [specimens.page()],
        specimens.facts(),
        officer=desk.signer(version),
        agency=agency,
        seal=agency,
        seal_host=specimens.SEAL_HOST,
    )
    now = datetime.now(UTC)
    bundle = TrustBundle(
        serial=1,
        issued=now,
        expires=now + timedelta(days=1),
        roots=(ROOT.public_bytes(serialization.Encoding.DER),),
        seal_keys={agency.key_id: EC_KEY.public_key()},
        seal_host=specimens.SEAL_HOST,
    )
    verdict = verify(copy.pdf, bundle)
    assert verdict.ok, verdict.evidence


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_wrong_pin_is_sent_once(desk: Desk, version: Version) -> None:
    signer = desk.signer(version, "agency", pin="00000000")
    for _ in range(5):
        error = refused(lambda: digest_of(signer))
        assert error.code == Fault.SIGNER_REFUSED
        assert "00000000" not in str(error)
    assert desk.count("credentials/authorize") == 1
    assert desk.signer(version, "agency").sign_es256(b"x")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_locked_key(desk: Desk, version: Version) -> None:
    desk.sandbox.service.holders["agency"].wrong = 3
    assert refused(lambda: digest_of(desk.signer(version, "agency"))).code == Fault.SIGNER_LOCKED


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_code_opens_several_signatures(desk: Desk, version: Version) -> None:
    agency = desk.sandbox.service.holders["agency"]
    agency.otp, agency.bound = "offline", True
    signer = desk.signer(version, "agency", batch=3)
    for _ in range(4):
        desk.typed.append(agency.code)
        assert digest_of(signer)
    assert len(desk.asked) == 2
    assert desk.count("credentials/extendTransaction") == 2


def test_a_code_that_was_mistyped_is_asked_for_again(desk: Desk) -> None:
    desk.holder().otp = "online"
    desk.typed += ["wrong"]
    signer = desk.signer()
    assert sign_copy(UNSIGNED, signer, "officer")
    assert (len(desk.asked), desk.count("credentials/sendOTP")) == (2, 2)
    assert desk.holder().wrong == 0


def test_three_wrong_codes_are_enough(desk: Desk) -> None:
    desk.holder().otp = "offline"
    desk.typed += ["wrong"] * 4
    signer = desk.signer()
    wrong = refused(lambda: sign_copy(UNSIGNED, signer, "officer"))
    assert (wrong.code, wrong.detail) == (Fault.SIGNER_UNCONFIRMED, "one-time code")
    assert len(desk.typed) == 1


def test_a_code_and_nobody_to_ask(desk: Desk) -> None:
    desk.holder().otp = "offline"
    signer = RemoteSigner(CscClient(desk.account("v1")), "officer", pin=Secret("13572468"))
    assert refused(lambda: sign_copy(UNSIGNED, signer, "officer")).code == Fault.SIGNER_REFUSED


def test_the_holder_confirms_on_a_phone(desk: Desk) -> None:
    desk.sandbox.service.holders["agency"].confirms = True
    signer = desk.signer("v2", "agency")
    signing = threading.Thread(target=digest_of, args=(signer,))
    signing.start()
    while "credentials/authorizeCheck" not in desk.sandbox.service.calls:
        assert signing.is_alive()
    desk.sandbox.service.control("/sandbox/confirm", {})
    signing.join()
    assert desk.count("signatures/signHash") == 1


def test_nobody_confirms(desk: Desk) -> None:
    desk.sandbox.service.holders["agency"].confirms = True
    signer = desk.signer("v2", "agency", seconds=0.05)
    for _ in range(2):  # the next signature is asked for again: the PIN was right
        unconfirmed = refused(lambda: digest_of(signer))
        assert unconfirmed.detail == "not confirmed in time"
        assert (unconfirmed.code, unconfirmed.retryable) == (Fault.SIGNER_UNCONFIRMED, False)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_an_activation_that_expired_is_renewed_once(desk: Desk, version: Version) -> None:
    """The service tells a longer life than it grants."""
    signer = desk.signer(version, "agency", batch=5)
    assert digest_of(signer)
    for held in desk.sandbox.service.activations:
        held.ends = 0.0
    assert digest_of(signer)
    assert desk.count("credentials/authorize") == 2
    desk.sandbox.service.faults.sad_seconds = -1.0
    error = refused(lambda: digest_of(desk.signer(version, "agency")))
    assert error.code == Fault.SIGNER_REFUSED
    assert desk.count("credentials/authorize") == 4


def test_an_activation_is_not_used_after_its_told_life(desk: Desk) -> None:
    desk.sandbox.service.faults.told_seconds = 1
    signer = desk.signer("v1", "agency", batch=5)
    assert digest_of(signer)
    assert digest_of(signer)
    assert desk.count("credentials/authorize") == 2


def test_down_and_slow_may_be_tried_again(desk: Desk) -> None:
    signer = desk.signer("v1", "agency", seconds=0.2)
    desk.sandbox.service.faults.slow = 30
    error = refused(lambda: digest_of(signer))
    assert (error.code, error.retryable) == (Fault.SIGNER_UNREACHABLE, True)
    desk.sandbox.service.faults.slow = 0
    desk.sandbox.service.faults.down = True
    assert refused(lambda: digest_of(signer)).code == Fault.SIGNER_UNREACHABLE
    desk.sandbox.service.faults.down = False
    assert digest_of(signer)


def test_a_token_that_ran_out_is_fetched_anew(desk: Desk) -> None:
    signer = desk.signer("v1", "agency")
    desk.sandbox.service.expire_tokens()
    assert digest_of(signer)


def test_an_account_that_the_service_does_not_take(desk: Desk) -> None:
    wrong = refused(lambda: desk.signer(client_secret=Secret("wrong")))
    given = refused(lambda: desk.signer(token=Secret("stale")))
    assert {wrong.code, given.code} == {Fault.SIGNER_REFUSED}
    assert given.detail == "access token"


def test_the_sandboxs_officer_has_a_credential(sandbox: SandboxPki) -> None:
    with SigningSandbox(signing_service.of_officer(sandbox)) as running:
        signer = Desk(running).signer("v2", pin=sandbox.desk_pin.read_text())
        assert signer.certificate.subject.native["common_name"] == specimens.OFFICER
        assert sign_copy(UNSIGNED, signer, "officer").startswith(UNSIGNED)


def test_a_credential_that_is_not_there(desk: Desk) -> None:
    assert refused(lambda: desk.signer(credential="nobody")).code == Fault.SIGNER_ABSENT


def test_answers_that_are_nonsense(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = desk.signer("v1", "agency")
    for answer in ({}, {"signatures": []}, {"signatures": ["!"]}, [], {"signatures": 7}):
        monkeypatch.setattr(desk.sandbox.service, "_sign", lambda *_, answer=answer: answer)
        assert refused(lambda: digest_of(signer)).code == Fault.SIGNER_REFUSED


def test_pyhankos_own_client_signs_here_too(desk: Desk) -> None:
    """The stand-in speaks the protocol, not only our idea of it."""
    token = desk.sandbox.service.token(
        {"grant_type": "client_credentials"},
        "Basic "
        + base64.b64encode(
            f"{signing_service.CLIENT}:{signing_service.CLIENT_SECRET}".encode()
        ).decode(),
    )["access_token"]
    signed = asyncio.run(_signed_by_pyhanko(desk.sandbox.address, token))
    (signature,) = PdfFileReader(io.BytesIO(signed)).embedded_signatures
    signature.compute_integrity_info()
    assert validate_pdf_signature(signature, ValidationContext(trust_roots=[])).intact


async def _signed_by_pyhanko(address: str, token: str) -> bytes:
    info = CSCServiceSessionInfo(address, "officer", oauth_token=token)
    async with aiohttp.ClientSession() as session:
        credential = await fetch_certs_in_csc_credential(session, info)

        class Explicit(CSCAuthorizationManager):
            async def authorize_signature(self, hash_b64s: list[str]) -> CSCAuthorizationInfo:
                question = self.format_csc_auth_request(pin="13572468", hash_b64s=hash_b64s)
                url = info.endpoint_url("credentials/authorize")
                async with session.post(url, json=question, headers=self.auth_headers) as answer:
                    return self.parse_csc_auth_response(await answer.json())

        signed = await async_sign_pdf(
            IncrementalPdfFileWriter(io.BytesIO(UNSIGNED)),
            PdfSignatureMetadata(field_name="Officer", md_algorithm="sha256"),
            CSCSigner(session, Explicit(info, credential)),
        )
    return bytes(signed.getvalue())

"""More of a forger's day: bytes, pages, seals and times. Each refusal has a code of its own."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from certify.issue import Issued, assemble, issue_post_check, sign_copy
from certify.numbers import new_id_code
from certify.seal import make_seal
from certify.signing import Pkcs11Signer
from certify.trust import SignerRight, TrustBundle
from certify.verify import verify, verify_seal
from kiosk.sandbox.pki import SandboxPki
from tests.certify import specimens
from tests.certify.conftest import Signers
from tests.certify.flips import accepted
from tests.certify.forgery import DUE, code, stamped, updated

pytestmark = pytest.mark.xdist_group("pkcs11")

FLIPS = 200


def test_flipped_bytes_inside_the_signed_ranges(post_check: Issued, bundle: TrustBundle) -> None:
    """Two hundred of the two thousand that ``./run bench signing`` turns over."""
    assert accepted(post_check.pdf, bundle, FLIPS, DUE) == []


def test_contents_in_mixed_case(pre_check: Issued, bundle: TrustBundle) -> None:
    start = pre_check.pdf.rindex(b"/Contents <") + 11
    changed = bytearray(pre_check.pdf)
    letter = next(i for i in range(start, start + 400) if chr(changed[i]).isalpha())
    changed[letter] ^= 0x20
    assert code(bytes(changed), bundle) == "copy.contents-odd"


def test_padding_that_is_not_zero(pre_check: Issued, bundle: TrustBundle) -> None:
    changed = bytearray(pre_check.pdf)
    changed[pre_check.pdf.rindex(b"00>")] = ord("1")
    assert code(bytes(changed), bundle) == "copy.contents-odd"


def test_pages_in_another_order(signers: Signers, bundle: TrustBundle) -> None:
    pages = [specimens.page(2), specimens.page(3)]
    copy = issue_post_check(
        pages,
        specimens.facts("post-check"),
        agency=signers.kiosk_agency,
        seal=signers.kiosk_seal,
        seal_host=specimens.SEAL_HOST,
    )

    def swap(writer: Any) -> None:
        kids = writer.root["/Pages"]["/Kids"]
        kids[0], kids[1] = kids.raw_get(1), kids.raw_get(0)
        writer.update_container(kids)

    assert code(updated(copy.pdf, swap), bundle, at=DUE) == "copy.page-order"


def test_a_page_twice(pre_check: Issued, bundle: TrustBundle) -> None:
    def repeat(writer: Any) -> None:
        kids = writer.root["/Pages"]["/Kids"]
        kids.append(kids.raw_get(0))
        writer.update_container(kids)

    assert code(updated(pre_check.pdf, repeat), bundle) == "copy.page-count"


def test_a_seal_moved_from_another_copy(
    signers: Signers, bundle: TrustBundle, pre_check: Issued
) -> None:
    facts = specimens.facts(id_code=new_id_code(17, 43), number=124)
    pdf = assemble([specimens.page()], facts, lambda _: pre_check.seal)
    pdf = sign_copy(sign_copy(pdf, signers.officer, "officer"), signers.agency, "agency")
    assert code(pdf, bundle) == "copy.seal-moved"


def altered(seal: str) -> str:
    head, _, body = seal.rpartition("/")
    message = bytearray(base64.b32decode(body + "=" * (-len(body) % 8)))
    message[message.index(specimens.BOOK.encode())] = ord("9")
    return f"{head}/{base64.b32encode(message).decode().rstrip('=')}"


def test_an_altered_seal(signers: Signers, bundle: TrustBundle, post_check: Issued) -> None:
    pdf = assemble(
        [specimens.page()], specimens.facts("post-check"), lambda _: altered(post_check.seal)
    )
    assert code(sign_copy(pdf, signers.agency, "agency"), bundle) == "copy.seal-altered"


def test_the_seal_alone(post_check: Issued, bundle: TrustBundle) -> None:
    good = verify_seal(post_check.seal, bundle)
    assert good.ok
    assert good.seal is not None
    assert good.seal.number == 123
    assert f"{specimens.INSPECT_BY:%d/%m/%Y}" in good.sentence_vi
    alike = post_check.seal.replace("MOT-CUA", "M0T-CUA")
    revoked = replace(bundle, revoked_codes=frozenset({good.seal.id_code}))
    codes = [
        verify_seal(altered(post_check.seal), bundle).code,
        verify_seal(alike, bundle).code,
        verify_seal(post_check.seal, replace(bundle, seal_keys={})).code,
        verify_seal(post_check.seal, revoked).code,
        verify_seal("HTTPS://EXAMPLE/V/", bundle).code,
    ]
    assert codes == [
        "copy.seal-altered",
        "copy.seal-host",
        "copy.seal-key-unknown",
        "copy.revoked",
        "copy.seal-invalid",
    ]


def test_a_copy_issued_after_the_lease(
    post_check: Issued, bundle: TrustBundle, signers: Signers
) -> None:
    ended = specimens.facts().issued - timedelta(minutes=1)
    leases = {signers.kiosk_seal.key_id: ended}
    assert code(post_check.pdf, replace(bundle, leases=leases), at=DUE) == "copy.lease-expired"
    leases = {signers.kiosk_seal.key_id: datetime.now(UTC) + timedelta(days=1)}
    assert verify(post_check.pdf, replace(bundle, leases=leases), at=DUE).ok
    assert code(post_check.pdf, replace(bundle, leases={}), at=DUE) == "copy.lease-expired"
    # Dated back into the lease, but signed after it.
    leases = {signers.kiosk_seal.key_id: specimens.facts().issued + timedelta(minutes=1)}
    assert code(post_check.pdf, replace(bundle, leases=leases), at=DUE) == "copy.lease-expired"


def test_a_signature_from_the_future(pre_check: Issued, bundle: TrustBundle) -> None:
    """Within the certificate's life, but an hour before the signing."""
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert code(pre_check.pdf, bundle, at=hour_ago) == "copy.time-implausible"


def test_a_signature_older_than_its_statement(signers: Signers, bundle: TrustBundle) -> None:
    facts = specimens.facts("post-check", issued=datetime.now(UTC) + timedelta(days=3))
    copy = issue_post_check(
        [specimens.page()],
        facts,
        agency=signers.kiosk_agency,
        seal=signers.kiosk_seal,
        seal_host=specimens.SEAL_HOST,
    )
    assert code(copy.pdf, bundle) == "copy.time-implausible"


def test_signed_after_the_revocation(
    pre_check: Issued, bundle: TrustBundle, signers: Signers
) -> None:
    serial = signers.officer.certificate.serial_number
    earlier = {serial: datetime.now(UTC) - timedelta(hours=5)}
    revoked = replace(bundle, revoked_certificates=earlier)
    assert code(pre_check.pdf, revoked) == "copy.signed-after-revocation"


def test_an_untimestamped_signature_dated_before_the_revocation(
    pre_check: Issued, bundle: TrustBundle, signers: Signers
) -> None:
    """Whoever has the stolen key can set the clock back: a date without proof is worth nothing."""
    serial = signers.officer.certificate.serial_number
    later = {serial: datetime.now(UTC) + timedelta(seconds=1)}
    revoked = replace(bundle, revoked_certificates=later)
    assert code(pre_check.pdf, revoked) == "copy.time-unproven"


def test_a_signature_dated_back_and_stamped_after_the_revocation(
    pre_check: Issued, bundle: TrustBundle, signers: Signers, sandbox: SandboxPki
) -> None:
    """The timestamp is honest, and tells too late; an earlier one would have saved it."""
    now = datetime.now(UTC)
    serial = signers.officer.certificate.serial_number
    half_past = now + timedelta(minutes=30)
    revoked = replace(bundle, revoked_certificates={serial: half_past})
    later = now + timedelta(hours=2)
    late = stamped(pre_check.pdf, sandbox, trusted=True, at=now + timedelta(hours=1))
    early = stamped(pre_check.pdf, sandbox, trusted=True, at=now + timedelta(minutes=10))
    assert code(late, revoked, at=later) == "copy.time-unproven"
    assert verify(early, revoked, at=later).ok


def test_a_forged_key_name_is_unknown(bundle: TrustBundle) -> None:
    own = specimens.stranger("X", "Y")
    facts = specimens.facts()
    seal = make_seal(
        facts, bytes(16), 1, host=specimens.SEAL_HOST, sign=own.sign_es256, kid=own.key_id
    )
    assert verify_seal(seal, bundle).code == "copy.seal-key-unknown"
    known = next(iter(bundle.seal_keys))
    stolen = make_seal(
        facts, bytes(16), 1, host=specimens.SEAL_HOST, sign=own.sign_es256, kid=known
    )
    assert verify_seal(stolen, bundle).code == "copy.seal-altered"


def test_a_certificate_that_the_bundle_does_not_list(
    pre_check: Issued, bundle: TrustBundle, signers: Signers
) -> None:
    """Right name, right authority, but not the certificate that the agency named."""
    now = datetime.now(UTC)

    def listing(*officers: Pkcs11Signer, until: datetime) -> TrustBundle:
        rights = {digest(signers.agency): SignerRight("agency", now - timedelta(days=1), until)}
        for officer in officers:
            rights[digest(officer)] = SignerRight("officer", now - timedelta(days=1), until)
        return replace(bundle, signers=rights)

    later = now + timedelta(days=1)
    assert verify(pre_check.pdf, listing(signers.officer, until=later)).ok
    assert code(pre_check.pdf, listing(until=later)) == "copy.signer-unlisted"
    # In the other role, and after its time.
    assert code(pre_check.pdf, listing(signers.agency, until=later)) == "copy.signer-unlisted"
    ended = now - timedelta(hours=1)
    assert code(pre_check.pdf, listing(signers.officer, until=ended)) == "copy.signer-unlisted"


def digest(signer: Pkcs11Signer) -> bytes:
    return sha256(signer.certificate.dump()).digest()


def test_the_reason_of_a_revocation_is_told(
    pre_check: Issued, bundle: TrustBundle, signers: Signers
) -> None:
    serial = signers.officer.certificate.serial_number
    revoked = replace(
        bundle,
        revoked_certificates={serial: datetime.now(UTC) - timedelta(hours=5)},
        revocation_reasons={serial: "key-compromise"},
    )
    details = [item.detail for item in verify(pre_check.pdf, revoked).evidence if not item.ok]
    assert details == ["Officer: key-compromise"]

"""A forger's day: each way of altering a copy is noticed, and named."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import pikepdf
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner

from certify.errors import CertifyError, Fault
from certify.examination import SEAL_REASONS
from certify.issue import Issued, assemble, issue_post_check, sign_copy
from certify.seal import make_seal
from certify.signing import Signer
from certify.trust import TrustBundle
from certify.verify import State, _words, verify
from kiosk.sandbox.pki import SandboxPki
from tests.certify import specimens
from tests.certify.conftest import Signers
from tests.certify.forgery import DUE, code, copy_by, first_page, stamped, stream_of, updated

pytestmark = pytest.mark.xdist_group("pkcs11")


def test_a_pre_check_copy_is_genuine(pre_check: Issued, bundle: TrustBundle) -> None:
    verdict = verify(pre_check.pdf, bundle)
    assert (verdict.ok, verdict.state) == (True, State.OFFICER_AND_AGENCY)
    assert verdict.facts == specimens.facts()
    assert len(verdict.evidence) == 14
    assert verdict.level == "B-B"
    assert "hợp lệ" in verdict.sentence_vi
    assert json.loads(json.dumps(verdict.to_dict()))["facts"]["number"] == 123


def test_a_post_check_copy_waits_for_inspection(post_check: Issued, bundle: TrustBundle) -> None:
    verdict = verify(post_check.pdf, bundle, at=DUE)
    assert (verdict.ok, verdict.state) == (True, State.INSPECTION_DUE)
    assert f"{specimens.INSPECT_BY:%d/%m/%Y}" in verdict.sentence_vi
    late = verify(post_check.pdf, bundle, at=DUE + timedelta(days=1))
    assert (late.ok, late.state) == (True, State.INSPECTION_OVERDUE)


def test_the_officer_may_sign_a_post_check_copy_later(
    post_check: Issued, bundle: TrustBundle, signers: Signers
) -> None:
    inspected = sign_copy(post_check.pdf, signers.officer, "officer")
    assert verify(inspected, bundle, at=DUE).state is State.OFFICER_AND_AGENCY


def test_appended_data(pre_check: Issued, bundle: TrustBundle) -> None:
    assert code(pre_check.pdf + b"more\n", bundle) == "copy.not-fully-signed"


def test_the_revision_from_before_the_agency_signed(pre_check: Issued, bundle: TrustBundle) -> None:
    end = pre_check.pdf.rindex(b"%%EOF", 0, pre_check.pdf.rindex(b"%%EOF"))
    stripped = pre_check.pdf[: end + 6]
    assert code(stripped, bundle) == "copy.old-revision"


def test_no_signature_at_all(signers: Signers, bundle: TrustBundle) -> None:
    assert code(copy_by(specimens.facts(), signers, {}), bundle) == "copy.signature-missing"


def test_a_changed_pixel(pre_check: Issued, bundle: TrustBundle) -> None:
    place = pre_check.pdf.index(specimens.page(20).jpeg) + 5000
    changed = bytearray(pre_check.pdf)
    changed[place] ^= 1
    assert code(bytes(changed), bundle) == "copy.signature-broken"


def test_any_changed_byte(pre_check: Issued, bundle: TrustBundle) -> None:
    """Samples from all over the file, and more from what no signature covers: the message of the
    last one (digits flip to other digits), and the zeros that fill both gaps."""
    size = len(pre_check.pdf)
    gaps = [pre_check.pdf.index(b"0" * 64 + b">"), pre_check.pdf.rindex(b"0" * 64 + b">")]
    last = pre_check.pdf.rindex(b"/Contents") + 12
    message = range(last, last + 3000, 61)
    for place in [*range(16, size, size // 60), *message, *gaps, size - 2]:
        changed = bytearray(pre_check.pdf)
        changed[place] ^= 1
        assert not verify(bytes(changed), bundle).ok, f"byte {place}"


@pytest.mark.parametrize("role", ["officer", "agency"])
def test_another_chain(signers: Signers, bundle: TrustBundle, role: str) -> None:
    names = {"officer": specimens.OFFICER, "agency": specimens.AGENCY}
    roles: dict[str, Signer] = {"officer": signers.officer, "agency": signers.agency}
    roles[role] = specimens.stranger(names[role], specimens.AGENCY)
    pdf = copy_by(specimens.facts(), signers, roles)
    assert code(pdf, bundle) == "copy.signer-same-name"


def test_a_root_that_is_not_in_the_bundle(pre_check: Issued, bundle: TrustBundle) -> None:
    other = specimens.stranger("Other root", "Other").certificate.dump()
    assert code(pre_check.pdf, replace(bundle, roots=(other,))) == "copy.signer-same-name"


def test_right_certificates_in_the_wrong_places(signers: Signers, bundle: TrustBundle) -> None:
    roles: dict[str, Signer] = {"officer": signers.agency, "agency": signers.officer}
    pdf = copy_by(specimens.facts(), signers, roles)
    assert code(pdf, bundle) == "copy.signer-unexpected"


def test_an_officer_who_is_not_named(signers: Signers, bundle: TrustBundle) -> None:
    roles: dict[str, Signer] = {"officer": signers.officer, "agency": signers.agency}
    pdf = copy_by(specimens.facts(officer="Người Khác"), signers, roles)
    assert code(pdf, bundle) == "copy.signer-unexpected"


def test_a_replaced_image(pre_check: Issued, bundle: TrustBundle) -> None:
    def replace_image(writer: Any) -> None:
        images = first_page(writer).get_object()["/Resources"]["/XObject"]
        reference = images.raw_get(next(iter(images)))
        image = stream_of(
            {"/Type": "/XObject", "/Subtype": "/Image", "/ColorSpace": "/DeviceRGB"},
            {"/Width": 2, "/Height": 2, "/BitsPerComponent": 8},
            bytes(12),
        )
        writer.objects[(reference.generation, reference.idnum)] = image

    assert code(updated(pre_check.pdf, replace_image), bundle) == "copy.image-replaced"


def test_an_added_annotation(pre_check: Issued, bundle: TrustBundle) -> None:
    def annotate(writer: Any) -> None:
        note = generic.DictionaryObject(  # type: ignore[no-untyped-call]
            {
                pdf_name("/Type"): pdf_name("/Annot"),
                pdf_name("/Subtype"): pdf_name("/FreeText"),
                pdf_name("/Rect"): generic.ArrayObject(
                    map(generic.NumberObject, (50, 700, 400, 760))
                ),
                pdf_name("/Contents"): generic.TextStringObject("đã sửa"),
                pdf_name("/DA"): generic.TextStringObject("/Helv 20 Tf"),
            }
        )
        reference = first_page(writer)
        page = reference.get_object()
        page[pdf_name("/Annots")] = generic.ArrayObject([writer.add_object(note)])
        writer.mark_update(reference)

    assert code(updated(pre_check.pdf, annotate), bundle) == "copy.annotation-added"


def test_a_changed_page_count(pre_check: Issued, bundle: TrustBundle) -> None:
    def drop_last(writer: Any) -> None:
        kids = writer.root["/Pages"]["/Kids"]
        del kids[-1]
        writer.update_container(kids)

    assert code(updated(pre_check.pdf, drop_last), bundle) == "copy.page-count"


def test_a_changed_title_is_an_update_that_nobody_signed(
    pre_check: Issued, bundle: TrustBundle
) -> None:
    def retitle(writer: Any) -> None:
        info = writer.trailer["/Info"]
        info[pdf_name("/Title")] = generic.TextStringObject("Bằng khác")
        writer.update_container(info)

    assert code(updated(pre_check.pdf, retitle), bundle) == "copy.not-fully-signed"


def test_a_third_signature(pre_check: Issued, bundle: TrustBundle, signers: Signers) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(pre_check.pdf))
    extra = PdfSigner(
        PdfSignatureMetadata(field_name="Third"),
        specimens.stranger("X", "Y").pdf_key,
        new_field_spec=SigFieldSpec("Third", on_page=0, box=(50, 50, 300, 300)),
    ).sign_pdf(writer)
    assert code(extra.getvalue(), bundle) == "copy.signature-strange"


def test_an_approval_instead_of_a_certifying_signature(
    signers: Signers, bundle: TrustBundle
) -> None:
    pdf = copy_by(specimens.facts("post-check"), signers, {})
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    signed = PdfSigner(PdfSignatureMetadata(field_name="Agency"), signers.agency.pdf_key).sign_pdf(
        writer, existing_fields_only=True
    )
    assert code(signed.getvalue(), bundle) == "copy.not-certified"


def test_a_rewritten_file(pre_check: Issued, bundle: TrustBundle) -> None:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pre_check.pdf)) as pdf:
        pdf.save(out)
    assert code(out.getvalue(), bundle) == "copy.signature-broken"


def test_a_seal_over_other_pages(signers: Signers, bundle: TrustBundle) -> None:
    roles: dict[str, Signer] = {"officer": signers.officer, "agency": signers.agency}
    pdf = copy_by(specimens.facts(), signers, roles, digest=bytes(16))
    assert code(pdf, bundle) == "copy.pages-differ"


def test_a_seal_with_another_number(signers: Signers, bundle: TrustBundle) -> None:
    facts, other = specimens.facts("post-check"), specimens.facts("post-check", number=124)
    pdf = assemble(
        [specimens.page()],
        facts,
        lambda digest: make_seal(
            other,
            digest,
            1,
            host=specimens.SEAL_HOST,
            sign=signers.kiosk_seal.sign_es256,
            kid=signers.kiosk_seal.key_id,
        ),
    )
    verdict = verify(sign_copy(pdf, signers.agency, "agency"), bundle)
    assert verdict.code == "copy.facts-differ"
    assert ("facts", False, "number") in verdict.evidence


def test_a_post_check_seal_cannot_stand_for_pre_check(
    signers: Signers, bundle: TrustBundle
) -> None:
    """The mode is the seal's, not the file's: who drops the officer must change the seal."""
    pre = specimens.facts()
    pdf = assemble(
        [specimens.page()],
        replace(pre, mode="post-check", inspect_by=DUE.date()),
        lambda digest: make_seal(
            pre,
            digest,
            1,
            host=specimens.SEAL_HOST,
            sign=signers.seal.sign_es256,
            kid=signers.seal.key_id,
        ),
    )
    signed = sign_copy(pdf, signers.agency, "agency")
    assert code(signed, bundle) == "copy.signature-missing"


def test_a_home_made_seal(signers: Signers, bundle: TrustBundle) -> None:
    own = specimens.stranger("X", "Y")
    copy = issue_post_check(
        [specimens.page()],
        specimens.facts("post-check"),
        agency=signers.kiosk_agency,
        seal=own,
        seal_host=specimens.SEAL_HOST,
    )
    assert code(copy.pdf, bundle) == "copy.seal-key-unknown"
    public = own.private.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    known = dict(bundle.seal_keys) | {own.key_id: public}
    leases = {own.key_id: datetime.now(UTC) + timedelta(days=1)}
    assert verify(copy.pdf, replace(bundle, seal_keys=known, leases=leases), at=DUE).ok


def test_a_revoked_copy(pre_check: Issued, bundle: TrustBundle) -> None:
    codes = replace(bundle, revoked_codes=frozenset({specimens.facts().id_code}))
    assert code(pre_check.pdf, codes) == "copy.revoked"


def test_expired_certificates(pre_check: Issued, bundle: TrustBundle) -> None:
    in_ten_years = datetime.now(UTC) + timedelta(days=3650)
    assert code(pre_check.pdf, bundle, at=in_ten_years) == "copy.signer-expired"


def test_the_seal_seen_on_paper_must_be_the_same(
    pre_check: Issued, post_check: Issued, bundle: TrustBundle
) -> None:
    assert verify(pre_check.pdf, bundle, paper_seal=pre_check.seal).ok
    assert code(pre_check.pdf, bundle, paper_seal=post_check.seal) == "copy.seal-on-paper"


def test_an_archive_timestamp_is_an_allowed_update(
    pre_check: Issued, bundle: TrustBundle, sandbox: SandboxPki
) -> None:
    assert verify(stamped(pre_check.pdf, sandbox, trusted=True), bundle).ok


def test_a_timestamp_of_a_stranger_covers_nothing(
    pre_check: Issued, bundle: TrustBundle, sandbox: SandboxPki
) -> None:
    pdf = stamped(pre_check.pdf, sandbox, trusted=False)
    assert code(pdf, bundle) == "copy.not-fully-signed"


def test_other_pdfs_and_other_files(bundle: TrustBundle) -> None:
    plain, locked = io.BytesIO(), io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(plain)
        pdf.save(locked, encryption=pikepdf.Encryption(owner="o", user="u"))
    assert code(plain.getvalue(), bundle) == "copy.damaged"
    assert code(plain.getvalue()[:300], bundle) == "copy.damaged"
    for data, fault in ((locked.getvalue(), Fault.PDF_ENCRYPTED), (b"GIF", Fault.PDF_UNREADABLE)):
        with pytest.raises(CertifyError) as caught:
            verify(data, bundle)
        assert caught.value.code == fault


def test_each_refusal_has_a_sentence_of_its_own() -> None:
    """Reasons in the source and sentences in the file are the same set, and no two alike."""
    source = "".join(
        (resources.files("certify") / f"{name}.py").read_text("utf-8")
        for name in ("examination", "verify", "__main__")
    )
    refusals = _words()["refusal"]
    assert all(f'"{reason}"' in source for reason in set(refusals) - _BY_FAULT)
    for language in ("vi", "en"):
        assert len({words[language] for words in refusals.values()}) == len(refusals)
    assert set(_words()["state"]) == set(State) - {State.NOT_GENUINE}
    assert set(SEAL_REASONS.values()) <= set(refusals)


_BY_FAULT = {"bundle-expired", "bundle-invalid"}

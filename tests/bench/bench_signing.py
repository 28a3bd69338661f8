"""Signing and verifying, against pyHanko's own in the same run; and 2,000 bits turned over.

Keys are in memory, so that no token's speed counts; the certifier's child of the kiosk signs with a
developer's file. Imports are done before anything is measured.
"""

from __future__ import annotations

import asyncio
import io
import logging
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asn1crypto import x509
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.validation import (
    DocumentSecurityStore,
    validate_pdf_signature,
    validate_pdf_timestamp,
)

from certify import cose, trust
from certify.archive import lift
from certify.issue import assemble, issue_pre_check, sign_copy
from certify.pages import SourcePage
from certify.trust import TrustBundle
from certify.verify import verify
from kiosk.certifier import Certifier
from kiosk.documents.reader import DocumentReader
from kiosk.settings import SigningSettings
from offline_queue.signatures import public_pem
from tests.bench import bench_certify
from tests.bench.measure import Row, cpu_seconds
from tests.certify import archive_pki, specimens
from tests.certify.archive_pki import Authority
from tests.certify.flips import accepted
from tests.certify.test_developer_key import PASSPHRASE, written

FLIPS = 2000


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as name, archive_pki.running(Path(name)) as authority:
        return [*_signing(authority), *_verifying(authority), *_last_page()]


def _signing(authority: Authority) -> list[Row]:
    unsigned = assemble([specimens.page()], specimens.facts(), lambda _: "HTTPS://EXAMPLE/V/")
    officer, agency = authority.signers["officer"], authority.signers["agency"]

    def ours() -> None:
        sign_copy(sign_copy(unsigned, officer, "officer"), agency, "agency")

    def peer() -> None:
        first = _by_pyhanko(unsigned, officer, "Officer", certify=True)
        _by_pyhanko(first, agency, "Agency", certify=False)

    ours()
    mine, other = cpu_seconds(ours, 5), cpu_seconds(peer, 5)
    return [
        Row("both signatures (aim 0.25 s)", mine, "s"),
        Row("both signatures, ours / pyHanko", mine / other, "ratio", "its own has no picture"),
    ]


def _by_pyhanko(
    pdf: bytes, signer: specimens.SoftwareSigner, field: str, *, certify: bool
) -> bytes:
    metadata = PdfSignatureMetadata(
        field_name=field,
        md_algorithm="sha256",
        certify=certify,
        docmdp_permissions=MDPPerm.FILL_FORMS,
    )
    out = PdfSigner(metadata, signer.pdf_key).sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(pdf)), existing_fields_only=True
    )
    return bytes(out.getvalue())


def _verifying(authority: Authority) -> list[Row]:
    seal = specimens.stranger("seal", "seal")
    assert isinstance(seal.private, ec.EllipticCurvePrivateKey)
    now = datetime.now(UTC)
    bundle = TrustBundle(
        serial=1,
        issued=now,
        expires=now + timedelta(days=1),
        roots=(authority.root,),
        seal_keys={seal.key_id: seal.private.public_key()},
        seal_host=specimens.SEAL_HOST,
    )
    copy = issue_pre_check(
        [specimens.page()],
        specimens.facts(),
        officer=authority.signers["officer"],
        agency=authority.signers["agency"],
        seal=seal,
        seal_host=specimens.SEAL_HOST,
    ).pdf
    lifted = lift(copy, authority.tsa_url, [authority.root])
    assert verify(lifted, bundle).level == "B-LTA"
    mine = cpu_seconds(lambda: verify(lifted, bundle), 5)
    other = cpu_seconds(lambda: _validated_by_pyhanko(lifted, authority.root), 5)
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)  # a traceback for each broken XML
    started = time.process_time()
    passed = accepted(copy, bundle, FLIPS, now)
    spent = f"{time.process_time() - started:.0f} s CPU"
    return [
        Row("verify of a B-LTA copy (aim 0.5 s)", mine, "s", "after imports"),
        Row(
            "verify of a B-LTA copy, ours / pyHanko",
            mine / other,
            "ratio",
            "its own: 2 signatures, 2 timestamps",
        ),
        Row(f"flips of {FLIPS} that passed", len(passed), "", spent),
    ]


def _validated_by_pyhanko(pdf: bytes, root: bytes) -> None:
    """Both signatures and both timestamps, with the answers that the file holds."""
    reader = PdfFileReader(io.BytesIO(pdf))
    context = DocumentSecurityStore.read_dss(reader).as_validation_context(
        {"trust_roots": [x509.Certificate.load(root)], "allow_fetching": False}
    )
    for signature in reader.embedded_regular_signatures:
        assert validate_pdf_signature(signature, context).bottom_line
    for stamp in reader.embedded_timestamp_signatures:
        status = validate_pdf_timestamp(stamp, context)
        assert status.valid
        assert status.trusted


def _last_page() -> list[Row]:
    """From the last of five pages at hand to the signed copy, the others having been read while it
    was being scanned: in the kiosk's own two children."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = [
            bench_certify._write(folder / f"{number}.png", number).read_bytes()
            for number in range(bench_certify.COUNT)
        ]
        reading, whole = asyncio.run(_timed(images, folder))
    note = f"{whole:.2f} s, one page's OCR {reading:.2f} s"
    return [Row("last page to signed PDF / one page's OCR (1.5)", whole / reading, "ratio", note)]


async def _timed(images: list[bytes], folder: Path) -> tuple[float, float]:
    """Seconds of the wall for reading the last page, and for all that follows its arrival."""
    certifier, bundle = _kiosks_certifier(folder)
    reader = DocumentReader()
    certifier.prepare()  # as scanning does
    try:
        pages: list[SourcePage] = [(await reader.read_image(data)).page for data in images[:-1]]
        started = time.perf_counter()
        pages.append((await reader.read_image(images[-1])).page)
        read = time.perf_counter()
        await certifier.issue_post_check(pages, specimens.facts("post-check"), bundle)
        return read - started, time.perf_counter() - started
    finally:
        await reader.close()
        await certifier.close()


def _kiosks_certifier(folder: Path) -> tuple[Certifier, bytes]:
    anchor, seal = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    for role, key in (("agency", ec.generate_private_key(ec.SECP256R1())), ("seal", seal)):
        written(folder / f"{role}.p12", key, specimens.AGENCY)
    (folder / "pin").write_text(PASSPHRASE)
    now = datetime.now(UTC)
    bundle = TrustBundle(
        serial=1,
        issued=now,
        expires=now + timedelta(days=1),
        roots=(),
        seal_keys={cose.key_id(seal.public_key()): seal.public_key()},
        seal_host=specimens.SEAL_HOST,
        leases={cose.key_id(seal.public_key()): now + timedelta(days=1)},
    )
    settings = SigningSettings(developer_keys=folder, pin_file=folder / "pin")
    signed = trust.sign_bundle(
        bundle, cose.software_signer(anchor), cose.key_id(anchor.public_key())
    )
    return Certifier(settings, public_pem(anchor.public_key())), signed

"""A forger's tools: copies signed by whomever, and updates that keep all signed bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, time
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.signers import PdfTimeStamper
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from certify.issue import assemble, sign_copy
from certify.seal import make_seal
from certify.signing import Signer
from certify.statement import CopyFacts
from certify.trust import TrustBundle
from certify.verify import State, verify
from kiosk.sandbox.pki import SandboxPki
from tests.certify import specimens
from tests.certify.conftest import Signers

DUE = datetime.combine(specimens.INSPECT_BY, time(12), specimens.VIETNAM)


def code(pdf: bytes, bundle: TrustBundle, **options: Any) -> str:
    verdict = verify(pdf, bundle, **options)
    assert not verdict.ok
    assert verdict.state is State.NOT_GENUINE
    assert verdict.facts is None
    return verdict.code


def copy_by(
    facts: CopyFacts, signers: Signers, roles: dict[str, Signer], digest: bytes | None = None
) -> bytes:
    """A copy with the seal of its mode, signed by whomever, in order."""
    seal = signers.seal if facts.mode == "pre-check" else signers.kiosk_seal
    pdf = assemble(
        [specimens.page()],
        facts,
        lambda true: make_seal(
            facts,
            digest or true,
            1,
            host=specimens.SEAL_HOST,
            sign=seal.sign_es256,
            kid=seal.key_id,
        ),
    )
    for role, signer in roles.items():
        pdf = sign_copy(pdf, signer, role)  # type: ignore[arg-type]
    return pdf


def updated(pdf: bytes, change: Callable[[Any], None]) -> bytes:
    """An incremental update, which leaves all signed bytes as they are."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    change(writer)
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def first_page(writer: Any) -> Any:
    return writer.root["/Pages"]["/Kids"].raw_get(0)


def stream_of(names: dict[str, str], numbers: dict[str, int], data: bytes) -> Any:
    values: dict[Any, Any] = {pdf_name(key): pdf_name(value) for key, value in names.items()}
    for key, number in numbers.items():
        values[pdf_name(key)] = generic.NumberObject(number)  # type: ignore[no-untyped-call]
    return generic.StreamObject(values, stream_data=data)


def stamped(pdf: bytes, sandbox: SandboxPki, *, trusted: bool, at: datetime | None = None) -> bytes:
    """A document timestamp at the end, as archiving adds it; of ``at`` or now."""
    keys = sandbox.folder / "keys" / "intermediate.pem"
    authority = serialization.load_pem_private_key(keys.read_bytes(), None)
    assert isinstance(authority, ec.EllipticCurvePrivateKey)
    certificates = x509.load_pem_x509_certificates(sandbox.chain.read_bytes())
    tsa = specimens.certified_signer(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Invented TSA")]),
        rsa.generate_private_key(65537, 2048),  # all that pyHanko's stand-in signs with
        certificates[0].subject,
        authority if trusted else ec.generate_private_key(ec.SECP256R1()),
        timestamping=True,
    )
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register(specimens.asn1(certificates[0]))
    stamper = DummyTimeStamper(tsa.certificate, tsa.pdf_key.signing_key, store, fixed_dt=at)
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    return bytes(PdfTimeStamper(stamper).timestamp_pdf(writer, "sha256").getvalue())

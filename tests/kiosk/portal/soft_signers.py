"""Signers with keys in memory, and the trust bundle that believes them."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any, Protocol

from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from PIL import Image, ImageDraw
from pyhanko.sign.signers import SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from certify import cose, trust
from certify.copyfile import open_reader, read_copy
from certify.issue import issue_post_check
from certify.numbers import kiosks_id_code
from certify.pages import SourcePage, Word, encode_text
from certify.statement import CopyFacts
from kiosk.portal.settings import PortalSettings
from kiosk.portal.times import this_year
from offline_queue.signatures import public_pem
from tests.kiosk.portal.line import TestDossier, TestKiosk

_LIFE = timedelta(days=30)


@dataclass(frozen=True)
class SoftSigner:
    """As certify.signing.Signer wants it."""

    key: ec.EllipticCurvePrivateKey
    certificate: asn1_x509.Certificate
    pdf_key: SimpleSigner

    @property
    def fingerprint(self) -> str:
        return sha256(self.certificate.dump()).hexdigest()

    @property
    def key_id(self) -> bytes:
        return cose.key_id(self.key.public_key())

    def sign_es256(self, message: bytes) -> bytes:
        return cose.software_signer(self.key)(message)


class SoftAuthority:
    """Officer, agency and seal under one root; the bundle lies in the portal's trust folder."""

    def __init__(self, settings: PortalSettings) -> None:
        self._settings = settings
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Root")])
        self._root = _certificate(name, self._root_key.public_key(), name, self._root_key, ca=True)
        self.anchor = ec.generate_private_key(ec.SECP256R1())
        self.officer = self._signer(settings.officer)
        self.agency = self._signer(settings.agency)
        self.seal = self._signer(settings.agency)
        self.publish()

    def publish(
        self,
        revoked: frozenset[str] = frozenset(),
        revocation_key: ec.EllipticCurvePublicKey | None = None,
    ) -> None:
        now = datetime.now(UTC)
        bundle = trust.TrustBundle(
            serial=1,
            issued=now,
            expires=now + _LIFE,
            roots=(self._root.public_bytes(serialization.Encoding.DER),),
            seal_keys={self.seal.key_id: self.seal.key.public_key()},
            seal_host=self._settings.seal_host,
            revoked_codes=revoked,
            leases={self.seal.key_id: now + _LIFE},
            revocation_key=revocation_key,
        )
        sign, kid = cose.software_signer(self.anchor), cose.key_id(self.anchor.public_key())
        folder = self._settings.trust_dir
        (folder / "anchor.pem").write_text(public_pem(self.anchor.public_key()))
        (folder / "bundle.cose").write_bytes(trust.sign_bundle(bundle, sign, kid))

    def pkcs12(self, role: str, passphrase: str) -> bytes:
        """The key of ``role`` as a developer's file."""
        signer: SoftSigner = getattr(self, role)
        certificate = x509.load_der_x509_certificate(signer.certificate.dump())
        sealing = serialization.BestAvailableEncryption(passphrase.encode())
        return pkcs12.serialize_key_and_certificates(
            role.encode(), signer.key, certificate, [self._root], sealing
        )

    def post_check_copy(self, page: SourcePage, **changes: Any) -> bytes:
        facts = post_check_facts(self._settings, **changes)
        host = self._settings.seal_host
        return issue_post_check(
            [page], facts, agency=self.agency, seal=self.seal, seal_host=host
        ).pdf

    def _signer(self, common_name: str) -> SoftSigner:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, self._settings.agency),
                x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            ]
        )
        made = _certificate(subject, key.public_key(), self._root.subject, self._root_key)
        certificate = asn1_x509.Certificate.load(made.public_bytes(serialization.Encoding.DER))
        private = keys.PrivateKeyInfo.load(
            key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        pdf_key = SimpleSigner(certificate, private, SimpleCertificateStore())  # type: ignore[no-untyped-call]
        return SoftSigner(key, certificate, pdf_key)


def post_check_facts(settings: PortalSettings, **changes: Any) -> CopyFacts:
    issued = datetime.now(timezone(timedelta(hours=7))).replace(microsecond=0)
    values: dict[str, Any] = {
        "id_code": kiosks_id_code(1, issued.year, changes.get("number", 1)),
        "number": 1,
        "year": issued.year,
        "book": f"01/{issued.year}-SCT/BS",
        "agency": settings.agency,
        "place": settings.place,
        "officer": "",
        "officer_title": "",
        "issued": issued,
        "copies": 2,
        "mode": "post-check",
        "inspect_by": date.today() + timedelta(days=3),  # noqa: DTZ011
        "dossier_code": "H26.15-261124-0001",
    }
    return CopyFacts(**(values | changes))


def drawn_page(words: str = "BẰNG TỐT NGHIỆP") -> SourcePage:
    """A page that can be read, 100 dpi."""
    image = Image.new("RGB", (827, 1169), "white")
    ImageDraw.Draw(image).rectangle((80, 80, 740, 140), outline="black")
    out = io.BytesIO()
    image.save(out, "JPEG", dpi=(100, 100))
    return SourcePage(out.getvalue(), 827, 1169, 100, (Word(words, 90, 90, 300, 30, 95, 0),))


def contents_of(page: SourcePage, copy: bytes | None = None) -> dict[str, bytes]:
    """Parts of a dossier with that page."""
    parts = {"page-001.jpg": page.jpeg, "text.json": encode_text([page])}
    return parts if copy is None else {**parts, "copy.pdf": copy}


class PostCheckIssuer(Protocol):
    def post_check_copy(self, page: SourcePage, **changes: Any) -> bytes: ...


def post_check(
    kiosk: TestKiosk,
    authority: PostCheckIssuer,
    *,
    leased: int = 5,
    code: str = "H26.15-261124-0001",
    **facts: Any,
) -> TestDossier:
    """Sent with a copy that the kiosk issued, under a number leased to it."""
    request = {"kind": "certificate", "year": this_year(), "count": leased}
    kiosk.call("POST", "/v1/leases", json.dumps(request).encode())
    page = drawn_page()
    copy = authority.post_check_copy(page, **facts)
    dossier = kiosk.dossier(contents=contents_of(page, copy), mode="post-check", code=code)
    dossier.send()
    return dossier


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ca: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=not ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def seal_of(pdf: bytes) -> str:
    """The whole text of the seal in a copy."""
    reader = open_reader(pdf)
    assert reader is not None
    return read_copy(reader).seal

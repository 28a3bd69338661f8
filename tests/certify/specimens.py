"""Invented pages, facts and keys for the tests of certified copies."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import fontpkg_be_vietnam_pro
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from PIL import Image, ImageDraw, ImageFont
from pyhanko.sign.signers import SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from certify import cose
from certify.numbers import new_id_code
from certify.pages import SourcePage, Word
from certify.statement import CopyFacts, Mode

AGENCY = "Ủy ban nhân dân xã Mây Trắng"
OFFICER = "Lê Thị Hư Cấu"
SEAL_HOST = "xacthuc.mot-cua.example"
VIETNAM = timezone(timedelta(hours=7))
# Certificates are made during the run, so the specimens are of the day before it, whenever it is.
ISSUED = (datetime.now(VIETNAM) - timedelta(days=1)).replace(second=0, microsecond=0)
INSPECT_BY = ISSUED.date() + timedelta(days=3)
BOOK = f"01/{ISSUED.year}-SCT/BS"
LINES = (
    "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
    "BẰNG TỐT NGHIỆP (MẪU)",
    "Họ và tên: Phạm Văn Tưởng Tượng",
    "Xếp loại: Giỏi",
)
Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_FONT = Path(fontpkg_be_vietnam_pro.ROOT) / "files" / "BeVietnamPro-Regular.ttf"


def page(
    lines: int = 4, *, dpi: int = 100, size_mm: tuple[float, float] = (210, 297)
) -> SourcePage:
    """A page of invented text, as a scanner gives it: the paper is not quite white."""
    width, height = (round(side / 25.4 * dpi) for side in size_mm)
    image = Image.new("RGB", (width, height), (247, 244, 235))
    draw = ImageDraw.Draw(image)
    font = ImageFont.truetype(str(_FONT), dpi // 6)
    words: list[Word] = []
    for number in range(lines):
        left, top = 0.1 * width, 0.08 * height + number * dpi * 0.28
        for text in LINES[number % len(LINES)].split():
            box = [round(side) for side in draw.textbbox((left, top), text, font=font)]
            draw.text((left, top), text, font=font, fill=(25, 22, 40))
            words.append(Word(text, box[0], box[1], box[2] - box[0], box[3] - box[1], 96, number))
            left = box[2] + dpi * 0.06
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80, dpi=(dpi, dpi))
    return SourcePage(out.getvalue(), width, height, dpi, tuple(words))


def facts(mode: Mode = "pre-check", **changes: Any) -> CopyFacts:
    pre_check = mode == "pre-check"
    values: dict[str, Any] = {
        "id_code": new_id_code(17, 42),
        "number": 123,
        "year": ISSUED.year,
        "book": BOOK,
        "agency": AGENCY,
        "place": "xã Mây Trắng",
        "officer": OFFICER if pre_check else "",
        "officer_title": "Công chức Tư pháp - Hộ tịch" if pre_check else "",
        "issued": ISSUED,
        "copies": 2,
        "mode": mode,
        "inspect_by": None if pre_check else INSPECT_BY,
        "dossier_code": f"H26.15-{ISSUED:%y%m%d}-0042",
    }
    return CopyFacts(**values | changes)


@dataclass(frozen=True)
class SoftwareSigner:
    """A signer whose key is in memory, with a certificate from a stranger's authority."""

    pdf_key: SimpleSigner
    certificate: asn1_x509.Certificate
    private: Private

    @property
    def key_id(self) -> bytes:
        assert isinstance(self.private, ec.EllipticCurvePrivateKey)
        return cose.key_id(self.private.public_key())

    def sign_es256(self, message: bytes) -> bytes:
        assert isinstance(self.private, ec.EllipticCurvePrivateKey)
        return cose.software_signer(self.private)(message)


def stranger(common_name: str, organisation: str) -> SoftwareSigner:
    """Bears any name, but its certificate is signed by itself."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organisation),
        ]
    )
    return certified_signer(name, private, name, private)


def certified_signer(
    subject: x509.Name,
    private: Private,
    issuer: x509.Name,
    authority: ec.EllipticCurvePrivateKey,
    *,
    timestamping: bool = False,
) -> SoftwareSigner:
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        (
            "data_encipherment",
            "key_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(
            x509.KeyUsage(digital_signature=True, content_commitment=True, **usage), critical=True
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),
            critical=False,
        )
    )
    if timestamping:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(purpose, critical=True)
    certificate = asn1(builder.sign(authority, hashes.SHA256()))
    key = asn1_keys.PrivateKeyInfo.load(
        private.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    signer = SimpleSigner(
        signing_cert=certificate,
        signing_key=key,
        cert_registry=SimpleCertificateStore(),  # type: ignore[no-untyped-call]
    )
    return SoftwareSigner(signer, certificate, private)


def asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))

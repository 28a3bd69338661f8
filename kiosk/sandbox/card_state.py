"""An invented state that issues citizen cards: its certificates, and what it writes on a chip.

EF.SOD is a CMS signature by a document signer whom the country's certificate (CSCA) vouches for
(ICAO Doc 9303-10, 4.6.2; 9303-12).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from asn1crypto import cms, core
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from kiosk.identity import curves, tlv
from kiosk.identity.chip import ChipFile
from kiosk.identity.groups import Zone, check_digit
from kiosk.identity.passive import LDS_OBJECT, IssuerTrust, LdsSecurityObject

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
ECDH_AES_128 = "0.4.0.127.0.7.2.2.{family}.2.2"
ECDH_TRIPLE_DES = "0.4.0.127.0.7.2.2.{family}.2.1"
_LIFE = timedelta(days=900)
_EARLIER = timedelta(days=1000)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who is on a card. ``expires`` None: for ever. ``photo``: JPEG or JPEG 2000."""

    number: str
    name: str
    birth_date: date
    sex: str = "Nữ"
    residence: str = "Xã Yên Hòa, Hà Nội"
    issued: date = date(2024, 7, 1)
    expires: date | None = date(2044, 7, 1)
    photo: bytes = b"\xff\xd8\xff\xe0 no face"


@dataclass(frozen=True, slots=True)
class IssuedChip:
    """``files`` as they stand on the chip; ``agreement_key`` of chip authentication and
    ``signing_key`` of active authentication, where this kind of chip has one."""

    files: Mapping[int, bytes]
    zone: Zone
    can: str
    agreement_key: ec.EllipticCurvePrivateKey | None = None
    signing_key: Key | None = None

    def tampered(self, file: ChipFile, content: bytes) -> IssuedChip:
        return replace(self, files={**self.files, file: content})

    def cloned(self) -> IssuedChip:
        """All that can be read, and none of the keys: another pair stands in for each."""
        agreement, signing = self.agreement_key, self.signing_key
        return replace(
            self,
            agreement_key=ec.generate_private_key(agreement.curve) if agreement else None,
            signing_key=_like(signing) if signing else None,
        )


@dataclass(frozen=True)
class CardState:
    """``now``: the day on which everything is valid. ``signer``: "ec", "rsa" or "pss".

    ``kept``: root key and signer's key of an earlier run. ``spelt_out``: certificates spell the
    parameters of their curves out, as those of real states do.
    """

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    signer: str = "ec"
    signer_life: timedelta = _LIFE
    kept: tuple[ec.EllipticCurvePrivateKey, ec.EllipticCurvePrivateKey] | None = None
    spelt_out: bool = False

    @cached_property
    def root_key(self) -> ec.EllipticCurvePrivateKey:
        return self.kept[0] if self.kept else ec.generate_private_key(ec.BrainpoolP256R1())

    @cached_property
    def root(self) -> x509.Certificate:
        return self.certified(self.root_key.public_key(), "csca", ca=True)

    @property
    def root_der(self) -> bytes:
        return self.root.public_bytes(serialization.Encoding.DER)

    @cached_property
    def signer_key(self) -> Key:
        return self.kept[1] if self.kept else _new_key("ec" if self.signer == "ec" else "rsa")

    @cached_property
    def signer_certificate(self) -> x509.Certificate:
        return self.certified(self.signer_key.public_key(), "signer", life=self.signer_life)

    @property
    def trust(self) -> IssuerTrust:
        return IssuerTrust((self.root,))

    @property
    def trust_without_signer(self) -> IssuerTrust:
        """As :attr:`trust` after the state took its document signer back."""
        root = self.root.fingerprint(hashes.SHA256())
        return IssuerTrust((self.root,), frozenset({(root, self.signer_certificate.serial_number)}))

    def certified(
        self, public: Any, subject: str, *, ca: bool = False, life: timedelta = _LIFE
    ) -> x509.Certificate:
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_named(subject))
            .issuer_name(_named("csca"))
            .public_key(public)
            .serial_number(1 if ca else 7)
            .not_valid_before(self.now - _EARLIER)
            .not_valid_after(self.now + life)
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .sign(self.root_key, hashes.SHA256())
        )
        return _spelt_out(certificate, self.root_key) if self.spelt_out else certificate

    def issue(self, bearer: Bearer, *, clone_check: str = "chip", aes: bool = True) -> IssuedChip:
        """``clone_check``: "chip", "active" (elliptic), "active-rsa" or "none"."""
        zone = _zone(bearer)
        groups: dict[int, bytes] = {
            ChipFile.DG1: dg1(bearer, zone),
            ChipFile.DG2: dg2(bearer.photo),
            ChipFile.DG13: dg13(bearer),
        }
        agreement, signing = None, None
        if clone_check == "chip":
            agreement = ec.generate_private_key(ec.BrainpoolP256R1())
            groups[ChipFile.DG14] = dg14(agreement, aes=aes)
        elif clone_check != "none":
            signing = _new_key("rsa" if clone_check == "active-rsa" else "ec")
            groups[ChipFile.DG15] = tlv.encode(ChipFile.DG15.tag, _public(signing))
        sod = self.signed({ChipFile(file).group: content for file, content in groups.items()})
        files = {
            **groups,
            ChipFile.SOD: sod,
            ChipFile.COM: tlv.encode(ChipFile.COM.tag, tlv.encode(0x5F01, b"0107")),
        }
        return IssuedChip(files, zone, bearer.number[-6:], agreement, signing)

    def signed(self, groups: Mapping[int, bytes]) -> bytes:
        """EF.SOD over the data groups."""
        content = LdsSecurityObject(
            {
                "version": 0,
                "hash_algorithm": {"algorithm": "sha256"},
                "hashes": [
                    {"number": number, "digest": hashlib.sha256(data).digest()}
                    for number, data in sorted(groups.items())
                ],
            }
        ).dump()
        signed_data = self._signed_data(content)
        info = cms.ContentInfo({"content_type": "signed_data", "content": signed_data}).dump()
        return tlv.encode(ChipFile.SOD.tag, info)

    def _signed_data(self, content: bytes) -> cms.SignedData:
        der = self.signer_certificate.public_bytes(serialization.Encoding.DER)
        holder = asn1_x509.Certificate.load(der)
        digest = hashlib.sha256(content).digest()
        attributes = cms.CMSAttributes(
            [
                cms.CMSAttribute({"type": "content_type", "values": [LDS_OBJECT]}),
                cms.CMSAttribute({"type": "message_digest", "values": [digest]}),
            ]
        )
        algorithm, signature = self._signature(attributes.dump())
        sid = {"issuer": holder.issuer, "serial_number": holder.serial_number}
        signer_info = {
            "version": "v1",
            "sid": cms.SignerIdentifier("issuer_and_serial_number", sid),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": algorithm},
            "signature": signature,
        }
        return cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [{"algorithm": "sha256"}],
                "encap_content_info": {
                    "content_type": LDS_OBJECT,
                    "content": core.ParsableOctetString(content),
                },
                "certificates": [cms.CertificateChoices("certificate", holder)],
                "signer_infos": [signer_info],
            }
        )

    def _signature(self, message: bytes) -> tuple[str, bytes]:
        key = self.signer_key
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return "sha256_ecdsa", key.sign(message, ec.ECDSA(hashes.SHA256()))
        if self.signer == "pss":
            scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            return "rsassa_pss", key.sign(message, scheme, hashes.SHA256())
        return "sha256_rsa", key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def kept_in(folder: Path) -> CardState:
    """The state whose two keys lie in ``folder``; they are made the first time."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    root = kept_key(folder / "csca.pem", ec.BrainpoolP256R1())
    return CardState(kept=(root, kept_key(folder / "card-signer.pem", ec.SECP256R1())))


def kept_key(file: Path, curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
    """The key in ``file``, made the first time."""
    if not file.exists():
        pem = ec.generate_private_key(curve).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        fresh = file.with_suffix(".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
            handle.write(pem)
        fresh.replace(file)
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), "made above"
    return key


def dg1(bearer: Bearer, zone: Zone) -> bytes:
    """TD1: three lines of thirty characters."""
    first = f"IDVNM{zone.document}{check_digit(zone.document)}{bearer.number}<<"
    first += check_digit(first[5:])
    second = f"{zone.birth}{check_digit(zone.birth)}{'F' if bearer.sex == 'Nữ' else 'M'}"
    second += f"{zone.expiry}{check_digit(zone.expiry)}VNM".ljust(14, "<")
    second = second[:29].ljust(29, "<")
    second += check_digit(first[5:] + second[:7] + second[8:15] + second[18:29])
    lines = first + second + "MAU<<NGUOI".ljust(30, "<")
    return tlv.encode(ChipFile.DG1.tag, tlv.encode(0x5F1F, lines.encode("ascii")))


def dg2(photo: bytes) -> bytes:
    """One face (ISO/IEC 19794-5) in one biometric template."""
    face = bytes(20) + b"\x01\x00" + bytes(10) + photo
    record = b"FAC\x00010\x00" + (14 + 4 + len(face)).to_bytes(4, "big") + b"\x00\x01"
    record += (4 + len(face) - 4).to_bytes(4, "big") + face[4:]
    template = tlv.encode(0xA1, tlv.encode(0x81, b"\x02")) + tlv.encode(0x5F2E, record)
    group = tlv.encode(0x02, b"\x01") + tlv.encode(0x7F60, template)
    return tlv.encode(ChipFile.DG2.tag, tlv.encode(0x7F61, group))


def dg13(bearer: Bearer) -> bytes:
    day = "%d/%m/%Y"
    values = {
        1: bearer.number, 2: bearer.name, 3: f"{bearer.birth_date:{day}}", 4: bearer.sex,
        5: "Việt Nam", 6: "Kinh", 7: "Không", 8: "Xã Mẫu, Hà Nội", 9: bearer.residence,
        10: "Nốt ruồi cách 1 cm", 11: f"{bearer.issued:{day}}",
        12: f"{bearer.expires:{day}}" if bearer.expires else "Không thời hạn",
    }  # fmt: skip
    fields = b"".join(
        _sequence(core.Integer(number).dump() + core.UTF8String(value).dump())
        for number, value in values.items()
    )
    parents = core.UTF8String("Nguyễn Văn Cha").dump() + core.UTF8String("Lê Thị Mẹ").dump()
    fields += _sequence(core.Integer(13).dump() + _sequence(parents))
    return tlv.encode(ChipFile.DG13.tag, _sequence(core.Integer(1).dump() + _sequence(fields)))


def dg14(key: ec.EllipticCurvePrivateKey, *, aes: bool) -> bytes:
    protocol = (ECDH_AES_128 if aes else ECDH_TRIPLE_DES).format(family=3)
    infos = _security_info(protocol, core.Integer(1).dump())
    infos += _security_info("0.4.0.127.0.7.2.2.1.2", _public(key))
    return tlv.encode(ChipFile.DG14.tag, tlv.encode(0x31, infos))


def card_access(*, aes: bool = True, parameter_id: int = 13) -> bytes:
    """EF.CardAccess of a chip that speaks PACE with generic mapping."""
    protocol = (ECDH_AES_128 if aes else ECDH_TRIPLE_DES).format(family=4)
    parameters = core.Integer(2).dump() + core.Integer(parameter_id).dump()
    return tlv.encode(0x31, _security_info(protocol, parameters))


def _security_info(protocol: str, rest: bytes) -> bytes:
    return _sequence(core.ObjectIdentifier(protocol).dump() + rest)


def _sequence(inside: bytes) -> bytes:
    return tlv.encode(0x30, inside)


def _zone(bearer: Bearer) -> Zone:
    expiry = f"{bearer.expires:%y%m%d}" if bearer.expires else "991231"
    return Zone(bearer.number[-9:], bearer.number, f"{bearer.birth_date:%y%m%d}", expiry)


def _spelt_out(certificate: x509.Certificate, issuer: ec.EllipticCurvePrivateKey) -> Any:
    """The same certificate over an elliptic key whose domain parameters stand in full."""
    parsed = asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
    body = parsed["tbs_certificate"]
    body["subject_public_key_info"] = spelt_out(body["subject_public_key_info"].dump())
    signature = issuer.sign(body.dump(force=True), ec.ECDSA(hashes.SHA256()))
    whole = asn1_x509.Certificate(
        {
            "tbs_certificate": body,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature_value": signature,
        }
    )
    return x509.load_der_x509_certificate(whole.dump())


def spelt_out(info: bytes) -> asn1_keys.PublicKeyInfo:
    """A SubjectPublicKeyInfo with the curve's parameters in place of its name."""
    parsed = asn1_keys.PublicKeyInfo.load(info)
    key = serialization.load_der_public_key(info)
    assert isinstance(key, ec.EllipticCurvePublicKey), "only those have curves"
    curve = curves.curve_of(key)
    domain = {
        "version": "ecdpVer1",
        "field_id": {"field_type": "prime_field", "parameters": core.Integer(curve.p)},
        "curve": {
            "a": curve.a.to_bytes(curve.size, "big"),
            "b": curve.b.to_bytes(curve.size, "big"),
        },
        "base": asn1_keys.ECPoint(curve.encoded(curve.multiple_of_base(1))),
        "order": curve.named.group_order,
        "cofactor": 1,
    }
    parameters = asn1_keys.ECDomainParameters("specified", asn1_keys.SpecifiedECDomain(domain))
    algorithm = asn1_keys.PublicKeyAlgorithm({"algorithm": "ec", "parameters": parameters})
    return asn1_keys.PublicKeyInfo({"algorithm": algorithm, "public_key": parsed["public_key"]})


def _public(key: Key) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _new_key(kind: str) -> Key:
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def _like(key: Key) -> Key:
    return _new_key("rsa" if isinstance(key, rsa.RSAPrivateKey) else "ec")


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])

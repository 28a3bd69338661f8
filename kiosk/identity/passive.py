"""Passive authentication: did the issuing state sign what the chip says (ICAO Doc 9303-11, 5.1)?

EF.SOD is a CMS signature of a document signer over the hashes of the data groups; the signer's
certificate comes with it and must be signed by one of the country's certificates (CSCA) that we
trust. A copied chip passes: that is for :mod:`kiosk.identity.clone_check` to find.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from kiosk.failures import Fault, KioskError
from kiosk.identity import curves
from kiosk.identity.curves import PublicKey
from kiosk.identity.tlv import read_length

log = logging.getLogger(__name__)

_SOD_TAG = 0x77
LDS_OBJECT = "2.23.136.1.1.1"
_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


_NO_STRUCTURE = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    AttributeError,
    RecursionError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""How asn1crypto and cryptography answer bytes that are no such structure."""


class _GroupHash(core.Sequence):  # type: ignore[misc]
    _fields = [("number", core.Integer), ("digest", core.OctetString)]  # noqa: RUF012


class _GroupHashes(core.SequenceOf):  # type: ignore[misc]
    _child_spec = _GroupHash


class LdsSecurityObject(core.Sequence):  # type: ignore[misc]
    """Doc 9303-10, 4.6.2.3; version 1 adds the LDS version."""

    _fields = [  # noqa: RUF012
        ("version", core.Integer),
        ("hash_algorithm", cms.DigestAlgorithm),
        ("hashes", _GroupHashes),
        ("lds_version", core.Sequence, {"optional": True}),
    ]


@dataclass(frozen=True, slots=True)
class IssuerTrust:
    """Whom the kiosk believes about chips. ``revoked``: document signers that a state has taken
    back, by the SHA-256 of its certificate and their serial number."""

    roots: tuple[x509.Certificate, ...] = ()
    revoked: frozenset[tuple[bytes, int]] = frozenset()

    @classmethod
    def of_der(cls, roots: Sequence[bytes], revoked: Collection[tuple[bytes, int]]) -> IssuerTrust:
        """Roots that cannot be read are left out: they can vouch for nobody."""
        return cls(tuple(filter(None, map(_root, roots))), frozenset(revoked))


def verify(
    sod: bytes, groups: Mapping[int, bytes], trust: IssuerTrust, at: datetime
) -> frozenset[int]:
    """The numbers of all data groups that the state signed.

    ``groups``: whole files by data group number, none may be missing from the signed list. Raises
    KioskError: CHIP_NOT_GENUINE (changed since, or signed by somebody whom we do not trust or whom
    the state took back), CHIP_SIGNER_EXPIRED (a certificate is not valid at ``at``),
    CHIP_UNREADABLE (no EF.SOD).
    """
    try:
        signed = _signed_data(sod)
        security_object = _checked_content(signed, trust, at)
        return _compare(security_object, groups)
    except _NO_STRUCTURE as error:
        raise KioskError(Fault.CHIP_UNREADABLE, f"EF.SOD: {type(error).__name__}") from None


def _signed_data(sod: bytes) -> cms.SignedData:
    if sod[:1] != bytes([_SOD_TAG]):
        raise ValueError("tag")
    length, start = read_length(sod, 1)
    content = cms.ContentInfo.load(sod[start : start + length], strict=True)
    if content["content_type"].native != "signed_data":
        raise ValueError("content type")
    return content["content"]


def _checked_content(signed: cms.SignedData, trust: IssuerTrust, at: datetime) -> LdsSecurityObject:
    encapsulated = signed["encap_content_info"]
    if encapsulated["content_type"].dotted != LDS_OBJECT or len(signed["signer_infos"]) != 1:
        raise ValueError("not one signature of a security object")
    content = encapsulated["content"].contents
    signer_info = signed["signer_infos"][0]
    signer = _signer(signed, signer_info)
    _check_attributes(signer_info, content)
    _check_signature(signer_info, signer)
    _check_issuer(signer, trust, at)
    security_object: LdsSecurityObject = LdsSecurityObject.load(content, strict=True)
    return security_object


def _signer(signed: cms.SignedData, signer_info: cms.SignerInfo) -> x509.Certificate:
    """The certificate that the signature names, among those that come with it."""
    sid = signer_info["sid"]
    for choice in signed["certificates"]:
        found = choice.chosen
        named = (
            found.issuer.dump() == sid.chosen["issuer"].dump()
            and found.serial_number == sid.chosen["serial_number"].native
            if sid.name == "issuer_and_serial_number"
            else found.key_identifier == sid.native
        )
        if named:
            return _loaded(found.dump())
    raise ValueError("no certificate of the signer")


def _loaded(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except x509.InvalidVersion as error:  # which is no ValueError, as all else that is malformed
        raise ValueError(str(error)) from None


def _check_attributes(signer_info: cms.SignerInfo, content: bytes) -> None:
    """The signature covers attributes, which cover the content (RFC 5652, 5.4)."""
    attributes = {a["type"].native: a["values"] for a in signer_info["signed_attrs"]}
    algorithm = signer_info["digest_algorithm"]["algorithm"].native
    digest = hashlib.new(_known(algorithm).name, content).digest()
    if attributes["content_type"][0].dotted != LDS_OBJECT:
        raise _not_genuine("content type")
    if attributes["message_digest"][0].native != digest:
        raise _not_genuine("digest of the content")


def _check_signature(signer_info: cms.SignerInfo, signer: x509.Certificate) -> None:
    message = signer_info["signed_attrs"].untag().dump()
    signature = signer_info["signature"].native
    algorithm = _known(signer_info["digest_algorithm"]["algorithm"].native)
    pss = signer_info["signature_algorithm"].signature_algo == "rsassa_pss"
    try:
        _verify(_key(signer), signature, message, _rsa_padding(pss, algorithm), algorithm)
    except InvalidSignature:
        raise _not_genuine("signature") from None


def _key(certificate: x509.Certificate) -> PublicKey:
    """States spell the parameters of their curves out (Doc 9303-12, 7.1.1), which ``public_key``
    of cryptography does not read."""
    parsed = asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
    return curves.public_key(parsed["tbs_certificate"]["subject_public_key_info"].dump())


def _verify(
    key: PublicKey,
    signature: bytes,
    message: bytes,
    scheme: padding.AsymmetricPadding,
    algorithm: hashes.HashAlgorithm,
) -> None:
    """``scheme``: of an RSA key. Raises InvalidSignature."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, message, ec.ECDSA(algorithm))
    else:
        key.verify(signature, message, scheme, algorithm)


def _rsa_padding(pss: bool, algorithm: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    if not pss:
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(algorithm), padding.PSS.DIGEST_LENGTH)


def _check_issuer(signer: x509.Certificate, trust: IssuerTrust, at: datetime) -> None:
    issuer = next((root for root in trust.roots if _issued(root, signer)), None)
    if issuer is None:
        raise _not_genuine("the signer is nobody's whom we trust")
    if (issuer.fingerprint(hashes.SHA256()), signer.serial_number) in trust.revoked:
        raise _not_genuine("the signer was taken back")
    for certificate in (signer, issuer):
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            raise KioskError(Fault.CHIP_SIGNER_EXPIRED, "certificate")


def _issued(authority: x509.Certificate, signer: x509.Certificate) -> bool:
    algorithm, scheme = signer.signature_hash_algorithm, signer.signature_algorithm_parameters
    if authority.subject != signer.issuer or algorithm is None:
        return False
    if not isinstance(scheme, padding.PKCS1v15 | padding.PSS):
        scheme = padding.PKCS1v15()  # not looked at: the key is elliptic
    try:
        _verify(_key(authority), signer.signature, signer.tbs_certificate_bytes, scheme, algorithm)
        return authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, TypeError, KioskError, InvalidSignature, x509.ExtensionNotFound):
        return False


def _compare(security_object: LdsSecurityObject, groups: Mapping[int, bytes]) -> frozenset[int]:
    algorithm = _known(security_object["hash_algorithm"]["algorithm"].native)
    signed = {item["number"].native: item["digest"].native for item in security_object["hashes"]}
    for number, content in groups.items():
        if signed.get(number) != hashlib.new(algorithm.name, content).digest():
            raise _not_genuine(f"data group {number}")
    return frozenset(signed)


def _root(der: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion):
        log.warning("a root for chips cannot be read")
        return None


def _known(algorithm: str) -> hashes.HashAlgorithm:
    return _HASHES[algorithm]


def _not_genuine(detail: str) -> KioskError:
    return KioskError(Fault.CHIP_NOT_GENUINE, detail)

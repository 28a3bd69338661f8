"""What the portal signs for all kiosks and verifiers: trust bundle and policy.

Both are COSE_Sign1 over deterministic CBOR, signed by the key whose public half is the trust
anchor. They have serials and are never downgraded: ``at_least`` is the serial one already has.

Behind a bundle its revocation list may stand (a CBOR sequence, RFC 8742): id codes of revoked
copies, signed by the one key that the bundle grants this right, and no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Literal, get_args

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certify import cose
from certify.errors import CertifyError, Fault
from certify.statement import Mode

Role = Literal["officer", "agency"]

_BUNDLE = b"mot-cua/trust-bundle/1"
_REVOCATIONS = b"mot-cua/revocations/1"
_POLICY = b"mot-cua/policy/1"


@dataclass(frozen=True, slots=True)
class SignerRight:
    """In which role a certificate may sign, and for signatures of which time (``until`` not
    included)."""

    role: Role
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Revocations:
    """A list of revoked id codes, as its key signed it. It never expires: what was revoked once
    stays so."""

    issued: datetime
    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class TrustBundle:
    """Whom to believe. ``roots``: DER certificates. ``seal_keys``: by key id (cose.key_id).

    ``revoked_codes``: id codes of copies; ``revoked_certificates``: since when, by serial number,
    and ``revocation_reasons`` why. ``leases``: until when a kiosk may issue, by the id of its seal
    key; ``seal_ends``: until when a desk may seal, which needs no lease and must have none.
    ``signers``: the only certificates (SHA-256 of their DER) that may sign copies; when there
    are none, every one under the roots that bears the right names. ``revocation_key`` may sign
    a list of further codes; ``listed`` is that list, already among ``revoked_codes``.

    ``chip_roots``: DER certificates of the states whose chips are believed, and ``staff_roots`` of
    those who issue staff cards. ``revoked_signers``: what either has taken back, by the SHA-256 of
    the root and the serial number. Bundles from before these three have none.
    """

    serial: int
    issued: datetime
    expires: datetime
    roots: tuple[bytes, ...]
    seal_keys: Mapping[bytes, ec.EllipticCurvePublicKey]
    seal_host: str
    revoked_codes: frozenset[str] = frozenset()
    revoked_certificates: Mapping[int, datetime] = field(default_factory=dict)
    leases: Mapping[bytes, datetime] = field(default_factory=dict)
    seal_ends: Mapping[bytes, datetime] = field(default_factory=dict)
    revocation_reasons: Mapping[int, str] = field(default_factory=dict)
    signers: Mapping[bytes, SignerRight] = field(default_factory=dict)
    revocation_key: ec.EllipticCurvePublicKey | None = None
    listed: Revocations | None = None
    chip_roots: tuple[bytes, ...] = ()
    staff_roots: tuple[bytes, ...] = ()
    revoked_signers: frozenset[tuple[bytes, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class NamedPack:
    """A procedure pack (:mod:`certify.packs`). ``effective``: the first day of its force, in
    Vietnam's time. ``sha256``: of the file, in hex."""

    name: str
    effective: date
    sha256: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What kiosks may do. ``thresholds``: "face-distance" and the like, by name.

    ``post_check_papers``: paper classes that may be certified before an officer saw them, who then
    inspects within ``post_check_inspect_days``.
    """

    serial: int
    issued: datetime
    expires: datetime
    modes: frozenset[Mode]
    thresholds: Mapping[str, float]
    post_check_papers: frozenset[str]
    post_check_inspect_days: int
    procedure_packs: tuple[NamedPack, ...]


def sign_bundle(bundle: TrustBundle, sign: cose.RawSigner, kid: bytes) -> bytes:
    """``kid`` is the key id of the anchor that signs."""
    body = {
        **_life(bundle),
        "roots": list(bundle.roots),
        "seal_keys": [cose.encode_public(key) for key in bundle.seal_keys.values()],
        "seal_host": bundle.seal_host,
        "revoked_codes": sorted(bundle.revoked_codes),
        "revoked_certificates": [
            [serial, int(when.timestamp()), *_reason(bundle, serial)]
            for serial, when in sorted(bundle.revoked_certificates.items())
        ],
        "leases": _seconds_of(bundle.leases),
        "seal_ends": _seconds_of(bundle.seal_ends),
        "chip_roots": list(bundle.chip_roots),
        "staff_roots": list(bundle.staff_roots),
        "revoked_signers": [list(pair) for pair in sorted(bundle.revoked_signers)],
    }
    if bundle.signers:
        body["signers"] = {
            digest: [right.role, int(right.since.timestamp()), int(right.until.timestamp())]
            for digest, right in bundle.signers.items()
        }
    if bundle.revocation_key:
        body["revocation_key"] = cose.encode_public(bundle.revocation_key)
    return cose.sign1(cose.encode(body), sign, kid, purpose=_BUNDLE)


def load_bundle(
    data: bytes, anchor: ec.EllipticCurvePublicKey, *, at: datetime, at_least: int = 0
) -> TrustBundle:
    """Raises CertifyError: BUNDLE_INVALID, BUNDLE_EXPIRED."""
    signed, behind = split_bundle(data)
    body = _open(signed, anchor, _BUNDLE, at, at_least)
    bundle = _read_bundle(body)
    if not behind:
        return bundle
    listed = load_revocations(behind, bundle)
    return replace(bundle, listed=listed, revoked_codes=bundle.revoked_codes | listed.codes)


def split_bundle(data: bytes) -> tuple[bytes, bytes]:
    """The bundle itself, and the revocation list behind it, which may be empty. Checks nothing.

    Raises CertifyError (BUNDLE_INVALID).
    """
    try:
        length = cose.first_length(data)
    except ValueError as error:
        raise _malformed(error) from None
    return data[:length], data[length:]


def sign_revocations(listed: Revocations, sign: cose.RawSigner, kid: bytes) -> bytes:
    """What stands behind the bundle that names this key as its ``revocation_key``."""
    body = {
        "issued": int(listed.issued.timestamp()),
        "codes": sorted(listed.codes),
    }
    return cose.sign1(cose.encode(body), sign, kid, purpose=_REVOCATIONS)


def load_revocations(data: bytes, bundle: TrustBundle) -> Revocations:
    """Raises CertifyError (BUNDLE_INVALID)."""
    if bundle.revocation_key is None:
        raise CertifyError(Fault.BUNDLE_INVALID, "nobody may sign revocations")
    body = _verified(data, bundle.revocation_key, _REVOCATIONS)
    try:
        return Revocations(
            issued=datetime.fromtimestamp(body["issued"], UTC),
            codes=frozenset(map(str, body["codes"])),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise _malformed(error) from None


def _read_bundle(body: Any) -> TrustBundle:
    try:
        keys = [cose.decode_public(der) for der in body["seal_keys"]]
        return TrustBundle(
            **_read_life(body),
            roots=tuple(bytes(root) for root in body["roots"]),
            seal_keys={cose.key_id(key): key for key in keys},
            seal_host=str(body["seal_host"]),
            revoked_codes=frozenset(map(str, body["revoked_codes"])),
            revoked_certificates={
                int(serial): datetime.fromtimestamp(when, UTC)
                for serial, when, *_ in body["revoked_certificates"]
            },
            leases=_times_of(body["leases"]),
            seal_ends=_times_of(body.get("seal_ends", {})),
            revocation_reasons={
                int(serial): str(reason)
                for serial, _, *reasons in body["revoked_certificates"]
                for reason in reasons
            },
            signers={
                bytes(digest): _right(values) for digest, values in body.get("signers", {}).items()
            },
            revocation_key=_optional_key(body.get("revocation_key")),
            chip_roots=tuple(bytes(root) for root in body.get("chip_roots", ())),
            staff_roots=tuple(bytes(root) for root in body.get("staff_roots", ())),
            revoked_signers=frozenset(
                (bytes(root), int(serial)) for root, serial in body.get("revoked_signers", ())
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise _malformed(error) from None


def sign_policy(policy: Policy, sign: cose.RawSigner, kid: bytes) -> bytes:
    body = {
        **_life(policy),
        "modes": sorted(policy.modes),
        "thresholds": dict(policy.thresholds),
        "post_check_papers": sorted(policy.post_check_papers),
        "post_check_inspect_days": policy.post_check_inspect_days,
        "procedure_packs": [
            [pack.name, pack.effective.isoformat(), bytes.fromhex(pack.sha256)]
            for pack in policy.procedure_packs
        ],
    }
    return cose.sign1(cose.encode(body), sign, kid, purpose=_POLICY)


def load_policy(
    data: bytes, anchor: ec.EllipticCurvePublicKey, *, at: datetime, at_least: int = 0
) -> Policy:
    """Raises CertifyError: BUNDLE_INVALID, BUNDLE_EXPIRED."""
    body = _open(data, anchor, _POLICY, at, at_least)
    try:
        return Policy(
            **_read_life(body),
            modes=frozenset(body["modes"]),
            thresholds={str(name): float(value) for name, value in body["thresholds"].items()},
            post_check_papers=frozenset(map(str, body["post_check_papers"])),
            post_check_inspect_days=int(body["post_check_inspect_days"]),
            procedure_packs=tuple(map(_named_pack, body["procedure_packs"])),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _malformed(error) from None


def _reason(bundle: TrustBundle, serial: int) -> list[str]:
    reason = bundle.revocation_reasons.get(serial)
    return [reason] if reason else []


def _seconds_of(ends: Mapping[bytes, datetime]) -> dict[bytes, int]:
    return {kid: int(until.timestamp()) for kid, until in ends.items()}


def _times_of(ends: Any) -> dict[bytes, datetime]:
    return {bytes(kid): datetime.fromtimestamp(until, UTC) for kid, until in ends.items()}


def _right(values: Any) -> SignerRight:
    role, since, until = values
    if role not in get_args(Role):
        raise ValueError("no such role")
    times = (datetime.fromtimestamp(each, UTC) for each in (since, until))
    return SignerRight(role, *times)


def _optional_key(der: Any) -> ec.EllipticCurvePublicKey | None:
    return None if der is None else cose.decode_public(der)


def _named_pack(values: Any) -> NamedPack:
    name, effective, digest = values
    if not isinstance(digest, bytes) or len(digest) != 32:
        raise ValueError("a pack is named by its SHA-256")
    return NamedPack(str(name), date.fromisoformat(effective), digest.hex())


def load_anchor(pem: str) -> ec.EllipticCurvePublicKey:
    """The trust anchor, a P-256 public key in PEM. Raises CertifyError (BUNDLE_INVALID)."""
    try:
        key = serialization.load_pem_public_key(pem.encode())
        return cose.decode_public(
            key.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
    except (ValueError, UnsupportedAlgorithm):
        raise CertifyError(Fault.BUNDLE_INVALID, "the anchor is no P-256 public key") from None


def _life(document: TrustBundle | Policy) -> dict[str, Any]:
    return {
        "serial": document.serial,
        "issued": int(document.issued.timestamp()),
        "expires": int(document.expires.timestamp()),
    }


def _read_life(body: Any) -> dict[str, Any]:
    return {
        "serial": int(body["serial"]),
        "issued": datetime.fromtimestamp(body["issued"], UTC),
        "expires": datetime.fromtimestamp(body["expires"], UTC),
    }


def _open(
    data: bytes, anchor: ec.EllipticCurvePublicKey, purpose: bytes, at: datetime, at_least: int
) -> Any:
    body = _verified(data, anchor, purpose)
    try:
        serial, expires = int(body["serial"]), datetime.fromtimestamp(body["expires"], UTC)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise _malformed(error) from None
    if serial < at_least:
        raise CertifyError(Fault.BUNDLE_INVALID, f"serial {serial} is older than {at_least}")
    if expires <= at:
        raise CertifyError(Fault.BUNDLE_EXPIRED, f"{expires:%Y-%m-%d}")
    return body


def _verified(data: bytes, key: ec.EllipticCurvePublicKey, purpose: bytes) -> Any:
    try:
        return cose.decode(cose.verify1(data, {cose.key_id(key): key}, purpose=purpose))
    except CertifyError as error:
        raise CertifyError(Fault.BUNDLE_INVALID, error.detail) from None
    except ValueError as error:
        raise _malformed(error) from None


def _malformed(error: Exception) -> CertifyError:
    return CertifyError(Fault.BUNDLE_INVALID, f"malformed: {type(error).__name__}")
